//! A send ends while some of it is on the wire: what is answered afterwards is written down
//! everywhere, not only on its row.

use chrono::{DateTime, Duration, Utc};
use futures::future::join_all;
use loupe::{
    context::actor::Role,
    messages::queries::{leases::Leased, settle},
    on_db,
    recipients::model::RecipientFilter,
    sends::{self, ending, reconcile},
};

use crate::{
    both,
    dispatch::lease_handover::{leave_behind, outcome},
    sends::after_sending::{partly_unconfirmed, unconfirmed_ids},
    support::{
        app::{TestApp, words},
        people,
        planning::Running,
        sending::{begun, draft, midway, press, status, tally},
    },
};

/// A campaign to five people of which one has it and `flying` are on the wire.
async fn under_way(app: &TestApp, flying: usize) -> (i64, i64, Vec<Leased>) {
    people::crowd(app.db(), app.store.id, 5, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    midway(app.db(), send, 1).await;
    let rows = leave_behind(app, send, i64::try_from(flying).unwrap(), flying).await;
    (campaign, send, rows)
}

async fn stop(app: &TestApp, send: i64) {
    let cookie = app.sign_in_as(Role::Owner).await;
    let id = send.to_string();
    app.post_form("/api/sends/stop", "/marketing/campaigns", &[("send_id", &id)], &cookie)
        .await;
}

/// The mail server answers for one of them, as the dispatcher writes it down.
async fn answer(app: &TestApp, row: &Leased, state: &'static str) {
    let outcome = outcome(row, state);
    let mut tx = app.db().begin().await.unwrap();
    loupe::messages::queries::locks::hold_sends(&mut tx, &outcome)
        .await
        .unwrap();
    assert_eq!(settle::settle(&mut tx, &outcome, app.now()).await.unwrap(), 1);
    tx.commit().await.unwrap();
}

async fn reconcile_ended(app: &TestApp) -> u64 {
    reconcile::reconcile_ended(app.db()).await.unwrap()
}

/// When the person of a message was last written to.
async fn last_contacted(app: &TestApp, message: i64) -> Option<DateTime<Utc>> {
    on_db!(app.db(), |pool| sqlx::query_scalar(
        "select c.last_contacted_at from customers c join messages m on m.customer_id = c.id where m.id = $1"
    )
    .bind(message)
    .fetch_one(pool)
    .await)
    .unwrap()
}

both!(whoever_got_it_after_a_stop_counts_as_written_to, |app| {
    let (campaign, send, rows) = under_way(&app, 3).await;
    stop(&app, send).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let path = format!("/marketing/campaigns/{campaign}");
    let page = words(&app.get(&path, &cookie).await.text);
    assert!(page.contains("after 1 of 5 customers"), "{page}");
    assert!(page.contains("3 messages were on their way."), "{page}");

    app.clock.set(app.now() + Duration::minutes(1));
    answer(&app, &rows[0], "accepted").await;
    answer(&app, &rows[1], "queued").await;
    assert_eq!(reconcile_ended(&app).await, 0, "one is still on the wire");
    answer(&app, &rows[2], "accepted").await;
    let page = words(&app.get(&path, &cookie).await.text);
    assert!(
        page.contains("after 3 of 5 customers") && !page.contains("on its way"),
        "{page}"
    );
    // Another send has reached the third person since.
    people::change(
        app.db(),
        "update customers set last_contacted_at = '2030-01-01 00:00:00+00:00'
          where id = (select customer_id from messages where id = $1)",
        rows[2].id,
    )
    .await;

    let tied: u64 = join_all((0..4).map(|_| reconcile_ended(&app))).await.into_iter().sum();
    assert_eq!(tied, 1, "once, however many look");
    assert_eq!(last_contacted(&app, rows[0].id).await, Some(app.now()));
    assert_eq!(
        last_contacted(&app, rows[1].id).await,
        None,
        "it came back from the wire"
    );
    assert_eq!(
        last_contacted(&app, rows[2].id).await,
        "2030-01-01T00:00:00Z".parse().ok(),
        "it never goes back"
    );
    let after = tally(app.db(), &app.store, send).await;
    assert_eq!((after.sent, after.cancelled, after.waiting), (3, 2, 0));
});

both!(the_numbers_of_what_was_marked_as_finished_follow_its_rows, |app| {
    let (campaign, send, rows) = under_way(&app, 2).await;
    let found = sends::queries::find(app.db(), app.store.id, send)
        .await
        .unwrap()
        .unwrap();
    let mut tx = app.db().begin().await.unwrap();
    let ended = ending::finish_as_it_is(&mut tx, &found, "Priya Nair", app.now()).await;
    assert!(ended.unwrap());
    tx.commit().await.unwrap();
    answer(&app, &rows[0], "accepted").await;
    answer(&app, &rows[1], "rejected").await;
    assert_eq!(reconcile_ended(&app).await, 1);
    let written: (i64, i64) = on_db!(app.db(), |pool| sqlx::query_as(
        "select sent_count, failed_count from campaigns where id = $1"
    )
    .bind(campaign)
    .fetch_one(pool)
    .await)
    .unwrap();
    assert_eq!(written, (2, 1));
    assert_eq!(last_contacted(&app, rows[0].id).await, Some(app.now()));
    assert_eq!(status(app.db(), campaign).await, "sent");
});

both!(whose_second_copy_comes_back_after_a_stop_can_be_settled_again, |app| {
    let (_, first) = partly_unconfirmed(&app, 2).await;
    let waiting = unconfirmed_ids(&app, first).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let fields = [("send_id", &*first.to_string()), ("send_token", "again")];
    app.post_form("/api/sends/again", "/marketing/campaigns", &fields, &cookie)
        .await;
    let again = sends::queries::by_token(app.db(), app.store.id, "again").await.unwrap();
    let again = again.unwrap().id;
    midway(app.db(), again, 0).await;
    let rows = leave_behind(&app, again, 2, 2).await;
    stop(&app, again).await;
    answer(&app, &rows[0], "queued").await;
    answer(&app, &rows[1], "accepted").await;
    assert!(unconfirmed_ids(&app, first).await.is_empty());
    assert_eq!(reconcile_ended(&app).await, 1);
    assert_eq!(
        unconfirmed_ids(&app, first).await,
        waiting[..1],
        "the second has a second copy"
    );
});

both!(the_runner_looks_after_it, |app| {
    let (_, send, rows) = under_way(&app, 1).await;
    stop(&app, send).await;
    answer(&app, &rows[0], "accepted").await;
    let running = Running::start(&app.state);
    let begin = std::time::Instant::now();
    while last_contacted(&app, rows[0].id).await.is_none() {
        assert!(begin.elapsed() < std::time::Duration::from_secs(30));
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    running.stop().await;
});
