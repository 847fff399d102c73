//! The ledger and the current states in the database.

use chrono::{DateTime, Utc};

use super::{
    model::{Channel, ConsentState, Source},
    rules::Change,
};
use crate::{
    auth::model::StoreId,
    db::{Db, Tx},
    on_db, on_tx,
};

/// One line of the ledger.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Event {
    pub channel: Channel,
    /// What it led to.
    pub change: ConsentState,
    pub source: Source,
    pub evidence: String,
    pub actor: String,
    pub happened_at: DateTime<Utc>,
}

/// Who a link belongs to.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct LinkOwner {
    pub id: i64,
    pub store_id: StoreId,
    pub email: Option<String>,
    pub email_consent: ConsentState,
}

/// The state of one channel; nothing when the store has no such customer.
pub async fn state(tx: &mut Tx, store: StoreId, customer: i64, channel: Channel) -> sqlx::Result<Option<ConsentState>> {
    let sql = match channel {
        Channel::Email => "select email_consent from customers where store_id = $1 and id = $2",
        Channel::WhatsApp => "select whatsapp_consent from customers where store_id = $1 and id = $2",
    };
    on_tx!(tx, |conn| sqlx::query_scalar(sql)
        .bind(store)
        .bind(customer)
        .fetch_optional(&mut *conn)
        .await)
}

/// Sets the state of one channel.
pub async fn set_state(
    tx: &mut Tx,
    store: StoreId,
    customer: i64,
    channel: Channel,
    state: ConsentState,
) -> sqlx::Result<()> {
    let sql = match channel {
        Channel::Email => "update customers set email_consent = $3 where store_id = $1 and id = $2",
        Channel::WhatsApp => "update customers set whatsapp_consent = $3 where store_id = $1 and id = $2",
    };
    on_tx!(tx, |conn| sqlx::query(sql)
        .bind(store)
        .bind(customer)
        .bind(state)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}

/// Adds a line to the ledger.
pub async fn append(tx: &mut Tx, store: StoreId, change: &Change<'_>, now: DateTime<Utc>) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "insert into consent_events (store_id, customer_id, channel, change, source, evidence, actor, happened_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)"
    )
    .bind(store)
    .bind(change.customer)
    .bind(change.channel)
    .bind(change.wish.state())
    .bind(change.source)
    .bind(change.evidence)
    .bind(change.actor)
    .bind(now)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}

/// A customer's ledger, latest first.
pub async fn ledger(db: &Db, store: StoreId, customer: i64) -> sqlx::Result<Vec<Event>> {
    on_db!(db, |pool| sqlx::query_as(
        "select channel, change, source, evidence, actor, happened_at from consent_events
          where store_id = $1 and customer_id = $2 order by id desc"
    )
    .bind(store)
    .bind(customer)
    .fetch_all(pool)
    .await)
}

/// Where the latest word about a channel came from.
pub async fn latest_source(
    tx: &mut Tx,
    store: StoreId,
    customer: i64,
    channel: Channel,
) -> sqlx::Result<Option<Source>> {
    on_tx!(tx, |conn| sqlx::query_scalar(
        "select source from consent_events where store_id = $1 and customer_id = $2 and channel = $3
          order by id desc limit 1"
    )
    .bind(store)
    .bind(customer)
    .bind(channel)
    .fetch_optional(&mut *conn)
    .await)
}

/// Who a link's token belongs to, in whichever store.
pub async fn by_token(db: &Db, token: &str) -> sqlx::Result<Option<LinkOwner>> {
    on_db!(db, |pool| sqlx::query_as(
        "select id, store_id, email, email_consent from customers where unsubscribe_token = $1"
    )
    .bind(token)
    .fetch_optional(pool)
    .await)
}

/// The customer and everyone of the store with the same address.
pub async fn sharing(tx: &mut Tx, store: StoreId, customer: i64) -> sqlx::Result<Vec<i64>> {
    on_tx!(tx, |conn| sqlx::query_scalar(
        "select id from customers where store_id = $1 and id = $2
         union
         select o.id from customers c join customers o on o.store_id = c.store_id and o.email_norm = c.email_norm
          where c.store_id = $1 and c.id = $2
         order by 1"
    )
    .bind(store)
    .bind(customer)
    .fetch_all(&mut *conn)
    .await)
}
