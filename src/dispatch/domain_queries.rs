//! The limit for each recipient domain, in the database: until when each domain's rate is used up,
//! and which messages wait for it.
//!
//! Whoever uses a domain's rate, or puts the waiting in another order, holds the account
//! ([`super::account_queries::used_until`]) first: there is one lock for all domains, so nobody waits
//! for one of them while holding another.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::AssertSqlSafe;

use super::{rate_limit::domain::domain, status_writer::json};
use crate::{
    db::{
        Db, Tx,
        dialect::{Column, database_micros, json_ids, json_rows, not_looked_up, one_of_texts, skip_locked, text_list},
    },
    on_db, on_tx,
};

/// Until when the rate of each of these domains is used up, in microseconds by the database's clock.
/// Those that are not used up may be missing.
pub async fn used_until(tx: &mut Tx, account: &str, domains: &[String]) -> sqlx::Result<Vec<(String, i64)>> {
    let sql = format!(
        "select domain, used_until from domain_paces where account = $1 and {of_these}",
        of_these = one_of_texts(tx.backend(), "domain", "$2"),
    );
    let domains = text_list(tx.backend(), domains);
    on_tx!(tx, |conn| sqlx::query_as(AssertSqlSafe(sql))
        .bind(account)
        .bind(domains)
        .fetch_all(&mut *conn)
        .await)
}

/// Uses the rates of domains up until then.
pub async fn use_until(tx: &mut Tx, account: &str, until: &[(&str, i64)]) -> sqlx::Result<()> {
    let rows: Vec<_> = until
        .iter()
        .map(|(domain, until)| serde_json::json!({ "domain": domain, "until": until }))
        .collect();
    let sql = format!(
        "insert into domain_paces (account, domain, used_until) select $1, t.domain, t.until from {rows} as t where true
         on conflict (account, domain) do update set used_until = excluded.used_until",
        rows = json_rows(
            tx.backend(),
            "$2",
            &[("domain", Column::Text), ("until", Column::Number)]
        ),
    );
    on_tx!(tx, |conn| sqlx::query(AssertSqlSafe(sql))
        .bind(account)
        .bind(json(&rows)?)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}

/// Forgets an account's domains once their rate is not used up any more, or all of them where there
/// is no limit: they are its customers'. What somebody uses at this moment is left for the next time.
pub async fn forget(tx: &mut Tx, account: &str, has_limit: bool) -> sqlx::Result<()> {
    let backend = tx.backend();
    let unused = match has_limit {
        true => format!("and used_until < {}", database_micros(backend)),
        false => String::new(),
    };
    let sql = format!(
        "delete from domain_paces
          where account = $1 and domain in (select domain from domain_paces where account = $1 {unused} {skip})",
        skip = skip_locked(backend),
    );
    on_tx!(tx, |conn| sqlx::query(AssertSqlSafe(sql))
        .bind(account)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}

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
