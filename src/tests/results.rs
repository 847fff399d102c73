//! The page of a campaign: what will go, as somebody real gets it, and what went.

use chrono::Duration;
use loupe::{
    campaigns::model::CampaignStatus,
    context::{actor::Role, settings::Given},
    db::Backend,
    on_db,
    recipients::model::RecipientFilter,
};

use crate::{
    both,
    campaigns::{find, id_in, submit},
    support::{
        app::{TestApp, words},
        people,
        planning::plan,
        sending::{begun, deliver, draft, press},
    },
};

async fn somebody(app: &TestApp, name: &str, email: Option<&str>) -> i64 {
    people::one(app.db(), app.store.id, name, email, &[], app.now()).await
}

both!(a_plan_is_shown_as_a_real_recipient_gets_it_with_who_will, |app| {
    somebody(&app, "Amara Okafor", Some("amara@example.com")).await;
    let longest = somebody(&app, "Charlotte Fairweather-Holloway", Some("charlotte@example.com")).await;
    somebody(&app, "Dara Petrov", None).await;
    let id = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let path = format!("/marketing/campaigns/{id}");
    for role in [Role::Owner, Role::Salesperson] {
        let cookie = app.sign_in_as(role).await;
        let page = app.get(&path, &cookie).await;
        let read = words(&page.text);
        assert!(read.contains("As Amara Okafor will get it For you, Amara"), "{read}");
        assert!(read.contains("to amara@example.com"), "{read}");
        assert!(read.contains("This will go to 2 customers today."), "{read}");
        assert!(
            read.contains("1 will be skipped 1 No email address See who Dara Petrov"),
            "{read}"
        );
        assert!(read.contains("The way to unsubscribe is added for you"), "{read}");
        assert!(!page.text.contains("{{"), "no braces outside the editor: {read}");
        let other = app.get(&format!("{path}?person={longest}"), &cookie).await;
        let read = words(&other.text);
        assert!(read.contains("As Charlotte Fairweather-Holloway will get it"), "{read}");
        let frame = other.text.split("src=\"").find(|part| part.starts_with(&path)).unwrap();
        let shown = app
            .get(&frame.split('"').next().unwrap().replace("&amp;", "&"), &cookie)
            .await;
        assert!(shown.text.contains("Dear Charlotte,"), "{}", shown.text);
    }
    plan(app.db(), id, app.now() + Duration::days(3)).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let read = words(&app.get(&path, &cookie).await.text);
    assert!(read.contains("When it goes out Mon 4 May 2026, 10:00 am"), "{read}");
    assert!(
        read.contains("Change the time") && read.contains("Unschedule"),
        "{read}"
    );
});

both!(a_message_that_went_is_shown_as_somebody_who_got_it, |app| {
    for (name, email) in [("Amara Okafor", "amara@example.com"), ("Bela Toth", "bela@example.com")] {
        somebody(&app, name, Some(email)).await;
    }
    somebody(&app, "Dara Petrov", None).await;
    let id = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    deliver(&app.state, &app.store, begun(press(&app.state, &app.store, id).await)).await;
    let cookie = app.sign_in_as(Role::Salesperson).await;
    let path = format!("/marketing/campaigns/{id}");
    let page = app.get(&path, &cookie).await;
    let read = words(&page.text);
    assert!(read.contains("As Amara Okafor got it For you, Amara"), "{read}");
    assert!(
        read.contains("Next person") && !read.contains("Previous person"),
        "{read}"
    );
    assert!(!page.text.contains("{{"), "{read}");
    let frame = page
        .text
        .split("src=\"/messages/")
        .nth(1)
        .expect("her message in a frame");
    let message = frame.split('/').next().unwrap();
    let shown = app.get(&format!("/messages/{message}/view"), &cookie).await.text;
    assert!(shown.contains("Dear Amara,"), "{shown}");

    let next = page
        .text
        .split("href=\"")
        .find(|part| part.contains(">Next person<"))
        .unwrap();
    let read = words(&app.get(next.split('#').next().unwrap(), &cookie).await.text);
    assert!(read.contains("As Bela Toth got it For you, Bela"), "{read}");
    let found = words(&app.get(&format!("{path}?who=TOTH"), &cookie).await.text);
    assert!(found.contains("As Bela Toth got it"), "{found}");
    let nobody = words(&app.get(&format!("{path}?who=Dara"), &cookie).await.text);
    assert!(nobody.contains("Nobody called “Dara” got it."), "{nobody}");
    assert!(nobody.contains("As Amara Okafor got it"), "{nobody}");
    // Who was left out read nothing.
    let left_out: i64 = on_db!(app.db(), |pool| sqlx::query_scalar(
        "select id from messages where state = 'skipped'"
    )
    .fetch_one(pool)
    .await)
    .unwrap();
    let read = words(&app.get(&format!("{path}?as={left_out}"), &cookie).await.text);
    assert!(read.contains("As Amara Okafor got it"), "{read}");
});

both!(ten_rows_come_first_and_all_of_them_when_asked_for, |app| {
    people::crowd(app.db(), app.store.id, 12, &[], app.now()).await;
    let id = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    deliver(&app.state, &app.store, begun(press(&app.state, &app.store, id).await)).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let path = format!("/marketing/campaigns/{id}");
    let rows = async |path: &str| app.get(path, &cookie).await.text.matches("role=\"rowheader\"").count();
    assert_eq!(rows(&path).await, 10);
    let read = words(&app.get(&path, &cookie).await.text);
    assert!(read.contains(" All 12 "), "{read}");
    assert!(read.contains("Sent to 12 customers. Replies come to"), "{read}");
    assert_eq!(rows(&format!("{path}?show=everyone")).await, 12);
});

