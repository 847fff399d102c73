//! The suppression list of a store: the marks of addresses, whoever has them. The marks reach the customers who have it by triggers
//! (see the migration), and a customer's no, complaint or bounce reaches the address in the same way.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::model::Channel;
use crate::{
    db::{Db, Tx, dialect},
    ids::StoreId,
    on_db, on_tx,
};

/// The marks of one address.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Suppression {
    pub unsubscribed_at: Option<DateTime<Utc>>,
    pub complained_at: Option<DateTime<Utc>>,
    pub bounced_at: Option<DateTime<Utc>>,
    pub bounce_reason: Option<String>,
}

impl Suppression {
    /// When the address said no, by whichever word came last.
    pub fn said_no_at(&self) -> Option<DateTime<Utc>> {
        self.unsubscribed_at.max(self.complained_at)
    }
}

const ONE: &str = "select unsubscribed_at, complained_at, bounced_at, bounce_reason from suppressions
    where store_id = $1 and channel = $2 and address = $3";

/// Finds the marks of an address; without any, nothing was said for it.
pub async fn find(db: &Db, store: StoreId, channel: Channel, address: &str) -> sqlx::Result<Suppression> {
    let found: Option<Suppression> = on_db!(db, |pool| sqlx::query_as(ONE)
        .bind(store)
        .bind(channel)
        .bind(address)
        .fetch_optional(pool)
        .await)?;
    Ok(found.unwrap_or_default())
}

/// [`find`] inside a change.
pub async fn find_in(tx: &mut Tx, store: StoreId, channel: Channel, address: &str) -> sqlx::Result<Suppression> {
    let found: Option<Suppression> = on_tx!(tx, |conn| sqlx::query_as(ONE)
        .bind(store)
        .bind(channel)
        .bind(address)
        .fetch_optional(&mut *conn)
        .await)?;
    Ok(found.unwrap_or_default())
}

/// The marks of those of these email addresses, a JSON list, that have any.
pub async fn among(
    tx: &mut Tx,
    store: StoreId,
    addresses: &serde_json::Value,
) -> sqlx::Result<HashMap<String, Suppression>> {
    #[derive(sqlx::FromRow)]
    struct Row {
        address: String,
        #[sqlx(flatten)]
        suppression: Suppression,
    }
    let sql = format!(
        "select address, unsubscribed_at, complained_at, bounced_at, bounce_reason from suppressions
          where store_id = $1 and channel = 'email' and address in (select value from {} v)",
        dialect::json_texts(tx.backend(), "$2")
    );
    let rows: Vec<Row> = on_tx!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(store)
        .bind(addresses.to_string())
        .fetch_all(&mut *conn)
        .await)?;
    Ok(rows.into_iter().map(|row| (row.address, row.suppression)).collect())
}

/// Locks these addresses until the transaction ends: nobody else gives them to somebody, or says something
/// for them, meanwhile. To be called before any customer is changed, so that two never wait for each
/// other. SQLite has one writer and needs nothing.
pub async fn hold(tx: &mut Tx, store: StoreId, addresses: &[&str]) -> sqlx::Result<()> {
    match tx {
        Tx::Sqlite(_) => Ok(()),
        Tx::Postgres(tx) => sqlx::query("select customers_lock($1, $2)")
            .bind(store)
            .bind(addresses)
            .execute(&mut **tx)
            .await
            .map(|_| ()),
    }
}

/// [`hold`] for the address that a customer has now.
pub async fn hold_of(tx: &mut Tx, store: StoreId, customer: i64) -> sqlx::Result<()> {
    match tx {
        Tx::Sqlite(_) => Ok(()),
        Tx::Postgres(tx) => sqlx::query(
            "select customers_lock(store_id, array[email_norm]) from customers
              where store_id = $1 and id = $2 and email_norm is not null",
        )
        .bind(store)
        .bind(customer)
        .execute(&mut **tx)
        .await
        .map(|_| ()),
    }
}

/// Marks an address as unsubscribed. Answers whether that is news.
pub async fn unsubscribe(
    tx: &mut Tx,
    store: StoreId,
    channel: Channel,
    address: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = on_tx!(tx, |conn| sqlx::query(
        "insert into suppressions (store_id, channel, address, unsubscribed_at) values ($1, $2, $3, $4)
         on conflict (store_id, channel, address) do update set unsubscribed_at = excluded.unsubscribed_at
          where suppressions.unsubscribed_at is null"
    )
    .bind(store)
    .bind(channel)
    .bind(address)
    .bind(now)
    .execute(&mut *conn)
    .await
    .map(|d| d.rows_affected()))?;
    Ok(done == 1)
}

/// Marks these email addresses, a JSON list, as unsubscribed.
pub async fn unsubscribe_all(
    tx: &mut Tx,
    store: StoreId,
    addresses: &serde_json::Value,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let sql = format!(
        "insert into suppressions (store_id, channel, address, unsubscribed_at)
         select $1, 'email', v.value, $3 from {} v where true order by v.value
         on conflict (store_id, channel, address) do update set unsubscribed_at = excluded.unsubscribed_at
          where suppressions.unsubscribed_at is null",
        dialect::json_texts(tx.backend(), "$2")
    );
    on_tx!(tx, |conn| sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(store)
        .bind(addresses.to_string())
        .bind(now)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}

/// Clears the unsubscribe and the complaint of an address that agreed since. Answers whether there was one.
pub async fn lift(tx: &mut Tx, store: StoreId, channel: Channel, address: &str) -> sqlx::Result<bool> {
    let done = on_tx!(tx, |conn| sqlx::query(
        "update suppressions set unsubscribed_at = null, complained_at = null
          where store_id = $1 and channel = $2 and address = $3
            and (unsubscribed_at is not null or complained_at is not null)"
    )
    .bind(store)
    .bind(channel)
    .bind(address)
    .execute(&mut *conn)
    .await
    .map(|d| d.rows_affected()))?;
    Ok(done == 1)
}

/// Clears the bounce of an address. Answers whether there was one.
pub async fn lift_bounce(tx: &mut Tx, store: StoreId, channel: Channel, address: &str) -> sqlx::Result<bool> {
    let done = on_tx!(tx, |conn| sqlx::query(
        "update suppressions set bounced_at = null, bounce_reason = null
          where store_id = $1 and channel = $2 and address = $3 and bounced_at is not null"
    )
    .bind(store)
    .bind(channel)
    .bind(address)
    .execute(&mut *conn)
    .await
    .map(|d| d.rows_affected()))?;
    Ok(done == 1)
}
