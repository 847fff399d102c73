//! The limit for each recipient domain, in the database: until when each domain's rate is used up,
//! and which messages wait for it.
//!
//! Whoever uses a domain's rate, or puts the waiting in another order, holds the account
//! ([`crate::mail_accounts::account_queries::used_until`]) first: there is one lock for all domains, so nobody waits
//! for one of them while holding another.

use sqlx::AssertSqlSafe;

use crate::{
    db::{
        Tx,
        dialect::{Column, database_micros, json, json_rows, one_of_texts, skip_locked, text_list},
    },
    on_tx,
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
