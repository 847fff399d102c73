//! Many sends at a time: each gets its turn, and what waits costs the others nothing.

use chrono::TimeDelta;
use loupe::{context::settings::Given, db::Backend, on_tx, recipients::model::RecipientFilter};

use crate::support::{
    app::TestApp,
    people,
    sending::{begun, deliver, draft, is_done, press, tally},
};

/// Copies a send, with its people, so often.
async fn copy(app: &TestApp, send: i64, times: usize) {
    let mut tx = app.db().begin().await.unwrap();
    for n in 0..times {
        on_tx!(&mut tx, |conn| {
            sqlx::query(
                "insert into sends (store_id, kind, token, label, subject, body, fallbacks, filter, audience_words,
                                    from_name, from_email, store_name, footer, signature, state, hold_until,
                                    started_by, started_at)
                 select store_id, kind, $2, label, subject, body, fallbacks, filter, audience_words, from_name,
                        from_email, store_name, footer, signature, state, hold_until, started_by, started_at
                   from sends where id = $1",
            )
            .bind(send)
            .bind(format!("copy {n}"))
            .execute(&mut *conn)
            .await
            .map(|_| ())
        })
        .unwrap();
    }
    on_tx!(&mut tx, |conn| {
        sqlx::query(
            "insert into messages (store_id, send_id, customer_id, channel, state, name, first_name, last_name,
                                   address, addr_norm, unsubscribe_token, attempts, next_at,
                                   created_at)
             select m.store_id, s.id, m.customer_id, m.channel, m.state, m.name, m.first_name, m.last_name,
                    m.address, m.addr_norm, m.unsubscribe_token, m.attempts, m.next_at, m.created_at
               from messages m, sends s where m.send_id = $1 and s.id <> $1",
        )
        .bind(send)
        .execute(&mut *conn)
        .await
        .map(|_| ())
    })
    .unwrap();
    on_tx!(&mut tx, |conn| sqlx::query(
        "update sends set people = (select count(*) from messages m where m.send_id = sends.id)"
    )
    .execute(&mut *conn)
    .await
    .map(|_| ()))
    .unwrap();
    tx.commit().await.unwrap();
}

async fn a_thousand_waiting_sends_keep_nobody_waiting(backend: Backend) {
    let (app, sink) = TestApp::mailing(backend, vec![], "?connections=2", Given::default()).await;
    people::one(
        app.db(),
        app.store.id,
        "Amara Okafor",
        Some("amara@example.com"),
        &[],
        app.now(),
    )
    .await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let waits = begun(press(&app.state, &app.store, campaign).await);
    people::change(app.db(), "update sends set state = 'sending' where id = $1", waits).await;
    let mut tx = app.db().begin().await.unwrap();
    on_tx!(&mut tx, |conn| sqlx::query(
        "update messages set next_at = $1, attempts = 1"
    )
    .bind(app.now() + TimeDelta::hours(1))
    .execute(&mut *conn)
    .await
    .map(|_| ()))
    .unwrap();
    tx.commit().await.unwrap();
    copy(&app, waits, 1000).await;
    let campaign = draft(app.db(), &app.store, "Winter", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    assert!(is_done(&deliver(&app.state, &app.store, send).await));
    assert_eq!(sink.received().len(), 1, "the others still wait");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_waiting_sends_keep_nobody_waiting_on_sqlite() {
    a_thousand_waiting_sends_keep_nobody_waiting(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_waiting_sends_keep_nobody_waiting_on_postgres() {
    a_thousand_waiting_sends_keep_nobody_waiting(Backend::Postgres).await;
}

/// More sends than get a turn at a time: all of them end, and none has to wait for the whole of a
/// large one.
async fn a_large_send_leaves_room_for_the_small(backend: Backend) {
    let (app, sink) = TestApp::mailing(backend, vec![], "?connections=1", Given::default()).await;
    people::crowd(app.db(), app.store.id, 400, &[], app.now()).await;
    let large = draft(app.db(), &app.store, "Large", &RecipientFilter::All).await;
    let large = begun(press(&app.state, &app.store, large).await);
    let id = people::one(
        app.db(),
        app.store.id,
        "Amara Okafor",
        Some("amara@example.com"),
        &[],
        app.now(),
    )
    .await;
    let small = draft(app.db(), &app.store, "Small", &RecipientFilter::Manual(vec![id])).await;
    let small = begun(press(&app.state, &app.store, small).await);
    assert!(is_done(&deliver(&app.state, &app.store, large).await));
    assert!(is_done(&deliver(&app.state, &app.store, small).await));
    let received = sink.received();
    let place = received
        .iter()
        .position(|m| m.recipient == "amara@example.com")
        .unwrap();
    assert!(place < 200, "it was the {place}th");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_send_leaves_room_for_the_small_on_sqlite() {
    a_large_send_leaves_room_for_the_small(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_send_leaves_room_for_the_small_on_postgres() {
    a_large_send_leaves_room_for_the_small(Backend::Postgres).await;
}

async fn more_sends_than_get_a_turn_all_end(backend: Backend) {
    let (app, sink) = TestApp::mailing(backend, vec![], "?connections=4", Given::default()).await;
    people::crowd(app.db(), app.store.id, 2, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let first = begun(press(&app.state, &app.store, campaign).await);
    copy(&app, first, 150).await;
    let last = first + 150;
    assert!(is_done(&deliver(&app.state, &app.store, last).await));
    assert!(is_done(&deliver(&app.state, &app.store, first).await));
    assert_eq!(tally(app.db(), &app.store, last).await.sent, 2);
    assert!(sink.received().len() >= 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_sends_than_get_a_turn_all_end_on_sqlite() {
    more_sends_than_get_a_turn_all_end(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_sends_than_get_a_turn_all_end_on_postgres() {
    more_sends_than_get_a_turn_all_end(Backend::Postgres).await;
}
