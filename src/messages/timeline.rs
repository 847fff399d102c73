//! Messages as people read them: numbers, lists, one customer's history. Writing them is the
//! business of [`crate::recipients`] (freezing) and [`crate::dispatch`] (sending).

use chrono::{DateTime, Utc};

use sqlx::AssertSqlSafe;

use super::{
    goes::is_best,
    model::{MessageState, Resolution},
    outcome_is,
};
use crate::{
    bound,
    db::{Db, binds::Binds},
    ids::StoreId,
    on_db,
    recipients::model::SkipReason,
};

/// Rows of a list on one page.
pub const PAGE: i64 = 50;

/// Why they were skipped, refused, or have to wait.
pub(crate) fn why(
    state: MessageState,
    resolution: Option<Resolution>,
    skip_reason: Option<&str>,
    reply: Option<&str>,
) -> String {
    match state {
        MessageState::Skipped => skip_reason
            .and_then(SkipReason::from_key)
            .map(|r| r.label().to_owned())
            .unwrap_or_default(),
        MessageState::Accepted if resolution.is_none() => String::new(),
        MessageState::Unconfirmed if resolution.is_some() => {
            "It was sent again. This one may have arrived too.".to_owned()
        }
        MessageState::Unconfirmed => {
            "The connection was lost before the mail server answered. It may have arrived.".to_owned()
        }
        _ => reply.unwrap_or_default().to_owned(),
    }
}

/// How many of a send were never answered, and nobody has settled it.
pub async fn unconfirmed(db: &Db, store: StoreId, send: i64) -> sqlx::Result<i64> {
    on_db!(db, |pool| {
        sqlx::query_scalar(concat!(
            "select count(*) from messages where store_id = $1 and send_id = $2 and resolution is null and ",
            outcome_is!("unconfirmed"),
        ))
        .bind(store)
        .bind(send)
        .fetch_one(pool)
        .await
    })
}

/// Failures of a send with the same words, most first.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct FailureGroup {
    pub reply_code: Option<i64>,
    pub reply: Option<String>,
    pub people: i64,
}

/// The failures of these sends grouped by what the provider said; at most 20 groups. Of several goes
/// only whom none of them reached.
pub async fn failures(db: &Db, store: StoreId, sends: &[i64]) -> sqlx::Result<Vec<FailureGroup>> {
    let mut binds = Binds::default();
    let store = binds.add(store.0);
    let sends: Vec<String> = sends.iter().map(|send| binds.add(*send)).collect();
    let sql = format!(
        "select m.reply_code, max(m.reply) as reply, count(*) as people from messages m
          where m.store_id = {store} and m.send_id in ({}) and m.outcome in ('rejected', 'failed')
            and m.settled_at is not null {}
          group by m.reply_code order by count(*) desc limit 20",
        sends.join(", "),
        is_best(&sends)
    );
    on_db!(db, |pool| bound!(sqlx::query_as(AssertSqlSafe(sql)), binds)
        .fetch_all(pool)
        .await)
}

/// Skipped people of a send by reason.
pub async fn skipped(db: &Db, store: StoreId, send: i64) -> sqlx::Result<Vec<(SkipReason, i64)>> {
    let rows: Vec<(String, i64)> = on_db!(db, |pool| sqlx::query_as(concat!(
        "select skip_reason, count(*) from messages where store_id = $1 and send_id = $2 and ",
        outcome_is!("skipped"),
        " group by skip_reason",
    ))
    .bind(store)
    .bind(send)
    .fetch_all(pool)
    .await)?;
    let mut reasons: Vec<_> = rows
        .into_iter()
        .filter_map(|(key, n)| SkipReason::from_key(&key).map(|r| (r, n)))
        .collect();
    reasons.sort();
    Ok(reasons)
}

/// One message on a customer's Communications tab.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct TimelineRow {
    pub message_id: i64,
    pub send_id: i64,
    pub campaign_id: Option<i64>,
    /// The campaign's name at the time, or "Bulk email".
    pub label: String,
    /// As it was frozen, before anybody's name went in; see
    /// [`crate::sends::message_view::subjects`].
    pub subject: String,
    pub channel: String,
    pub first_name: String,
    pub last_name: String,
    pub anniversary_month: Option<i64>,
    pub anniversary_day: Option<i64>,
    pub state: MessageState,
    pub resolution: Option<Resolution>,
    pub skip_reason: Option<String>,
    pub reply: Option<String>,
    /// When its outcome was known, else when it was written down.
    pub at: DateTime<Utc>,
}

impl TimelineRow {
    /// Why they were skipped or refused.
    pub fn why(&self) -> String {
        why(
            self.state,
            self.resolution,
            self.skip_reason.as_deref(),
            self.reply.as_deref(),
        )
    }
}

/// What one customer was sent, newest first; what was undone or stopped does not appear. Pages
/// count from 1.
pub async fn timeline(db: &Db, store: StoreId, customer: i64, page: i64) -> sqlx::Result<Vec<TimelineRow>> {
    on_db!(db, |pool| sqlx::query_as(
        "select m.id as message_id, m.send_id, s.campaign_id, s.label, s.subject, m.channel, m.first_name, m.last_name,
                m.anniversary_month, m.anniversary_day, m.state, m.resolution, m.skip_reason,
                m.reply, coalesce(m.settled_at, m.attempted_at, m.created_at) as at
           from messages m join sends s on s.id = m.send_id
          where m.store_id = $1 and m.customer_id = $2 and m.state <> 'cancelled'
          order by m.id desc limit $3 offset $4"
    )
    .bind(store)
    .bind(customer)
    .bind(PAGE)
    .bind((page.max(1) - 1).saturating_mul(PAGE))
    .fetch_all(pool)
    .await)
}

/// How many messages have reached a customer since a moment.
pub async fn sent_since(db: &Db, store: StoreId, customer: i64, since: DateTime<Utc>) -> sqlx::Result<i64> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select count(*) from messages
          where store_id = $1 and customer_id = $2 and state = 'accepted' and settled_at >= $3"
    )
    .bind(store)
    .bind(customer)
    .bind(since)
    .fetch_one(pool)
    .await)
}

/// One message, with what its text is made of.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct MessageRow {
    pub id: i64,
    pub send_id: i64,
    pub customer_id: i64,
    pub state: MessageState,
    pub name: String,
    pub first_name: String,
    pub last_name: String,
    pub anniversary_month: Option<i64>,
    pub anniversary_day: Option<i64>,
    pub address: Option<String>,
    pub created_at: DateTime<Utc>,
    pub settled_at: Option<DateTime<Utc>>,
}

/// One message of the store.
pub async fn message(db: &Db, store: StoreId, id: i64) -> sqlx::Result<Option<MessageRow>> {
    on_db!(db, |pool| {
        sqlx::query_as(
        "select id, send_id, customer_id, state, name, first_name, last_name, anniversary_month, anniversary_day, address,
                created_at, settled_at
           from messages where store_id = $1 and id = $2"
    )
    .bind(store)
    .bind(id)
    .fetch_optional(pool)
    .await
    })
}
