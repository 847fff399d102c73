//! Sends in the database.

use chrono::{DateTime, Utc};

use super::model::{SendKind, SendState};
use crate::{
    db::{Db, Tx},
    ids::StoreId,
    messages::has_pending,
    on_db, on_tx,
};

/// A send, with its frozen message.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct SendRecord {
    pub id: i64,
    pub store_id: StoreId,
    pub campaign_id: Option<i64>,
    /// The send this one follows, for a second try.
    pub of_send: Option<i64>,
    pub kind: SendKind,
    /// What Communications tabs call it: the campaign's name at the time, or "Bulk email".
    pub label: String,
    pub subject: String,
    pub body: String,
    /// JSON: what a blank field reads instead.
    pub fallbacks: String,
    /// JSON of the recipient filter.
    pub filter: String,
    pub audience_words: String,
    pub from_name: String,
    pub from_email: String,
    pub reply_to: Option<String>,
    pub store_name: String,
    pub footer: String,
    pub signature: String,
    pub state: SendState,
    pub hold_until: DateTime<Utc>,
    pub shown_count: Option<i64>,
    pub started_by: String,
    pub started_at: DateTime<Utc>,
    /// What it was planned for, when it went out by itself.
    pub scheduled_at: Option<DateTime<Utc>>,
    /// Seconds it went out later than planned.
    pub late_by: Option<i64>,
    /// Why it was late, in words.
    pub late_why: Option<String>,
    pub finished_at: Option<DateTime<Utc>>,
    pub problem: Option<String>,
    /// Since when nothing goes out.
    pub paused_at: Option<DateTime<Utc>>,
    /// Who paused it; nobody when the provider is in trouble.
    pub paused_by: Option<String>,
    /// When it is tried again.
    pub resume_at: Option<DateTime<Utc>>,
}

impl SendRecord {
    /// Where answers of customers go.
    pub fn replies_to(&self) -> &str {
        self.reply_to.as_deref().unwrap_or(&self.from_email)
    }

    /// The page that shows it.
    pub fn page(&self) -> String {
        match self.campaign_id {
            Some(campaign) => format!("/marketing/campaigns/{campaign}"),
            None => format!("/marketing/bulk-email/sent/{}", self.id),
        }
    }
}

macro_rules! columns {
    ($($rest:tt)*) => {
        concat!(
            "select id, store_id, campaign_id, of_send, kind, label, subject, body, fallbacks, filter, audience_words, from_name, ",
            "from_email, reply_to, store_name, footer, signature, state, hold_until, shown_count, started_by, started_at, ",
            "scheduled_at, late_by, late_why, finished_at, problem, paused_at, paused_by, resume_at from sends ",
            $($rest)*
        )
    };
}

/// One send of the store.
pub async fn find(db: &Db, store: StoreId, id: i64) -> sqlx::Result<Option<SendRecord>> {
    on_db!(db, |pool| sqlx::query_as(columns!("where store_id = $1 and id = $2"))
        .bind(store)
        .bind(id)
        .fetch_optional(pool)
        .await)
}

/// The send a form's token began, if it did.
pub async fn by_token(db: &Db, store: StoreId, token: &str) -> sqlx::Result<Option<SendRecord>> {
    on_db!(db, |pool| sqlx::query_as(columns!(
        "where store_id = $1 and token = $2"
    ))
    .bind(store)
    .bind(token)
    .fetch_optional(pool)
    .await)
}

/// The newest send of a campaign.
pub async fn latest_of_campaign(db: &Db, store: StoreId, campaign: i64) -> sqlx::Result<Option<SendRecord>> {
    on_db!(db, |pool| sqlx::query_as(columns!(
        "where store_id = $1 and campaign_id = $2 order by id desc limit 1"
    ))
    .bind(store)
    .bind(campaign)
    .fetch_optional(pool)
    .await)
}

/// What followed a send: second tries, oldest first.
pub async fn following(db: &Db, store: StoreId, send: i64) -> sqlx::Result<Vec<SendRecord>> {
    on_db!(db, |pool| sqlx::query_as(columns!(
        "where store_id = $1 and of_send = $2 order by id"
    ))
    .bind(store)
    .bind(send)
    .fetch_all(pool)
    .await)
}

