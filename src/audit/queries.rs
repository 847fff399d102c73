//! The audit log in the database.

use chrono::{DateTime, Utc};

use crate::{
    db::{Db, Tx},
    ids::StoreId,
    on_db, on_tx,
};

/// One line of the log.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// A member of staff, "Loupe" for what the program did by itself, or a customer's own act.
    pub actor: &'a str,
    /// What happened: `campaign.sent`, `customer.edited`, `user.role_changed` …
    pub action: &'static str,
    /// What it happened to: `campaign`, `customer`, `user`, `store` …
    pub subject: &'static str,
    pub subject_id: Option<i64>,
    /// In words, as the page shows it.
    pub summary: String,
    /// JSON, where there is something to compare. No message bodies.
    pub before: Option<serde_json::Value>,
    pub after: Option<serde_json::Value>,
}

/// Adds a line.
pub async fn record(tx: &mut Tx, store: StoreId, entry: Entry<'_>, now: DateTime<Utc>) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "insert into audit_events (store_id, actor, action, subject, subject_id, summary, before, after, happened_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    )
    .bind(store)
    .bind(entry.actor)
    .bind(entry.action)
    .bind(entry.subject)
    .bind(entry.subject_id)
    .bind(&entry.summary)
    .bind(entry.before.as_ref().map(ToString::to_string))
    .bind(entry.after.as_ref().map(ToString::to_string))
    .bind(now)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}

/// A line as it was written.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Line {
    pub id: i64,
    pub actor: String,
    pub action: String,
    pub subject: String,
    pub subject_id: Option<i64>,
    pub summary: String,
    /// JSON.
    pub before: Option<String>,
    pub after: Option<String>,
    pub happened_at: DateTime<Utc>,
}

/// Which lines. Empty texts and missing times leave nothing out.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub actor: String,
    pub action: String,
    pub from: Option<DateTime<Utc>>,
    /// The first moment that is too late.
    pub until: Option<DateTime<Utc>>,
}

impl Wanted {
    fn from(&self) -> DateTime<Utc> {
        self.from.unwrap_or(DateTime::UNIX_EPOCH)
    }

    fn until(&self) -> DateTime<Utc> {
        // Later than any line and still four digits: SQLite compares times as texts.
        self.until
            .unwrap_or_else(|| DateTime::from_timestamp(253_370_764_800, 0).unwrap_or(DateTime::<Utc>::MAX_UTC))
    }
}

/// A page of lines, newest first.
pub async fn page(db: &Db, store: StoreId, wanted: &Wanted, limit: i64, offset: i64) -> sqlx::Result<Vec<Line>> {
    on_db!(db, |pool| sqlx::query_as(
        "select id, actor, action, subject, subject_id, summary, before, after, happened_at from audit_events
          where store_id = $1 and ($2 = '' or actor = $2) and ($3 = '' or action = $3)
            and happened_at >= $4 and happened_at < $5
          order by id desc limit $6 offset $7"
    )
    .bind(store)
    .bind(&wanted.actor)
    .bind(&wanted.action)
    .bind(wanted.from())
    .bind(wanted.until())
    .bind(limit)
    .bind(offset)
    .fetch_all(pool)
    .await)
}

/// The next lines after one, oldest first: for reading everything in pieces.
pub async fn after(db: &Db, store: StoreId, wanted: &Wanted, id: i64, limit: i64) -> sqlx::Result<Vec<Line>> {
    on_db!(db, |pool| sqlx::query_as(
        "select id, actor, action, subject, subject_id, summary, before, after, happened_at from audit_events
          where store_id = $1 and id > $6 and ($2 = '' or actor = $2) and ($3 = '' or action = $3)
            and happened_at >= $4 and happened_at < $5
          order by id limit $7"
    )
    .bind(store)
    .bind(&wanted.actor)
    .bind(&wanted.action)
    .bind(wanted.from())
    .bind(wanted.until())
    .bind(id)
    .bind(limit)
    .fetch_all(pool)
    .await)
}

/// How many lines there are.
pub async fn count(db: &Db, store: StoreId, wanted: &Wanted) -> sqlx::Result<i64> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select count(*) from audit_events
          where store_id = $1 and ($2 = '' or actor = $2) and ($3 = '' or action = $3)
            and happened_at >= $4 and happened_at < $5"
    )
    .bind(store)
    .bind(&wanted.actor)
    .bind(&wanted.action)
    .bind(wanted.from())
    .bind(wanted.until())
    .fetch_one(pool)
    .await)
}

/// Everyone the log names.
pub async fn actors(db: &Db, store: StoreId) -> sqlx::Result<Vec<String>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select distinct actor from audit_events where store_id = $1 order by actor"
    )
    .bind(store)
    .fetch_all(pool)
    .await)
}

/// Every kind of thing the log tells of.
pub async fn actions(db: &Db, store: StoreId) -> sqlx::Result<Vec<String>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select distinct action from audit_events where store_id = $1 order by action"
    )
    .bind(store)
    .fetch_all(pool)
    .await)
}
