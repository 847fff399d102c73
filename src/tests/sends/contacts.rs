//! When customers were last written to is noted on them a piece at a time, none left out.

use chrono::{DateTime, Duration, Utc};
use futures::future::join_all;
use loupe::{
    on_db,
    recipients::model::RecipientFilter,
    sends::contacts::{PIECE, go_on},
};

use crate::{
    both,
    support::{
        app::TestApp,
        people,
        planning::Running,
        sending::{begun, deliver, draft, is_done, press},
    },
};

/// A campaign to two pieces and a bit has gone out.
async fn sent_to_many(app: &TestApp) -> (i64, i64) {
    let many = PIECE * 2 + PIECE / 2;
    people::crowd(app.db(), app.store.id, usize::try_from(many).unwrap(), &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    assert!(is_done(&deliver(&app.state, &app.store, send).await));
    (send, many)
}

async fn contacted(app: &TestApp, since: DateTime<Utc>) -> i64 {
    on_db!(app.db(), |pool| sqlx::query_scalar(
        "select count(*) from customers where last_contacted_at >= $1"
    )
    .bind(since)
    .fetch_one(pool)
    .await)
    .unwrap()
}

async fn is_owed(app: &TestApp, send: i64) -> bool {
    on_db!(app.db(), |pool| sqlx::query_scalar(
        "select contacts_after is not null from sends where id = $1"
    )
    .bind(send)
    .fetch_one(pool)
    .await)
    .unwrap()
}

both!(a_send_to_many_ends_at_once_and_everybody_is_noted_afterwards, |app| {
    let begin = app.now();
    let (send, many) = sent_to_many(&app).await;
    assert_eq!(contacted(&app, begin).await, PIECE, "the first piece");
    assert!(is_owed(&app, send).await);

    // Another send has reached the last of them since.
    people::change(
        app.db(),
        "update customers set last_contacted_at = '2030-01-01 00:00:00+00:00'
          where id = (select max(customer_id) from messages where send_id = $1)",
        send,
    )
    .await;
    // However many look, each piece is noted once, and nobody stands in anybody's way.
    for is_more in join_all((0..4).map(|_| go_on(app.db()))).await {
        is_more.unwrap();
    }
    while go_on(app.db()).await.unwrap() {}
    assert!(!is_owed(&app, send).await);
    assert_eq!(contacted(&app, begin).await, many);
    let later = begin + Duration::days(1);
    assert_eq!(contacted(&app, later).await, 1, "it never goes back");
    assert!(!go_on(app.db()).await.unwrap(), "nothing is left to do");
});

both!(the_runner_notes_everybody, |app| {
    let begin = app.now();
    let (send, many) = sent_to_many(&app).await;
    let running = Running::start(&app.state);
    let start = std::time::Instant::now();
    while is_owed(&app, send).await {
        assert!(start.elapsed() < std::time::Duration::from_secs(60));
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    running.stop().await;
    assert_eq!(contacted(&app, begin).await, many);
});
