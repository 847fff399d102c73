//! Templates in the database.

use chrono::{DateTime, Utc};

use super::builtin;
use crate::{
    db::{Db, Tx},
    ids::StoreId,
    on_db, on_tx,
};

/// A template as the builder offers it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Template {
    pub id: i64,
    pub system_key: Option<String>,
    pub name: String,
    pub subject: String,
    pub body: String,
}

/// The templates every store has.
pub async fn add_system(tx: &mut Tx, store: StoreId, now: DateTime<Utc>) -> sqlx::Result<()> {
    for template in builtin::ALL {
        on_tx!(tx, |conn| sqlx::query(
            "insert into templates (store_id, system_key, name, subject, body, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $6) on conflict do nothing"
        )
        .bind(store)
        .bind(template.key)
        .bind(template.name)
        .bind(template.subject)
        .bind(template.body)
        .bind(now)
        .execute(&mut *conn)
        .await
        .map(|_| ()))?;
    }
    Ok(())
}

/// All templates of a store: its own by name, then the system's.
pub async fn all(db: &Db, store: StoreId) -> sqlx::Result<Vec<Template>> {
    on_db!(db, |pool| {
        sqlx::query_as(
        "select id, system_key, name, subject, body from templates where store_id = $1
          order by case when system_key is null then 0 else 1 end, case when system_key is null then name else '' end, id"
    )
    .bind(store)
    .fetch_all(pool)
    .await
    })
}

/// One template of the store.
pub async fn find(db: &Db, store: StoreId, id: i64) -> sqlx::Result<Option<Template>> {
    on_db!(db, |pool| sqlx::query_as(
        "select id, system_key, name, subject, body from templates where store_id = $1 and id = $2"
    )
    .bind(store)
    .bind(id)
    .fetch_optional(pool)
    .await)
}
