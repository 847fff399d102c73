//! Messages that wait for their domain's limit.

use chrono::{DateTime, Utc};

use serde::Serialize;

use sqlx::AssertSqlSafe;

use std::collections::HashSet;

use crate::{
    channels::email::address::domain,
    db::{
        Db, Tx,
        dialect::{Column, json, json_ids, json_rows, not_looked_up, skip_locked},
    },
    on_db, on_tx,
};

/// What goes back to the queue.
#[derive(Clone, Debug, Serialize)]
pub struct PutBack {
    pub id: i64,
    pub epoch: i64,
    /// When it is looked at again, as [`crate::db::dialect::moment_text`] writes it; nothing: it
    /// stands where it stood.
    pub next_at: Option<String>,
}

/// Puts leased messages back.
pub async fn put_back(tx: &mut Tx, rows: &[PutBack]) -> sqlx::Result<()> {
    let columns = [
        ("id", Column::Number),
        ("epoch", Column::Number),
        ("next_at", Column::Moment),
    ];
    let sql = format!(
        "update messages set state = 'queued', lease_owner = null, lease_until = null,
                next_at = coalesce(t.next_at, messages.created_at)
           from {rows} as t
          where messages.id = t.id and messages.epoch = t.epoch and {state} = 'leased'",
        rows = json_rows(tx.backend(), "$1", &columns),
        state = not_looked_up(tx.backend(), "messages.state"),
    );
    on_tx!(tx, |conn| sqlx::query(AssertSqlSafe(sql))
        .bind(json(rows)?)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}

/// Which of these messages wait in the queue for later.
pub async fn still_waiting(tx: &mut Tx, ids: &[i64], now: DateTime<Utc>) -> sqlx::Result<HashSet<i64>> {
    let sql = format!(
        "select id from messages where id in {ids} and {state} = 'queued' and next_at > $2",
        ids = json_ids(tx.backend(), "$1"),
        state = not_looked_up(tx.backend(), "state"),
    );
    let waiting: Vec<i64> = on_tx!(tx, |conn| sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(json(ids)?)
        .bind(now)
        .fetch_all(&mut *conn)
        .await)?;
    Ok(waiting.into_iter().collect())
}

/// Whoever was put off before a first attempt is looked at again: before that nothing but a domain's
/// limit puts anybody off.
pub async fn requeue_waiting(tx: &mut Tx, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let sql = format!(
        "update messages set next_at = $1
          where id in (select id from messages
                        where send_id in (select id from sends where state = 'sending')
                          and next_at > $1 and attempts = 0 {skip})",
        skip = skip_locked(tx.backend()),
    );
    on_tx!(tx, |conn| sqlx::query(AssertSqlSafe(sql))
        .bind(now)
        .execute(&mut *conn)
        .await
        .map(|r| r.rows_affected()))
}

/// The domains of those of a send who are the next to be looked at again for their domain's limit.
pub async fn next_in_line(db: &Db, send: i64, now: DateTime<Utc>) -> sqlx::Result<Vec<String>> {
    let addresses: Vec<String> = on_db!(db, |pool| sqlx::query_scalar(
        "select coalesce(address, '') from messages
          where send_id = $1 and next_at > $2 and attempts = 0
          order by next_at, id limit 100"
    )
    .bind(send)
    .bind(now)
    .fetch_all(pool)
    .await)?;
    Ok(addresses.iter().map(|address| domain(address)).collect())
}
