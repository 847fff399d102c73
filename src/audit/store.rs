//! The audit log in the database.

use chrono::{DateTime, Utc};

use crate::{auth::model::StoreId, db::Tx, on_tx};

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