/// A send and what followed it, as far as they are of this kind; oldest first.
pub(crate) async fn attempts(tx: &mut Tx, store: StoreId, first: i64, kind: SendKind) -> sqlx::Result<Vec<SendRecord>> {
    on_tx!(tx, |conn| sqlx::query_as(columns!(
        "where store_id = $1 and (id = $2 or of_send = $2) and kind = $3 order by id"
    ))
    .bind(store)
    .bind(first)
    .bind(kind)
    .fetch_all(&mut *conn)
    .await)
}

/// Every send of a campaign, newest first.
pub async fn of_campaign(db: &Db, store: StoreId, campaign: i64) -> sqlx::Result<Vec<SendRecord>> {
    on_db!(db, |pool| sqlx::query_as(columns!(
        "where store_id = $1 and campaign_id = $2 order by id desc"
    ))
    .bind(store)
    .bind(campaign)
    .fetch_all(pool)
    .await)
}

/// Sends with something to do now, of every store: the dispatcher's question. At most `limit`,
/// going round: those after the send `after` first. A send whose people all wait for later, or
/// are all on the wire, is not among them.
pub async fn open_now(db: &Db, now: DateTime<Utc>, after: i64, limit: i64) -> sqlx::Result<Vec<SendRecord>> {
    on_db!(db, |pool| sqlx::query_as(columns!(
        "where state in ('holding', 'sending') and hold_until <= $1
           and (paused_at is null or (paused_by is null and resume_at <= $1))
           and (state = 'holding' or paused_at is not null
                or exists (select 1 from messages m where m.send_id = sends.id and m.next_at <= $1)
                or not ",
        has_pending!("sends.id"),
        ")
          order by id <= $2, id limit $3"
    ))
    .bind(now)
    .bind(after)
    .bind(limit)
    .fetch_all(pool)
    .await)
}

/// Every send that the provider's trouble concerns.
pub async fn sending(db: &Db) -> sqlx::Result<Vec<SendRecord>> {
    on_db!(db, |pool| sqlx::query_as(columns!(
        "where state = 'sending' and paused_by is null order by id"
    ))
    .fetch_all(pool)
    .await)
}

/// When the next held send may begin.
pub async fn next_hold(db: &Db, now: DateTime<Utc>) -> sqlx::Result<Option<DateTime<Utc>>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select min(hold_until) from sends where state = 'holding' and hold_until > $1"
    )
    .bind(now)
    .fetch_one(pool)
    .await)
}

/// A send about to be written.
#[derive(Clone, Debug)]
pub struct NewSend<'a> {
    pub store: StoreId,
    pub campaign: Option<i64>,
    pub of_send: Option<i64>,
    pub kind: SendKind,
    pub token: &'a str,
    pub label: &'a str,
    pub subject: &'a str,
    pub body: &'a str,
    pub fallbacks: &'a str,
    pub filter: &'a str,
    pub audience_words: &'a str,
    pub from_name: &'a str,
    pub from_email: &'a str,
    pub reply_to: Option<&'a str>,
    pub store_name: &'a str,
    pub footer: &'a str,
    pub signature: &'a str,
    pub hold_until: DateTime<Utc>,
    pub shown_count: Option<i64>,
    pub started_by: &'a str,
    pub started_at: DateTime<Utc>,
    pub scheduled: Option<&'a Scheduled>,
}

/// When a send that goes out by itself was to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduled {
    pub at: DateTime<Utc>,
    /// Seconds it is late.
    pub late_by: i64,
    /// Why, in words, when it is late enough to be told.
    pub late_why: Option<&'static str>,
}

