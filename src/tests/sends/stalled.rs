//! A send that stands still although nothing holds it: when that is said, and what can be done.

use chrono::Duration;
use loupe::{context::actor::Role, on_db, on_tx, recipients::model::RecipientFilter, sends};

use crate::{
    both,
    support::{
        app::{TestApp, words},
        people,
        sending::{begun, draft, midway, press, status, tally},
    },
};

/// A campaign to five people that somebody has pressed Send now on.
async fn pressed(app: &TestApp) -> (i64, i64) {
    people::crowd(app.db(), app.store.id, 5, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    (campaign, send)
}

/// The same when 2 have it and the dispatcher has got no further.
async fn under_way(app: &TestApp) -> (i64, i64) {
    let (campaign, send) = pressed(app).await;
    midway(app.db(), send, 2).await;
    (campaign, send)
}

fn pass(app: &TestApp, minutes: i64) {
    app.clock.set(app.now() + Duration::minutes(minutes));
}

/// Posts one of the panel's forms, and reads the page that follows.
async fn act(app: &TestApp, action: &str, send: i64, cookie: &str) -> String {
    let id = send.to_string();
    let answer = app
        .post_form(action, "/marketing/campaigns", &[("send_id", &id)], cookie)
        .await;
    words(&app.follow(&answer, cookie).await.text)
}

async fn numbers(app: &TestApp, campaign: i64) -> (i64, i64) {
    on_db!(app.db(), |pool| sqlx::query_as(
        "select sent_count, failed_count from campaigns where id = $1"
    )
    .bind(campaign)
    .fetch_one(pool)
    .await)
    .unwrap()
}

both!(a_send_that_stands_still_is_told_and_can_be_finished, |app| {
    let (campaign, send) = under_way(&app).await;
    let path = format!("/marketing/campaigns/{campaign}");
    let cookie = app.sign_in_as(Role::Owner).await;
    pass(&app, 1);
    let soon = words(&app.get(&path, &cookie).await.text);
    assert!(!soon.contains("seems to have stopped"), "{soon}");
    let refused = act(&app, "/api/sends/end", send, &cookie).await;
    assert!(refused.contains("It is sending again."), "{refused}");
    assert_eq!(status(app.db(), campaign).await, "sending", "it may still move");

    pass(&app, 2);
    let cookie = app.sign_in_as(Role::Owner).await;
    let told = words(&app.get(&path, &cookie).await.text);
    assert!(told.contains("This send seems to have stopped."), "{told}");
    assert!(
        told.contains("2 customers have an outcome; that stays recorded."),
        "{told}"
    );
    assert!(told.contains("Resume sending to the remaining 3"), "{told}");
    assert!(!told.contains("Back to draft"), "{told}");
    let seller = app.sign_in_as(Role::Salesperson).await;
    let seen = words(&app.get(&path, &seller).await.text);
    assert!(
        seen.contains("seems to have stopped") && !seen.contains("Mark as finished"),
        "{seen}"
    );

    // Resumed, it has two minutes again; nobody works on it, so it is told once more.
    let told = act(&app, "/api/sends/go-on", send, &cookie).await;
    assert!(!told.contains("seems to have stopped"), "{told}");
    assert!(told.contains("Resumed “Autumn”, which had stopped by itself"), "{told}");
    pass(&app, 3);
    let cookie = app.sign_in_as(Role::Owner).await;
    let told = act(&app, "/api/sends/end", send, &cookie).await;
    assert!(
        told.contains("Marked “Autumn” as finished: 2 sent, 0 failed, 3 not sent"),
        "{told}"
    );
    assert_eq!(status(app.db(), campaign).await, "sent");
    let ended = tally(app.db(), &app.store, send).await;
    assert_eq!((ended.sent, ended.cancelled, ended.waiting), (2, 3, 0));
    assert_eq!(numbers(&app, campaign).await, (2, 0));
    let late = act(&app, "/api/sends/go-on", send, &cookie).await;
    assert!(late.contains("It has ended meanwhile."), "{late}");
});

both!(what_was_on_the_wire_when_it_stopped_is_unconfirmed, |app| {
    let (campaign, send) = pressed(&app).await;
    midway(app.db(), send, 0).await;
    // Somebody began with one message and fell silent.
    let mut tx = app.db().begin().await.unwrap();
    on_tx!(&mut tx, |conn| sqlx::query(
        "update messages set state = 'attempting', next_at = null, lease_owner = 'gone', lease_until = $2, epoch = 1
          where id = (select min(id) from messages where send_id = $1)"
    )
    .bind(send)
    .bind(app.now() - Duration::days(10_000))
    .execute(&mut *conn)
    .await
    .map(|_| ()))
    .unwrap();
    tx.commit().await.unwrap();
    pass(&app, 3);
    let cookie = app.sign_in_as(Role::Owner).await;
    act(&app, "/api/sends/end", send, &cookie).await;
    assert_eq!(status(app.db(), campaign).await, "sent", "it may have arrived");
    let ended = tally(app.db(), &app.store, send).await;
    assert_eq!((ended.unconfirmed, ended.cancelled, ended.waiting), (1, 4, 0));
});

both!(a_send_that_reached_nobody_goes_back_to_draft, |app| {
    let (campaign, send) = pressed(&app).await;
    pass(&app, 3);
    let cookie = app.sign_in_as(Role::Manager).await;
    let page = app.get(&format!("/marketing/campaigns/{campaign}"), &cookie).await;
    let told = words(&page.text);
    assert!(
        told.contains("Nobody has it yet. Resume sending Back to draft"),
        "{told}"
    );
    let told = act(&app, "/api/sends/end", send, &cookie).await;
    assert!(told.contains("took it back after it had stopped."), "{told}");
    assert_eq!(status(app.db(), campaign).await, "draft");
    assert_eq!(tally(app.db(), &app.store, send).await.cancelled, 5);
});

both!(what_holds_a_send_is_no_stall, |app| {
    let (_, send) = under_way(&app).await;
    pass(&app, 10);
    // Changes something, and asks.
    let stalled = async |sql: &'static str| {
        let mut tx = app.db().begin().await.unwrap();
        on_tx!(&mut tx, |conn| sqlx::query(sql)
            .bind(send)
            .bind(app.now() + Duration::minutes(5))
            .execute(&mut *conn)
            .await
            .map(|_| ()))
        .unwrap();
        tx.commit().await.unwrap();
        let send = sends::queries::find(app.db(), app.store.id, send)
            .await
            .unwrap()
            .unwrap();
        sends::stalled::is_stalled(&app.state, &send, app.now()).await.unwrap()
    };
    let nothing = "update sends set late_by = null where id = $1 and started_at < $2";
    assert!(stalled(nothing).await);
    assert!(
        !stalled("update sends set paused_at = $2 where id = $1").await,
        "a pause"
    );
    assert!(stalled("update sends set paused_at = null where id = $1 and paused_at <= $2").await);
    assert!(
        !stalled("update messages set next_at = $2 where send_id = $1 and state = 'queued'").await,
        "everybody left waits for a later try"
    );
    assert!(stalled("update messages set next_at = created_at where send_id = $1 and next_at <= $2").await);
    assert!(
        !stalled("update messages set settled_at = $2 where send_id = $1 and state = 'accepted'").await,
        "it has just moved"
    );
    assert!(stalled("update messages set settled_at = created_at where send_id = $1 and settled_at <= $2").await);

    // The mail account's rate is in use: others have their turn.
    let mut tx = app.db().begin().await.unwrap();
    let (_, micros) = loupe::mail_accounts::account_queries::used_until(&mut tx, "slow")
        .await
        .unwrap();
    loupe::mail_accounts::account_queries::use_until(&mut tx, "slow", micros)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(!stalled(nothing).await, "the mail account sends as fast as it may");
    let mut tx = app.db().begin().await.unwrap();
    loupe::mail_accounts::account_queries::use_until(&mut tx, "slow", micros - 300_000_000)
        .await
        .unwrap();
    let leased = loupe::messages::queries::leases::lease(&mut tx, send, ("somebody", 30), None, 1, app.now())
        .await
        .unwrap();
    assert_eq!(leased.len(), 1);
    tx.commit().await.unwrap();
    assert!(!stalled(nothing).await, "somebody works on it");
});
