//! The numbers of a send are kept by the database; they are always those of its rows.

use loupe::{
    messages::{model::Tally, tallies},
    on_tx,
    recipients::model::RecipientFilter,
};

use crate::{
    both,
    support::{
        app::TestApp,
        people,
        sending::{begun, draft, press, tally},
    },
};

/// A send to twelve, two of whom were skipped.
async fn to_twelve(app: &TestApp) -> i64 {
    people::crowd(app.db(), app.store.id, 10, &[], app.now()).await;
    for n in 0..2 {
        people::one(app.db(), app.store.id, &format!("Nobody {n}"), None, &[], app.now()).await;
    }
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    begun(press(&app.state, &app.store, campaign).await)
}

fn numbers(waiting: i64, sent: i64, failed: i64, unconfirmed: i64, cancelled: i64) -> Tally {
    Tally {
        waiting,
        sent,
        failed,
        unconfirmed,
        skipped: 2,
        cancelled,
        already: 0,
    }
}

const OF_ITS_FIRST: &str = "where id in (select id from messages where send_id = $1 and state = ";

async fn changed(app: &TestApp, send: i64, to: &str, from: &str, how_many: i64) -> Tally {
    let (next, lease, settled) = match to {
        "queued" => ("created_at", "null", "null"),
        "leased" | "attempting" => ("null", "created_at", "null"),
        _ => ("null", "null", "created_at"),
    };
    let sql = format!(
        "update messages set state = '{to}', next_at = {next}, lease_until = {lease}, settled_at = {settled}
          {OF_ITS_FIRST} '{from}' order by id limit {how_many})"
    );
    let mut tx = app.db().begin().await.unwrap();
    on_tx!(&mut tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(send)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
    .unwrap();
    tx.commit().await.unwrap();
    tally(app.db(), &app.store, send).await
}

both!(they_follow_every_change_in_both_directions, |app| {
    let send = to_twelve(&app).await;
    assert_eq!(tally(app.db(), &app.store, send).await, numbers(10, 0, 0, 0, 0));
    assert_eq!(
        changed(&app, send, "leased", "queued", 6).await,
        numbers(10, 0, 0, 0, 0)
    );
    assert_eq!(
        changed(&app, send, "attempting", "leased", 6).await,
        numbers(10, 0, 0, 0, 0)
    );
    assert_eq!(
        changed(&app, send, "accepted", "attempting", 1).await,
        numbers(9, 1, 0, 0, 0)
    );
    assert_eq!(
        changed(&app, send, "rejected", "attempting", 1).await,
        numbers(8, 1, 1, 0, 0)
    );
    assert_eq!(
        changed(&app, send, "failed", "attempting", 1).await,
        numbers(7, 1, 2, 0, 0)
    );
    assert_eq!(
        changed(&app, send, "unconfirmed", "attempting", 3).await,
        numbers(4, 1, 2, 3, 0)
    );
    assert_eq!(
        changed(&app, send, "accepted", "unconfirmed", 1).await,
        numbers(4, 2, 2, 2, 0)
    );
    assert_eq!(
        changed(&app, send, "queued", "unconfirmed", 1).await,
        numbers(5, 2, 2, 1, 0)
    );
    assert_eq!(
        changed(&app, send, "cancelled", "queued", 5).await,
        numbers(0, 2, 2, 1, 5)
    );
    assert_eq!(tallies::drifted(app.db()).await.unwrap(), Vec::<i64>::new());
});

both!(each_send_has_its_own, |app| {
    let one = to_twelve(&app).await;
    let other = to_twelve(&app).await;
    changed(&app, one, "accepted", "queued", 3).await;
    assert_eq!(tally(app.db(), &app.store, one).await, numbers(7, 3, 0, 0, 0));
    let of_both = tallies::of_sends(app.db(), app.store.id, &[one, other]).await.unwrap();
    assert_eq!(of_both.first(), Some(&(one, numbers(7, 3, 0, 0, 0))));
    assert_eq!(
        of_both.get(1).map(|(send, tally)| (*send, tally.sent)),
        Some((other, 0))
    );
    let elsewhere = loupe::ids::StoreId(app.store.id.0 + 1);
    assert_eq!(
        tallies::of_send(app.db(), elsewhere, one).await.unwrap(),
        Tally::default()
    );
});

both!(a_change_that_is_taken_back_is_not_counted, |app| {
    let send = to_twelve(&app).await;
    let mut tx = app.db().begin().await.unwrap();
    on_tx!(&mut tx, |conn| sqlx::query(
        "update messages set state = 'accepted', next_at = null, settled_at = created_at where send_id = $1 and state = 'queued'"
    )
    .bind(send)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
    .unwrap();
    assert_eq!(
        tallies::of_send_in(&mut tx, send).await.unwrap(),
        numbers(0, 10, 0, 0, 0)
    );
    drop(tx);
    assert_eq!(tally(app.db(), &app.store, send).await, numbers(10, 0, 0, 0, 0));
});

both!(other_numbers_than_the_rows_are_found, |app| {
    let send = to_twelve(&app).await;
    people::change(app.db(), "update sends set people = people + 1 where id = $1", send).await;
    assert_eq!(tallies::drifted(app.db()).await.unwrap(), [send]);
    let mut tx = app.db().begin().await.unwrap();
    tallies::count(&mut tx, send).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(tallies::drifted(app.db()).await.unwrap(), Vec::<i64>::new());
    people::change(app.db(), "update sends set already = already + 1 where id = $1", send).await;
    assert_eq!(tallies::drifted(app.db()).await.unwrap(), [send]);
    people::change(app.db(), "update sends set already = already - 1 where id = $1", send).await;
    people::change(
        app.db(),
        "update send_tallies set people = people + 1 where send_id = $1",
        send,
    )
    .await;
    assert_eq!(tallies::drifted(app.db()).await.unwrap(), [send]);
});

both!(a_message_without_the_moment_of_its_state_is_refused, |app| {
    let send = to_twelve(&app).await;
    for sql in [
        "update messages set next_at = null where send_id = $1 and state = 'queued'",
        "update messages set state = 'leased' where send_id = $1 and state = 'queued'",
        "update messages set state = 'accepted', next_at = null where send_id = $1 and state = 'queued'",
        "update messages set settled_at = created_at where send_id = $1 and state = 'queued'",
        "update messages set lease_until = created_at where send_id = $1 and state = 'queued'",
        "update messages set settled_at = null where send_id = $1 and state = 'skipped'",
    ] {
        let mut tx = app.db().begin().await.unwrap();
        let refused = on_tx!(&mut tx, |conn| sqlx::query(sql)
            .bind(send)
            .execute(&mut *conn)
            .await
            .map(|_| ()));
        assert!(refused.is_err(), "{sql}");
    }
    assert_eq!(tally(app.db(), &app.store, send).await, numbers(10, 0, 0, 0, 0));
});
