//! "Send again", and then the second copy does not go out after all: the first copies wait for
//! somebody to settle them, as before.

use chrono::Duration;
use loupe::{
    context::actor::Role,
    on_tx,
    sends::{self, unconfirmed},
};

use crate::{
    both,
    sends::after_sending::{in_outbox, partly_unconfirmed, unconfirmed_ids},
    support::{
        app::{TestApp, words},
        sending::{deliver, midway, tally},
    },
};

/// Presses "Send again" for everybody of a send. Answers the send that follows.
async fn again(app: &TestApp, cookie: &str, send: i64, token: &str) -> i64 {
    let fields = [("send_id", &*send.to_string()), ("send_token", token)];
    app.post_form("/api/sends/again", "/marketing/campaigns", &fields, cookie)
        .await;
    let followed = sends::queries::by_token(app.db(), app.store.id, token).await.unwrap();
    followed.expect("a send that follows").id
}

async fn press(app: &TestApp, cookie: &str, action: &str, send: i64) {
    let path = format!("/api/sends/{action}");
    let id = send.to_string();
    app.post_form(&path, "/marketing/campaigns", &[("send_id", &id)], cookie)
        .await;
}

/// One of the people of these messages opts out.
async fn opts_out(app: &TestApp, message: i64) {
    let mut tx = app.db().begin().await.unwrap();
    on_tx!(&mut tx, |conn| sqlx::query(
        "update customers set email_consent = 'withdrawn'
          where id = (select customer_id from messages where id = $1)"
    )
    .bind(message)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
    .unwrap();
    tx.commit().await.unwrap();
}

both!(a_second_copy_that_was_taken_back_can_be_sent_later, |app| {
    let (campaign, send) = partly_unconfirmed(&app, 2).await;
    let before = in_outbox(&app).await;
    let waiting = unconfirmed_ids(&app, send).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let undone = again(&app, &cookie, send, "again-1").await;
    assert!(unconfirmed_ids(&app, send).await.is_empty());
    press(&app, &cookie, "undo", undone).await;
    assert_eq!(unconfirmed_ids(&app, send).await, waiting);
    let page = words(&app.get(&format!("/marketing/campaigns/{campaign}"), &cookie).await.text);
    assert!(page.contains("2 customers are unconfirmed."), "{page}");
    assert!(!page.contains("It was sent again"), "{page}");

    let sent = again(&app, &cookie, send, "again-2").await;
    deliver(&app.state, &app.store, sent).await;
    assert_eq!(in_outbox(&app).await, before + 2);
    // Whoever looks once more at the one that was taken back must not offer a third copy.
    let mut tx = app.db().begin().await.unwrap();
    loupe::messages::queries::cancel::cancel_unsent(&mut tx, undone, app.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(unconfirmed_ids(&app, send).await.is_empty());
});

both!(
    a_second_copy_that_was_taken_back_counts_as_sent_after_three_days,
    |app| {
        let (_, send) = partly_unconfirmed(&app, 2).await;
        let cookie = app.sign_in_as(Role::Owner).await;
        let undone = again(&app, &cookie, send, "again").await;
        press(&app, &cookie, "undo", undone).await;
        let then = app.now() + unconfirmed::SETTLES_ITSELF_AFTER + Duration::seconds(1);
        assert_eq!(unconfirmed::settle_old(app.db(), then).await.unwrap(), 2);
        assert_eq!(tally(app.db(), &app.store, send).await.sent, 5);
    }
);

both!(whom_a_stop_kept_from_a_second_copy_can_be_settled, |app| {
    let (_, send) = partly_unconfirmed(&app, 3).await;
    let waiting = unconfirmed_ids(&app, send).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let stopped = again(&app, &cookie, send, "again").await;
    midway(app.db(), stopped, 1).await;
    press(&app, &cookie, "stop", stopped).await;
    assert_eq!(
        unconfirmed_ids(&app, send).await,
        waiting[1..],
        "the first has a second copy"
    );
});

both!(whom_the_second_copy_leaves_out_can_be_settled, |app| {
    let (_, send) = partly_unconfirmed(&app, 3).await;
    let waiting = unconfirmed_ids(&app, send).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    opts_out(&app, waiting[0]).await;
    let followed = again(&app, &cookie, send, "again").await;
    assert_eq!(
        unconfirmed_ids(&app, send).await,
        waiting[..1],
        "left out from the start"
    );
    opts_out(&app, waiting[1]).await;
    deliver(&app.state, &app.store, followed).await;
    let after = tally(app.db(), &app.store, followed).await;
    assert_eq!((after.sent, after.skipped), (1, 2));
    assert_eq!(unconfirmed_ids(&app, send).await, waiting[..2], "left out on the way");
});
