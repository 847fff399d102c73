//! Stores in the database.

use chrono::{DateTime, Utc};

use super::model::{NewStore, Store};
use crate::{
    db::{Db, Tx},
    ids::StoreId,
    on_db, on_tx,
};

/// The store with this id.
pub async fn find(db: &Db, id: StoreId) -> sqlx::Result<Option<Store>> {
    on_db!(db, |pool| sqlx::query_as(
        "select id, slug, name, time_zone, country, currency, from_name, from_email, reply_to, footer, undo_seconds,
                late_grace_minutes, quiet_from, quiet_to, email_requires_opt_in, email_basis_reason, is_demo, created_at
           from stores where id = $1"
    )
    .bind(id)
    .fetch_optional(pool)
    .await)
}

/// The store with this short name.
pub async fn by_slug(db: &Db, slug: &str) -> sqlx::Result<Option<Store>> {
    on_db!(db, |pool| sqlx::query_as(
        "select id, slug, name, time_zone, country, currency, from_name, from_email, reply_to, footer, undo_seconds,
                late_grace_minutes, quiet_from, quiet_to, email_requires_opt_in, email_basis_reason, is_demo, created_at
           from stores where slug = $1"
    )
    .bind(slug)
    .fetch_optional(pool)
    .await)
}

/// Every store of this database, by short name.
pub async fn all(db: &Db) -> sqlx::Result<Vec<Store>> {
    on_db!(db, |pool| sqlx::query_as(
        "select id, slug, name, time_zone, country, currency, from_name, from_email, reply_to, footer, undo_seconds,
                late_grace_minutes, quiet_from, quiet_to, email_requires_opt_in, email_basis_reason, is_demo, created_at
           from stores order by slug"
    )
    .fetch_all(pool)
    .await)
}

/// The same, as the transaction sees it.
pub async fn find_in(tx: &mut Tx, id: StoreId) -> sqlx::Result<Option<Store>> {
    on_tx!(tx, |conn| sqlx::query_as(
        "select id, slug, name, time_zone, country, currency, from_name, from_email, reply_to, footer, undo_seconds,
                late_grace_minutes, quiet_from, quiet_to, email_requires_opt_in, email_basis_reason, is_demo, created_at
           from stores where id = $1"
    )
    .bind(id)
    .fetch_optional(&mut *conn)
    .await)
}

/// Writes everything that can be set. False when there is no such store.
pub async fn update(tx: &mut Tx, store: &Store) -> sqlx::Result<bool> {
    on_tx!(tx, |conn| {
        sqlx::query(
            "update stores
                set name = $2, time_zone = $3, country = $4, currency = $5, from_name = $6, from_email = $7,
                    reply_to = $8, footer = $9, undo_seconds = $10, email_requires_opt_in = $11,
                    email_basis_reason = $12, late_grace_minutes = $13, quiet_from = $14, quiet_to = $15
              where id = $1",
        )
        .bind(store.id)
        .bind(&store.name)
        .bind(&store.time_zone)
        .bind(&store.country)
        .bind(&store.currency)
        .bind(&store.from_name)
        .bind(&store.from_email)
        .bind(&store.reply_to)
        .bind(&store.footer)
        .bind(store.undo_seconds)
        .bind(store.email_requires_opt_in)
        .bind(&store.email_basis_reason)
        .bind(store.late_grace_minutes)
        .bind(store.quiet_from)
        .bind(store.quiet_to)
        .execute(&mut *conn)
        .await
        .map(|r| r.rows_affected() == 1)
    })
}

/// How many campaigns wait for their time.
pub async fn scheduled_campaigns(tx: &mut Tx, id: StoreId) -> sqlx::Result<i64> {
    on_tx!(tx, |conn| sqlx::query_scalar(
        "select count(*) from campaigns where store_id = $1 and status = 'scheduled'"
    )
    .bind(id)
    .fetch_one(&mut *conn)
    .await)
}

/// Holds the store's row until the transaction ends: what must not happen twice at once for a
/// store happens after this.
pub async fn hold(tx: &mut Tx, id: StoreId) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query("update stores set slug = slug where id = $1")
        .bind(id)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}

/// How many stores there are, and whether one of them is the demo.
pub async fn census(db: &Db) -> sqlx::Result<(i64, bool)> {
    on_db!(db, |pool| sqlx::query_as(
        "select count(*), count(*) filter (where is_demo) > 0 from stores"
    )
    .fetch_one(pool)
    .await)
}

/// Every store.
pub async fn ids(tx: &mut Tx) -> sqlx::Result<Vec<StoreId>> {
    on_tx!(tx, |conn| sqlx::query_scalar("select id from stores order by id")
        .fetch_all(&mut *conn)
        .await)
}

/// Adds a store and answers its id.
pub async fn insert(tx: &mut Tx, new: &NewStore, now: DateTime<Utc>) -> sqlx::Result<StoreId> {
    on_tx!(tx, |conn| {
        sqlx::query_scalar(
        "insert into stores (slug, name, time_zone, country, currency, from_name, from_email, footer, is_demo, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id"
    )
    .bind(&new.slug)
    .bind(&new.name)
    .bind(&new.time_zone)
    .bind(&new.country)
    .bind(&new.currency)
    .bind(&new.from_name)
    .bind(&new.from_email)
    .bind(&new.footer)
    .bind(new.is_demo)
    .bind(now)
    .fetch_one(&mut *conn)
    .await
    })
}

/// Lets a store send at any hour without a word.
pub async fn no_quiet_hours(tx: &mut Tx, id: StoreId) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "update stores set quiet_from = 0, quiet_to = 0 where id = $1"
    )
    .bind(id)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}
