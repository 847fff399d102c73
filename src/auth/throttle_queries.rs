//! Counted tries in the database.

use chrono::{DateTime, Utc};

use crate::{
    db::{Db, Tx},
    on_db, on_tx,
};

/// Counts one try and answers its id.
pub async fn note(tx: &mut Tx, subject: &str, now: DateTime<Utc>) -> sqlx::Result<i64> {
    on_tx!(tx, |conn| sqlx::query_scalar(
        "insert into login_failures (subject, failed_at) values ($1, $2) returning id"
    )
    .bind(subject)
    .bind(now)
    .fetch_one(&mut *conn)
    .await)
}

/// How many tries there were since then, and the first of them.
pub async fn count(db: &Db, subject: &str, since: DateTime<Utc>) -> sqlx::Result<(i64, Option<DateTime<Utc>>)> {
    on_db!(db, |pool| sqlx::query_as(
        "select count(*), min(failed_at) from login_failures where subject = $1 and failed_at > $2"
    )
    .bind(subject)
    .bind(since)
    .fetch_one(pool)
    .await)
}

/// Whether a try of a subject was counted since then.
pub async fn is_noted(tx: &mut Tx, subject: &str, since: DateTime<Utc>) -> sqlx::Result<bool> {
    on_tx!(tx, |conn| sqlx::query_scalar(
        "select exists (select 1 from login_failures where subject = $1 and failed_at > $2)"
    )
    .bind(subject)
    .bind(since)
    .fetch_one(&mut *conn)
    .await)
}

/// Forgets one try.
pub async fn forget(tx: &mut Tx, id: i64) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query("delete from login_failures where id = $1")
        .bind(id)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}

/// Forgets every try of a subject.
pub async fn forget_all(tx: &mut Tx, subject: &str) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query("delete from login_failures where subject = $1")
        .bind(subject)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}

/// Forgets what no longer counts.
pub async fn forget_before(tx: &mut Tx, then: DateTime<Utc>) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "delete from login_failures where failed_at <= $1"
    )
    .bind(then)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}
