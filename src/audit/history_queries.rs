//! What the log says about one thing.

use chrono::{DateTime, Utc};

use crate::{db::Db, ids::StoreId, on_db};

/// One line of a history.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Line {
    pub actor: String,
    pub summary: String,
    pub happened_at: DateTime<Utc>,
}

/// What happened to one thing, newest first; at most 50 lines.
pub async fn of(db: &Db, store: StoreId, subject: &str, id: i64) -> sqlx::Result<Vec<Line>> {
    on_db!(db, |pool| sqlx::query_as(
        "select actor, summary, happened_at from audit_events
          where store_id = $1 and subject = $2 and subject_id = $3
          order by id desc limit 50"
    )
    .bind(store)
    .bind(subject)
    .bind(id)
    .fetch_all(pool)
    .await)
}
