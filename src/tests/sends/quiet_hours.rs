//! What makes something go out again in the quiet hours is asked about first: Resume, and "Send
//! again".

use chrono::Duration;
use loupe::{context::actor::Role, recipients::model::RecipientFilter, sends as domain};

use crate::{
    both,
    sends::{
        after_sending::{partly_unconfirmed, unconfirmed_ids},
        asking::{ASLEEP, go_to_the_evening, press_on, sends},
    },
    support::{
        app::{Answer, TestApp, words},
        people,
        sending::{begun, draft, midway, press, tally},
    },
};

/// A campaign to five people of which two have it.
async fn under_way(app: &TestApp) -> (i64, i64) {
    people::crowd(app.db(), app.store.id, 5, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    midway(app.db(), send, 2).await;
    (campaign, send)
}

async fn act(app: &TestApp, action: &str, send: i64, cookie: &str) -> Answer {
    let (path, id) = (format!("/api/sends/{action}"), send.to_string());
    app.post_form(&path, "/marketing/campaigns", &[("send_id", &id)], cookie)
        .await
}

async fn is_paused(app: &TestApp, send: i64) -> bool {
    let send = domain::queries::find(app.db(), app.store.id, send).await.unwrap();
    send.unwrap().paused_at.is_some()
}

/// The question says that customers may be asleep, and these words.
async fn asked(app: &TestApp, answer: &Answer, says: &str, cookie: &str) -> Answer {
    let page = app.get(answer.location(), cookie).await;
    let told = words(&page.text);
    assert!(told.contains(ASLEEP) && told.contains(says), "{told}");
    page
}

both!(resume_asks_first_in_the_quiet_hours, |app| {
    let (campaign, send) = under_way(&app).await;
    let path = format!("/marketing/campaigns/{campaign}");
    let cookie = app.sign_in_as(Role::Owner).await;
    act(&app, "pause", send, &cookie).await;
    assert_eq!(act(&app, "resume", send, &cookie).await.location(), path);
    assert!(!is_paused(&app, send).await, "nobody sleeps by day");
    act(&app, "pause", send, &cookie).await;

    go_to_the_evening(&app);
    let cookie = app.sign_in_as(Role::Owner).await;
    let answer = act(&app, "resume", send, &cookie).await;
    assert_eq!(answer.location(), format!("/sends/{send}/quiet-hours?what=resume"));
    assert!(is_paused(&app, send).await);
    let page = asked(
        &app,
        &answer,
        "Resume sending now? 3 customers are still waiting.",
        &cookie,
    )
    .await;
    assert!(is_paused(&app, send).await, "looking changes nothing");
    let answer = press_on(&app, &page, "/api/sends/resume", &cookie).await;
    assert_eq!(answer.location(), path);
    assert!(!is_paused(&app, send).await);
    // Somebody else has resumed it: there is nothing to ask any more.
    assert_eq!(act(&app, "resume", send, &cookie).await.location(), path);
    let late = app
        .get(&format!("/sends/{send}/quiet-hours?what=resume"), &cookie)
        .await;
    assert_eq!(late.location(), path);
});

both!(going_on_with_what_had_stopped_asks_first_in_the_quiet_hours, |app| {
    let (campaign, send) = under_way(&app).await;
    app.clock.set(app.now() + Duration::hours(11));
    let cookie = app.sign_in_as(Role::Owner).await;
    let answer = act(&app, "go-on", send, &cookie).await;
    let page = asked(&app, &answer, "3 customers are still waiting.", &cookie).await;
    let still = domain::queries::find(app.db(), app.store.id, send)
        .await
        .unwrap()
        .unwrap();
    assert!(still.hold_until < app.now(), "it was not begun anew");
    let answer = press_on(&app, &page, "/api/sends/go-on", &cookie).await;
    assert_eq!(answer.location(), format!("/marketing/campaigns/{campaign}"));
    let again = domain::queries::find(app.db(), app.store.id, send)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(again.hold_until, app.now());
});

both!(send_again_asks_first_in_the_quiet_hours, |app| {
    let (_, first) = partly_unconfirmed(&app, 3).await;
    let waiting = unconfirmed_ids(&app, first).await;
    go_to_the_evening(&app);
    let cookie = app.sign_in_as(Role::Owner).await;
    let (send, one) = (first.to_string(), waiting[0].to_string());
    let again = async |fields: &[(&str, &str)]| {
        app.post_form("/api/sends/again", "/marketing/campaigns", fields, &cookie)
            .await
    };
    let answer = again(&[("send_id", &send), ("message_id", &one), ("send_token", "one")]).await;
    let page = asked(&app, &answer, "It goes to 1 unconfirmed customer,", &cookie).await;
    assert_eq!((unconfirmed_ids(&app, first).await.len(), sends(&app).await), (3, 1));
    let sent = press_on(&app, &page, "/api/sends/again", &cookie).await;
    assert_eq!(unconfirmed_ids(&app, first).await, waiting[1..]);
    let twice = press_on(&app, &page, "/api/sends/again", &cookie).await;
    assert_eq!(twice.location(), format!("{}?ok=already", sent.location()));

    let answer = again(&[("send_id", &send), ("send_token", "rest")]).await;
    let page = asked(&app, &answer, "It goes to 2 unconfirmed customers,", &cookie).await;
    assert_eq!(sends(&app).await, 2);
    press_on(&app, &page, "/api/sends/again", &cookie).await;
    assert_eq!(sends(&app).await, 3);
    let rest = domain::queries::by_token(app.db(), app.store.id, "rest").await.unwrap();
    let rest = rest.expect("the token of the first press");
    assert_eq!(tally(app.db(), &app.store, rest.id).await.waiting, 2);
});
