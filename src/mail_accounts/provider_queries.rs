//! What is kept of a mail account's provider.

use crate::{
    channels::email::events::Provider,
    db::{Db, Tx},
    on_db, on_tx,
};

/// A mail account whose provider is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredProvider {
    /// Names the mail account.
    pub account: String,
    pub provider: Provider,
    /// The last part of the address that its events are posted to.
    pub hook_token: String,
    /// What proves that they are its own, sealed.
    pub hook_secret: String,
}

type Row = (String, String, String, String);

impl StoredProvider {
    fn of((account, provider, hook_token, hook_secret): Row) -> Option<Self> {
        Some(Self {
            account,
            provider: Provider::from_key(&provider)?,
            hook_token,
            hook_secret,
        })
    }
}

macro_rules! kept {
    ($condition:literal) => {
        concat!(
            "select account, provider, hook_token, hook_secret from provider_accounts where provider is not null and ",
            $condition
        )
    };
}

/// What is kept of an account's provider, if anything.
pub async fn of_account(db: &Db, account: &str) -> sqlx::Result<Option<StoredProvider>> {
    let row: Option<Row> = on_db!(db, |pool| sqlx::query_as(kept!("account = $1"))
        .bind(account)
        .fetch_optional(pool)
        .await)?;
    Ok(row.and_then(StoredProvider::of))
}

/// What is kept of every account whose provider is known.
pub async fn all(db: &Db) -> sqlx::Result<Vec<StoredProvider>> {
    let rows: Vec<Row> = on_db!(db, |pool| sqlx::query_as(kept!("true order by account"))
        .fetch_all(pool)
        .await)?;
    Ok(rows.into_iter().filter_map(StoredProvider::of).collect())
}

/// Whose events are posted to this address.
pub async fn by_hook(db: &Db, token: &str) -> sqlx::Result<Option<StoredProvider>> {
    let row: Option<Row> = on_db!(db, |pool| sqlx::query_as(kept!("hook_token = $1"))
        .bind(token)
        .fetch_optional(pool)
        .await)?;
    Ok(row.and_then(StoredProvider::of))
}

/// Keeps what is known of an account's provider, or that nothing is.
pub async fn set(tx: &mut Tx, account: &str, kept: Option<&StoredProvider>) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "insert into provider_accounts (account, provider, hook_token, hook_secret) values ($1, $2, $3, $4)
         on conflict (account) do update
            set provider = excluded.provider, hook_token = excluded.hook_token, hook_secret = excluded.hook_secret"
    )
    .bind(account)
    .bind(kept.map(|kept| kept.provider.key()))
    .bind(kept.map(|kept| &kept.hook_token))
    .bind(kept.map(|kept| &kept.hook_secret))
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}
