//! Taking over from a sender that fell silent.

use chrono::{DateTime, Utc};

use sqlx::AssertSqlSafe;

use crate::{
    db::{Backend, Db, Tx, dialect::database_now},
    on_db, on_tx,
};

/// Whether any lease has expired: a cheap read before [`recover`] takes the writer.
pub async fn any_expired(db: &Db) -> sqlx::Result<bool> {
    // The least of all is the first of its index, however many there are.
    let sql = format!(
        "select coalesce(min(lease_until) < {now}, false) from messages where lease_until is not null",
        now = database_now(db.backend())
    );
    on_db!(db, |pool| sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(pool).await)
}

/// Takes over from a sender that fell silent: what was only leased is queued again, what was
/// being attempted is unconfirmed and stays so until somebody or something tells. Answers how many
/// of each.
pub async fn recover(tx: &mut Tx, whose: ReapScope, now: DateTime<Utc>) -> sqlx::Result<(u64, u64)> {
    let expired = match (whose, tx.backend()) {
        // The lock file says that no other process has this database open.
        (ReapScope::AllOthers, Backend::Sqlite) => "lease_until is not null".to_owned(),
        (_, backend) => format!("lease_until < {}", database_now(backend)),
    };
    let queued = format!(
        "update messages set state = 'queued', next_at = created_at, lease_owner = null, lease_until = null
          where state = 'leased' and {expired}"
    );
    let unknown = format!(
        "update messages set state = 'unconfirmed', lease_owner = null, lease_until = null, settled_at = $1, next_at = null,
                reply_code = null, reply = null
          where state = 'attempting' and {expired}"
    );
    let unknown = on_tx!(tx, |conn| sqlx::query(AssertSqlSafe(unknown))
        .bind(now)
        .execute(&mut *conn)
        .await
        .map(|r| r.rows_affected()))?;
    let queued = on_tx!(tx, |conn| sqlx::query(AssertSqlSafe(queued))
        .execute(&mut *conn)
        .await
        .map(|r| r.rows_affected()))?;
    Ok((queued, unknown))
}

/// Whose leases are taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReapScope {
    /// Those that have expired.
    Expired,
    /// At start on SQLite: a former process of ours, which is gone.
    AllOthers,
}
