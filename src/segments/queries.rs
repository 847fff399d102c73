//! Segments in the database.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{
    model::SystemSegment,
    rule_queries::{self, Moment},
};
use crate::{
    bound,
    db::{Db, Tx, binds::Binds},
    ids::StoreId,
    on_db, on_tx,
};

/// A saved segment.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Segment {
    pub id: i64,
    pub system_key: Option<String>,
    pub name: String,
    /// The rule in words.
    pub rule: String,
}

impl Segment {
    pub fn system(&self) -> Option<SystemSegment> {
        self.system_key.as_deref().and_then(SystemSegment::from_key)
    }
}

/// The segments every store has.
pub async fn add_system(tx: &mut Tx, store: StoreId, now: DateTime<Utc>) -> sqlx::Result<()> {
    for segment in SystemSegment::ALL {
        on_tx!(tx, |conn| sqlx::query(
            "insert into segments (store_id, system_key, name, rule, created_at) values ($1, $2, $3, $4, $5)
             on conflict do nothing"
        )
        .bind(store)
        .bind(segment.key())
        .bind(segment.name())
        .bind(segment.rule())
        .bind(now)
        .execute(&mut *conn)
        .await
        .map(|_| ()))?;
    }
    Ok(())
}

/// All segments of a store, in the order they were made.
pub async fn all(db: &Db, store: StoreId) -> sqlx::Result<Vec<Segment>> {
    on_db!(db, |pool| sqlx::query_as(
        "select id, system_key, name, rule from segments where store_id = $1 order by id"
    )
    .bind(store)
    .fetch_all(pool)
    .await)
}

/// One segment of the store.
pub async fn find(db: &Db, store: StoreId, id: i64) -> sqlx::Result<Option<Segment>> {
    on_db!(db, |pool| sqlx::query_as(
        "select id, system_key, name, rule from segments where store_id = $1 and id = $2"
    )
    .bind(store)
    .bind(id)
    .fetch_optional(pool)
    .await)
}

/// One segment of the store, inside a transaction.
pub async fn find_in(tx: &mut Tx, store: StoreId, id: i64) -> sqlx::Result<Option<Segment>> {
    on_tx!(tx, |conn| sqlx::query_as(
        "select id, system_key, name, rule from segments where store_id = $1 and id = $2"
    )
    .bind(store)
    .bind(id)
    .fetch_optional(&mut *conn)
    .await)
}

/// How many customers each system segment has, by the segment's id: the most a message to it can
/// reach.
pub async fn counts(db: &Db, store: StoreId, moment: Moment) -> sqlx::Result<HashMap<i64, i64>> {
    let segments = all(db, store).await?;
    let mut binds = Binds::default();
    let owner = binds.add(store.0);
    let parts: Vec<String> = segments
        .iter()
        .filter_map(|segment| {
            let rule = rule_queries::condition(segment.system()?, "c", &owner, moment, &mut binds);
            let id = segment.id;
            Some(format!(
                "select cast({id} as bigint), count(*) from customers c where c.store_id = {owner} and {rule}"
            ))
        })
        .collect();
    if parts.is_empty() {
        return Ok(HashMap::new());
    }
    let statement = parts.join(" union all ");
    let rows: Vec<(i64, i64)> = on_db!(db, |pool| bound!(sqlx::query_as(sqlx::AssertSqlSafe(statement)), binds)
        .fetch_all(pool)
        .await)?;
    Ok(rows.into_iter().collect())
}
