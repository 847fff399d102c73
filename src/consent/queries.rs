//! The ledger and the current states in the database. What was said for addresses is in
//! `suppressions_sql`.

use chrono::{DateTime, Utc};

use super::{
    model::{Channel, ConsentState, Source},
    rules::Change,
};
use crate::{
    db::{Db, Tx, dialect},
    ids::StoreId,
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
    /// What it was said for, where that was an address alone and the person's own wish stayed.
    pub address: Option<String>,
}

/// A link at the end of a message, as its token resolves.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Link {
    pub customer: i64,
    pub store_id: StoreId,
    /// The address it was sent to, as it is compared; none for a customer who never had one.
    pub address: Option<String>,
    /// Whether the customer still has that address, and does not want mail.
    pub has_left: bool,
}

/// A customer's own wish for a channel, with the address it is about.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Standing {
    pub state: ConsentState,
    /// As it is compared; none where the customer has none, or the channel compares none yet.
    pub address: Option<String>,
    /// Whether they called a message spam.
    pub complained: bool,
}

/// The state of one channel, which nobody else changes until the transaction ends; nothing when the store
/// has no such customer.
pub async fn state(tx: &mut Tx, store: StoreId, customer: i64, channel: Channel) -> sqlx::Result<Option<Standing>> {
    let columns = match channel {
        Channel::Email => {
            "email_consent as state, email_norm as address, email_complained_at is not null as complained"
        }
        Channel::WhatsApp => "whatsapp_consent as state, cast(null as text) as address, false as complained",
    };
    let sql = format!(
        "select {columns} from customers where store_id = $1 and id = $2 {}",
        dialect::for_change(tx.backend())
    );
    on_tx!(tx, |conn| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(store)
        .bind(customer)
        .fetch_optional(&mut *conn)
        .await)
}

/// Sets the state of one channel. Who agrees to email takes a complaint back with it. Answers whether
/// anything changed.
pub async fn set_state(
    tx: &mut Tx,
    store: StoreId,
    customer: i64,
    channel: Channel,
    state: ConsentState,
) -> sqlx::Result<bool> {
    let sql = match (channel, state) {
        (Channel::Email, ConsentState::Granted) => {
            "update customers set email_consent = $3, email_complained_at = null
              where store_id = $1 and id = $2 and (email_consent <> $3 or email_complained_at is not null)"
        }
        (Channel::Email, _) => {
            "update customers set email_consent = $3 where store_id = $1 and id = $2 and email_consent <> $3"
        }
        (Channel::WhatsApp, _) => {
            "update customers set whatsapp_consent = $3 where store_id = $1 and id = $2 and whatsapp_consent <> $3"
        }
    };
    let done = on_tx!(tx, |conn| sqlx::query(sql)
        .bind(store)
        .bind(customer)
        .bind(state)
        .execute(&mut *conn)
        .await
        .map(|d| d.rows_affected()))?;
    Ok(done == 1)
}

/// Adds a line to the ledger; with an address if it was said for that alone.
pub async fn append(
    tx: &mut Tx,
    store: StoreId,
    change: &Change<'_>,
    address: Option<&str>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    on_tx!(tx, |conn| {
        sqlx::query(
        "insert into consent_events (store_id, customer_id, channel, change, source, evidence, actor, happened_at, address)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    )
    .bind(store)
    .bind(change.customer)
    .bind(change.channel)
    .bind(change.wish.state())
    .bind(change.source)
    .bind(change.evidence)
    .bind(change.actor)
    .bind(now)
    .bind(address)
    .execute(&mut *conn)
    .await
    .map(|_| ())
    })
}

/// A customer's ledger, latest first.
pub async fn ledger(db: &Db, store: StoreId, customer: i64) -> sqlx::Result<Vec<Event>> {
    on_db!(db, |pool| sqlx::query_as(
        "select channel, change, source, evidence, actor, happened_at, address from consent_events
          where store_id = $1 and customer_id = $2 order by id desc"
    )
    .bind(store)
    .bind(customer)
    .fetch_all(pool)
    .await)
}

/// Where the latest word of a customer about a channel came from.
pub async fn latest_source(
    tx: &mut Tx,
    store: StoreId,
    customer: i64,
    channel: Channel,
) -> sqlx::Result<Option<Source>> {
    on_tx!(tx, |conn| {
        sqlx::query_scalar(
        "select source from consent_events where store_id = $1 and customer_id = $2 and channel = $3 and address is null
          order by id desc limit 1"
    )
    .bind(store)
    .bind(customer)
    .bind(channel)
    .fetch_optional(&mut *conn)
    .await
    })
}

/// Resolves a link's token, in whichever store: to the address that the customer has, or to one that they had
/// when it was sent.
pub async fn by_token(db: &Db, token: &str) -> sqlx::Result<Option<Link>> {
    on_db!(db, |pool| {
        sqlx::query_as(
        "select c.id as customer, c.store_id, c.email_norm as address,
                (c.email_consent = 'withdrawn' or c.email_complained_at is not null) as has_left
           from customers c where c.unsubscribe_token = $1
          union all
         select c.id, c.store_id, r.address,
                coalesce(c.email_norm = r.address and (c.email_consent = 'withdrawn' or c.email_complained_at is not null),
                         false)
           from retired_unsubscribe_tokens r join customers c on c.id = r.customer_id
          where r.token = $1"
    )
    .bind(token)
    .fetch_optional(pool)
    .await
    })
}

/// Everyone of the store with this email address.
pub async fn with_address(tx: &mut Tx, store: StoreId, address: &str) -> sqlx::Result<Vec<i64>> {
    on_tx!(tx, |conn| sqlx::query_scalar(
        "select id from customers where store_id = $1 and email_norm = $2 order by id"
    )
    .bind(store)
    .bind(address)
    .fetch_all(&mut *conn)
    .await)
}
