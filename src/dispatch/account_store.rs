//! What is set for a mail account, and until when its rate is used up.

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;

use super::ledger::json;
use crate::{
    db::{
        Db, Tx,
        dialect::{Column, database_micros, json_rows, json_texts, row_lock, skip_locked},
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

/// Whether anybody of a send waits for a domain's limit. Before a first attempt nothing else puts a
/// message off.
pub async fn waits_for_domain(db: &Db, send: i64, now: DateTime<Utc>) -> sqlx::Result<bool> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select exists (select 1 from messages
                         where send_id = $1 and state = 'queued' and next_at > $2 and attempts = 0)"
    )
    .bind(send)
    .bind(now)
    .fetch_one(pool)
    .await)
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
    let lock = row_lock(tx.backend(), "for update");
    let held: i64 = on_tx!(tx, |conn| sqlx::query_scalar(AssertSqlSafe(format!(
        "select used_until from provider_accounts where account = $1 {lock}"
    )))
    .bind(account)
    .fetch_one(&mut *conn)
    .await)?;
    // Asked once the row is ours: waiting for it took time.
    Ok((held, clock(tx).await?))
}

/// Forgets an account's domains once their rate is not used up any more, or all of them where there
/// is no limit: they are its customers'. What somebody uses at this moment is left for the next time.
pub async fn forget_domains(tx: &mut Tx, account: &str, has_limit: bool) -> sqlx::Result<()> {
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

/// The database's clock, in microseconds.
async fn clock(tx: &mut Tx) -> sqlx::Result<i64> {
    let sql = format!("select {}", database_micros(tx.backend()));
    on_tx!(tx, |conn| sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_one(&mut *conn)
        .await)
}

/// Until when the rate of each of these domains is used up, and the time now. Nobody else takes
/// anything of them until the transaction ends. They are held one after another, in the same order
/// by everybody: so two programs never wait for each other.
pub async fn domains_used_until(
    tx: &mut Tx,
    account: &str,
    domains: &[String],
) -> sqlx::Result<(Vec<(String, i64)>, i64)> {
    let sql = format!(
        "insert into domain_paces (account, domain) select $1, value from {domains} as d where true order by value
         on conflict (account, domain) do update set used_until = domain_paces.used_until
         returning domain, used_until",
        domains = json_texts(tx.backend(), "$2"),
    );
    let held = on_tx!(tx, |conn| sqlx::query_as(AssertSqlSafe(sql))
        .bind(account)
        .bind(json(domains)?)
        .fetch_all(&mut *conn)
        .await)?;
    Ok((held, clock(tx).await?))
}

/// Uses the rates of domains up until then.
pub async fn use_domains_until(tx: &mut Tx, account: &str, until: &[(&str, i64)]) -> sqlx::Result<()> {
    let backend = tx.backend();
    let rows: Vec<_> = until
        .iter()
        .map(|(domain, until)| serde_json::json!({ "domain": domain, "until": until }))
        .collect();
    let sql = format!(
        "update domain_paces set used_until = t.until from {rows} as t
          where domain_paces.account = $1 and domain_paces.domain = t.domain",
        rows = json_rows(backend, "$2", &[("domain", Column::Text), ("until", Column::Number)]),
    );
    on_tx!(tx, |conn| sqlx::query(AssertSqlSafe(sql))
        .bind(account)
        .bind(json(&rows)?)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
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
