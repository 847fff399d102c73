//! What is set for a mail account, and until when its rate is used up.

use sqlx::AssertSqlSafe;

use crate::{
    db::{
        Db, Tx,
        dialect::{database_micros, row_lock},
    },
    on_db, on_tx,
};

/// What an owner has set for a mail account; nothing: as the URL says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Limits {
    /// Messages a second.
    pub rate: Option<i64>,
    /// Messages a second to one domain; nothing: no limit.
    pub domain_rate: Option<i64>,
    /// Connections at a time.
    pub connections: Option<i64>,
}

/// What is set for an account.
pub async fn limits(db: &Db, account: &str) -> sqlx::Result<Limits> {
    let limits = on_db!(db, |pool| sqlx::query_as(
        "select rate, domain_rate, connections from provider_accounts where account = $1"
    )
    .bind(account)
    .fetch_optional(pool)
    .await)?;
    Ok(limits.unwrap_or_default())
}

/// Sets them.
pub async fn set_limits(tx: &mut Tx, account: &str, limits: Limits) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "insert into provider_accounts (account, rate, domain_rate, connections) values ($1, $2, $3, $4)
         on conflict (account) do update
            set rate = excluded.rate, domain_rate = excluded.domain_rate, connections = excluded.connections"
    )
    .bind(account)
    .bind(limits.rate)
    .bind(limits.domain_rate)
    .bind(limits.connections)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}

/// Until when an account's rate is used up, and the time now, both in microseconds by the
/// database's clock. Nobody else takes anything until the transaction ends.
pub async fn used_until(tx: &mut Tx, account: &str) -> sqlx::Result<(i64, i64)> {
    on_tx!(tx, |conn| sqlx::query(
        "insert into provider_accounts (account) values ($1) on conflict do nothing"
    )
    .bind(account)
    .execute(&mut *conn)
    .await
    .map(|_| ()))?;
    let backend = tx.backend();
    let held: i64 = on_tx!(tx, |conn| sqlx::query_scalar(AssertSqlSafe(format!(
        "select used_until from provider_accounts where account = $1 {lock}",
        lock = row_lock(backend, "for update")
    )))
    .bind(account)
    .fetch_one(&mut *conn)
    .await)?;
    // Asked once the row is ours: waiting for it took time.
    let now: i64 = on_tx!(tx, |conn| sqlx::query_scalar(AssertSqlSafe(format!(
        "select {}",
        database_micros(backend)
    )))
    .fetch_one(&mut *conn)
    .await)?;
    Ok((held, now))
}

/// Uses an account's rate up until then.
pub async fn use_until(tx: &mut Tx, account: &str, until: i64) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "update provider_accounts set used_until = $2 where account = $1"
    )
    .bind(account)
    .bind(until)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}