/// Writes a send; nothing when its token has been used before.
pub async fn insert(tx: &mut Tx, new: &NewSend<'_>) -> sqlx::Result<Option<i64>> {
    on_tx!(tx, |conn| {
        sqlx::query_scalar(
        "insert into sends (store_id, campaign_id, kind, token, label, subject, body, fallbacks, filter, audience_words,
                            from_name, from_email, reply_to, store_name, footer, signature, state, hold_until,
                            shown_count, started_by, started_at, scheduled_at, late_by, late_why, of_send)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 'holding', $17, $18, $19, $20,
                 $21, $22, $23, $24)
         on conflict (store_id, token) do nothing returning id"
    )
    .bind(new.store)
    .bind(new.campaign)
    .bind(new.kind)
    .bind(new.token)
    .bind(new.label)
    .bind(new.subject)
    .bind(new.body)
    .bind(new.fallbacks)
    .bind(new.filter)
    .bind(new.audience_words)
    .bind(new.from_name)
    .bind(new.from_email)
    .bind(new.reply_to)
    .bind(new.store_name)
    .bind(new.footer)
    .bind(new.signature)
    .bind(new.hold_until)
    .bind(new.shown_count)
    .bind(new.started_by)
    .bind(new.started_at)
    .bind(new.scheduled.map(|p| p.at))
    .bind(new.scheduled.map(|p| p.late_by))
    .bind(new.scheduled.and_then(|p| p.late_why))
    .bind(new.of_send)
    .fetch_optional(&mut *conn)
    .await
    })
}

/// Moves a send from one state to another; false when it was not in the first any more.
pub async fn change_state(
    tx: &mut Tx,
    id: i64,
    from: SendState,
    to: SendState,
    finished_at: Option<DateTime<Utc>>,
    problem: Option<&str>,
) -> sqlx::Result<bool> {
    let changed = on_tx!(tx, |conn| sqlx::query(
        "update sends set state = $3, finished_at = $4, problem = $5 where id = $1 and state = $2"
    )
    .bind(id)
    .bind(from)
    .bind(to)
    .bind(finished_at)
    .bind(problem)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected()))?;
    Ok(changed == 1)
}

/// Ends the time to undo now; false when it was over.
pub async fn end_hold(tx: &mut Tx, store: StoreId, id: i64, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let changed = on_tx!(tx, |conn| sqlx::query(
        "update sends set hold_until = $3 where id = $2 and store_id = $1 and state = 'holding' and hold_until > $3"
    )
    .bind(store)
    .bind(id)
    .bind(now)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected()))?;
    Ok(changed == 1)
}

/// Lets nothing more of a send out: `by` somebody until they resume it, or, by nobody, because of
/// the provider, until `resume_at`. The beginning of a pause stays when it is prolonged. False
/// when it is not sending.
pub async fn pause(
    tx: &mut Tx,
    id: i64,
    by: Option<&str>,
    problem: &str,
    resume_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let changed = on_tx!(tx, |conn| sqlx::query(
        "update sends set paused_at = coalesce(paused_at, $5), paused_by = $2, problem = $3, resume_at = $4
          where id = $1 and state = 'sending' and paused_by is null"
    )
    .bind(id)
    .bind(by)
    .bind(problem)
    .bind(resume_at)
    .bind(now)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected()))?;
    Ok(changed == 1)
}

/// Ends a pause; false when there was none.
pub async fn resume(tx: &mut Tx, store: StoreId, id: i64) -> sqlx::Result<bool> {
    let changed = on_tx!(tx, |conn| sqlx::query(
        "update sends set paused_at = null, paused_by = null, problem = null, resume_at = null
          where store_id = $1 and id = $2 and state = 'sending' and paused_at is not null"
    )
    .bind(store)
    .bind(id)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected()))?;
    Ok(changed == 1)
}

/// Ends a pause because the provider works again; not one that a person has made since.
pub async fn resume_from_trouble(tx: &mut Tx, id: i64) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "update sends set paused_at = null, problem = null, resume_at = null
          where id = $1 and state = 'sending' and paused_at is not null and paused_by is null"
    )
    .bind(id)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}

/// Begins the time anew in which a send is expected to move.
pub async fn restart(tx: &mut Tx, id: i64, now: DateTime<Utc>) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "update sends set hold_until = $2 where id = $1 and state in ('holding', 'sending')"
    )
    .bind(id)
    .bind(now)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}
