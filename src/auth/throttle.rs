//! Slowing down whoever guesses passwords: failures are counted per account and per address in
//! the database, so that all instances share them.

use chrono::{DateTime, Duration, Utc};

use crate::{
    db::{Db, Tx},
    on_db, on_tx,
};

/// Failures older than this no longer count.
pub const WINDOW: Duration = Duration::minutes(5);
/// Failures of one account within the window before it has to wait.
pub const PER_ACCOUNT: i64 = 5;
/// Failures from one address within the window before it has to wait.
pub const PER_ADDRESS: i64 = 30;

/// Minutes to wait before another try, if there have been too many.
pub async fn wait(db: &Db, account: &str, address: &str, now: DateTime<Utc>) -> sqlx::Result<Option<i64>> {
    let since = now - WINDOW;
    for (subject, most) in [(account, PER_ACCOUNT), (address, PER_ADDRESS)] {
        let (count, first): (i64, Option<DateTime<Utc>>) = on_db!(db, |pool| sqlx::query_as(
            "select count(*), min(failed_at) from login_failures where subject = $1 and failed_at > $2"
        )
        .bind(subject)
        .bind(since)
        .fetch_one(pool)
        .await)?;
        if let (true, Some(first)) = (count >= most, first) {
            return Ok(Some((first + WINDOW - now).num_minutes().max(0) + 1));
        }
    }
    Ok(None)
}

/// Notes a failed try, and forgets what no longer counts.
pub async fn note_failure(tx: &mut Tx, account: &str, address: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "delete from login_failures where failed_at < $1"
    )
    .bind(now - WINDOW)
    .execute(&mut *conn)
    .await
    .map(|_| ()))?;
    for subject in [account, address] {
        on_tx!(tx, |conn| sqlx::query(
            "insert into login_failures (subject, failed_at) values ($1, $2)"
        )
        .bind(subject)
        .bind(now)
        .execute(&mut *conn)
        .await
        .map(|_| ()))?;
    }
    Ok(())
}

/// A success clears the account's failures.
pub async fn clear(tx: &mut Tx, account: &str) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query("delete from login_failures where subject = $1")
        .bind(account)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}