both!(no_braces_are_read_outside_the_editor, |app| {
    people::crowd(app.db(), app.store.id, 3, &[], app.now()).await;
    let id = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let list = app.get("/marketing/campaigns", &cookie).await.text;
    assert!(!list.contains("{{"), "{list}");
    assert!(words(&list).contains("For you, first name"), "{}", words(&list));
    let review = app
        .get(&format!("/marketing/campaigns/{id}/review"), &cookie)
        .await
        .text;
    assert!(!review.contains("{{"), "{review}");
    assert!(words(&review).contains("Subject For you, Person"), "{}", words(&review));
    let copy = app
        .post_form("/api/campaigns/duplicate", "/", &[("id", &id.to_string())], &cookie)
        .await;
    let (copy, _) = copy.location().split_once("/edit").unwrap();
    let copied = id_in(copy).to_string();
    app.post_form("/api/campaigns/delete", "/", &[("id", &copied)], &cookie)
        .await;
    let log = app.get("/audit-log", &cookie).await.text;
    assert!(words(&log).contains("For you, first name"), "{}", words(&log));
    assert!(!log.contains("{{"), "{log}");
});

async fn what_was_taken_back_can_be_scheduled_again(backend: Backend) {
    let given = Given {
        undo_seconds: Some("60".to_owned()),
        ..Given::default()
    };
    let app = TestApp::with(backend, given).await;
    people::crowd(app.db(), app.store.id, 3, &["wedding"], app.now()).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let when = [
        ("schedule_for_later", "true"),
        ("date", "2026-05-09"),
        ("time", "10:30"),
        ("send_token", "t"),
    ];
    let id = id_in(submit(&app, &cookie, "schedule", &when).await.location());
    let path = format!("/marketing/campaigns/{id}");
    let before = find(&app, id).await;
    assert_eq!(before.status, CampaignStatus::Scheduled);
    let version = before.version.to_string();
    let fields = [
        ("id", id.to_string()),
        ("version", version),
        ("send_token", "now".to_owned()),
        ("quiet_hours_confirmed", "true".to_owned()),
    ];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    app.post_form("/api/campaigns/confirm", &path, &fields, &cookie).await;
    let send = crate::support::sending::latest(app.db(), &app.store, id)
        .await
        .to_string();
    let undone = app
        .post_form("/api/sends/undo", &path, &[("send_id", &send)], &cookie)
        .await;
    let read = words(&app.get(undone.location(), &cookie).await.text);
    assert!(
        read.contains("Sending cancelled. Nothing was sent. It isn't scheduled now."),
        "{read}"
    );
    assert!(read.contains("Schedule for Sat 9 May 2026, 10:30 am"), "{read}");
    let again = app
        .press(undone.location(), "/api/campaigns/schedule-again", &cookie)
        .await;
    assert_eq!(again.location(), format!("{path}?ok=scheduled"));
    let after = find(&app, id).await;
    assert_eq!(
        (after.status, after.scheduled_at),
        (CampaignStatus::Scheduled, before.scheduled_at)
    );

    // The history has each deed, and none that did not happen.
    let history = words(&app.get(&path, &cookie).await.text);
    let history = history.split("History").last().unwrap();
    assert_eq!(
        history.matches("for Sat 9 May 2026, 10:30 am AEST").count(),
        2,
        "{history}"
    );
    assert!(history.contains("Started sending “"), "{history}");
    assert!(history.contains("before anything went out"), "{history}");
    assert!(!history.contains("Sent “"), "{history}");
    // Moved: both times are told.
    let version = after.version.to_string();
    let id = id.to_string();
    let later = [
        ("id", id.as_str()),
        ("version", version.as_str()),
        ("schedule_for_later", "true"),
        ("date", "2026-05-10"),
        ("time", "11:00"),
        ("send_token", "t2"),
    ];
    submit(&app, &cookie, "schedule", &later).await;
    let read = words(&app.get(&path, &cookie).await.text);
    assert!(
        read.contains("from Sat 9 May 2026, 10:30 am AEST to Sun 10 May 2026, 11:00 am AEST"),
        "{read}"
    );
}

#[tokio::test]
async fn what_was_taken_back_can_be_scheduled_again_on_sqlite() {
    what_was_taken_back_can_be_scheduled_again(Backend::Sqlite).await;
}

#[tokio::test]
async fn what_was_taken_back_can_be_scheduled_again_on_postgres() {
    what_was_taken_back_can_be_scheduled_again(Backend::Postgres).await;
}

both!(pressing_once_more_while_it_is_sent_leads_to_its_page, |app| {
    people::crowd(app.db(), app.store.id, 3, &["wedding"], app.now()).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let saved = submit(&app, &cookie, "draft", &[("send_token", "a")]).await;
    let id = id_in(saved.location());
    begun(press(&app.state, &app.store, id).await);
    let id = id.to_string();
    let again = submit(&app, &cookie, "send_now", &[("id", &id), ("send_token", "b")]).await;
    assert_eq!(again.location(), format!("/marketing/campaigns/{id}"));
    let read = words(&app.follow(&again, &cookie).await.text);
    assert!(read.contains("Priya is already sending this — 0 of 3."), "{read}");
});

both!(a_deleted_campaign_leaves_the_keyboard_at_the_title, |app| {
    let id = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let answer = app
        .post_form("/api/campaigns/delete", "/", &[("id", &id.to_string())], &cookie)
        .await;
    let page = app.get(answer.location(), &cookie).await.text;
    assert!(page.contains("<h1 tabindex=\"-1\" autofocus"), "{page}");
    let usual = app.get("/marketing/campaigns", &cookie).await.text;
    assert!(!usual.contains("autofocus"), "{usual}");
});
