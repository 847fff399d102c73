//! Sending to those who are left after a try that ended early, and what is said when something
//! can't be done any more.

use loupe::{context::actor::Role, recipients::model::RecipientFilter};

use crate::{
    both,
    campaigns::find,
    support::{
        app::{TestApp, words},
        people,
        sending::{begun, deliver, draft, latest, midway, press, status, tally},
    },
};

/// A campaign that was stopped when 2 of 5 had it; also its send, and a cookie of who stopped it.
async fn stopped(app: &TestApp) -> (i64, i64, String) {
    people::crowd(app.db(), app.store.id, 5, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    midway(app.db(), send, 2).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    stop(app, send, &cookie).await;
    (campaign, send, cookie)
}

async fn version(app: &TestApp, campaign: i64) -> String {
    find(app, campaign).await.version.to_string()
}

/// Presses Stop sending, and reads the page one comes back to.
async fn stop(app: &TestApp, send: i64, cookie: &str) -> String {
    let id = send.to_string();
    press_and_read(app, "/api/sends/stop", &[("send_id", &id)], cookie).await
}

/// Posts a form, and reads the page that follows, with what it has to tell once.
async fn press_and_read(app: &TestApp, action: &str, fields: &[(&str, &str)], cookie: &str) -> String {
    let answer = app.post_form(action, "/marketing/campaigns", fields, cookie).await;
    words(&app.follow(&answer, cookie).await.text)
}

both!(what_was_refused_is_said_on_the_page_one_comes_back_to, |app| {
    let (campaign, send, cookie) = stopped(&app).await;
    let told = stop(&app, send, &cookie).await;
    assert!(told.contains("It isn't sending any more."), "{told}");
    for action in ["/api/sends/pause", "/api/sends/resume"] {
        let id = send.to_string();
        let told = press_and_read(&app, action, &[("send_id", &id)], &cookie).await;
        assert!(told.contains("It isn't sending any more."), "{action}: {told}");
    }
    let page = app.get(&format!("/marketing/campaigns/{campaign}"), &cookie).await;
    let told = words(&page.text);
    assert!(!told.contains("It isn't sending any more."), "it is said once: {told}");
    assert!(told.contains("after 2 of 5 customers."), "{told}");
});

both!(the_rest_gets_it_and_nobody_twice, |app| {
    let (campaign, _, cookie) = stopped(&app).await;
    let page = format!("/marketing/campaigns/{campaign}");
    let told = words(&app.get(&page, &cookie).await.text);
    assert!(told.contains("Skip the 2 who already got it"), "{told}");
    assert!(told.contains("Send to the remaining 3"), "{told}");
    let seller = app.sign_in_as(Role::Salesperson).await;
    let seen = words(&app.get(&page, &seller).await.text);
    assert!(
        seen.contains("after 2 of 5") && !seen.contains("Send to the remaining"),
        "{seen}"
    );

    let (id, version) = (campaign.to_string(), version(&app, campaign).await);
    let form = |token: &'static str| {
        [
            ("id", id.clone()),
            ("version", version.clone()),
            ("send_token", token.to_owned()),
            ("shown_count", "3".to_owned()),
            ("skip_already", "true".to_owned()),
        ]
    };
    let send_rest = async |token| {
        let form = form(token);
        let fields: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        app.post_form("/api/campaigns/send-rest", &page, &fields, &cookie).await
    };
    assert_eq!(send_rest("rest").await.location(), format!("{page}?ok=sending"));
    let second = latest(app.db(), &app.store, campaign).await;
    let begun = tally(app.db(), &app.store, second).await;
    assert_eq!((begun.waiting, begun.skipped, begun.already), (3, 0, 2));
    // The same form once more says what came of it.
    let again = send_rest("rest").await;
    assert_eq!(again.location(), format!("{page}?ok=already"));
    let told = words(&app.get(again.location(), &cookie).await.text);
    assert!(
        told.contains("Already sent at 10:00 am. We didn't send it again."),
        "{told}"
    );
    // Another form is told who sends it, and how far it is.
    midway(app.db(), second, 1).await;
    let other = send_rest("another").await;
    let told = words(&app.follow(&other, &cookie).await.text);
    assert!(told.contains("owner is already sending this — 1 of 3."), "{told}");
    deliver(&app.state, &app.store, second).await;
    assert_eq!(tally(app.db(), &app.store, second).await.sent, 3);
});

both!(nobody_gets_it_again_without_being_asked_about, |app| {
    let (campaign, _, cookie) = stopped(&app).await;
    let page = format!("/marketing/campaigns/{campaign}");
    let id = campaign.to_string();
    let form = [("id", id.as_str()), ("send_token", "all"), ("shown_count", "3")];
    let answer = app.post_form("/api/campaigns/send-rest", &page, &form, &cookie).await;
    let review = answer.location();
    assert_eq!(review, format!("{page}/review?token=all&reached=again"));
    assert_eq!(status(app.db(), campaign).await, "draft", "nothing is sent yet");
    let asked = words(&app.get(review, &cookie).await.text);
    assert!(asked.contains("Send to 5 customers now?"), "{asked}");
    assert!(
        asked.contains("2 of these customers were sent this same message"),
        "{asked}"
    );
    people::change(
        app.db(),
        "update campaigns set subject = 'Another' where id = $1",
        campaign,
    )
    .await;
    let asked = app.get(review, &cookie).await.text;
    assert!(
        words(&asked).contains("2 of these customers already got this and get it again"),
        "{asked}"
    );
    assert!(asked.contains("name=\"reached\" value=\"again\""), "{asked}");

    // Whoever turns back has changed nothing.
    let other = words(&app.get(&format!("{page}/review"), &cookie).await.text);
    assert!(other.contains("Send to 3 customers now?"), "{other}");
    app.press(review, "/api/campaigns/confirm", &cookie).await;
    let second = latest(app.db(), &app.store, campaign).await;
    assert_eq!(tally(app.db(), &app.store, second).await.waiting, 5);
});
