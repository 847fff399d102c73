//! Who would have got a message when somebody was shown how many that is, kept under the token it
//! is then sent under: when it was scheduled, or when the question before a send was asked.

use chrono::{DateTime, Duration, Utc};

use crate::{
    db::Db,
    ids::StoreId,
    on_db, on_tx,
    recipients::{self, filter_queries::Scope, model::RecipientFilter},
};

/// Of more people than this only the number is kept.
const MOST: usize = 50_000;
/// Kept so long, for receipts and for what is planned far ahead.
const KEPT: Duration = Duration::days(400);

/// An audience as it was shown.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct AudienceSnapshot {
    pub will_send: i64,
    /// JSON lists of customers' ids; nothing when they were too many.
    pub getting: Option<String>,
    pub left_out: Option<String>,
    pub shown_at: DateTime<Utc>,
}

/// Keeps who would get it now. Shown again, the last time counts.
pub async fn keep(db: &Db, scope: &Scope, filter: &RecipientFilter, token: &str) -> sqlx::Result<()> {
    if token.is_empty() {
        return Ok(());
    }
    let members = recipients::queries::members(db, scope, filter, MOST).await?;
    let (will_send, getting, left_out) = match members {
        Some(members) => {
            let list = |ids: &[i64]| serde_json::Value::from(ids).to_string();
            let will_send = i64::try_from(members.getting.len()).unwrap_or(i64::MAX);
            (will_send, Some(list(&members.getting)), Some(list(&members.left_out)))
        }
        None => (
            recipients::queries::count(db, scope, filter).await?.will_send,
            None,
            None,
        ),
    };
    let mut tx = db.begin().await?;
    on_tx!(&mut tx, |conn| sqlx::query(
        "insert into audience_snapshots (store_id, token, will_send, getting, left_out, shown_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (store_id, token) do update
            set will_send = excluded.will_send, getting = excluded.getting, left_out = excluded.left_out,
                shown_at = excluded.shown_at"
    )
    .bind(scope.store)
    .bind(token)
    .bind(will_send)
    .bind(&getting)
    .bind(&left_out)
    .bind(scope.now)
    .execute(&mut *conn)
    .await
    .map(|_| ()))?;
    tx.commit().await
}

/// What was shown under one token counts for a send under another, unless something was shown for
/// that: a planned campaign that somebody sends by hand.
pub async fn carry_over(db: &Db, store: StoreId, from: &str, to: &str) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    on_tx!(&mut tx, |conn| sqlx::query(
        "insert into audience_snapshots (store_id, token, will_send, getting, left_out, shown_at)
         select store_id, $3, will_send, getting, left_out, shown_at from audience_snapshots
          where store_id = $1 and token = $2
         on conflict do nothing"
    )
    .bind(store)
    .bind(from)
    .bind(to)
    .execute(&mut *conn)
    .await
    .map(|_| ()))?;
    tx.commit().await
}

/// What was shown before a send.
pub async fn before(db: &Db, store: StoreId, send: i64) -> sqlx::Result<Option<AudienceSnapshot>> {
    on_db!(db, |pool| sqlx::query_as(
        "select a.will_send, a.getting, a.left_out, a.shown_at
           from sends s join audience_snapshots a on a.store_id = s.store_id and a.token = s.token
          where s.store_id = $1 and s.id = $2"
    )
    .bind(store)
    .bind(send)
    .fetch_optional(pool)
    .await)
}

/// How many were shown under a token.
pub async fn number(db: &Db, store: StoreId, token: &str) -> sqlx::Result<Option<i64>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select will_send from audience_snapshots where store_id = $1 and token = $2"
    )
    .bind(store)
    .bind(token)
    .fetch_optional(pool)
    .await)
}

/// Forgets what nobody will ask for any more. Answers how many.
pub async fn forget_old(db: &Db, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let mut tx = db.begin().await?;
    let forgotten = on_tx!(&mut tx, |conn| sqlx::query(
        "delete from audience_snapshots where shown_at < $1"
    )
    .bind(now - KEPT)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected()))?;
    tx.commit().await?;
    Ok(forgotten)
}
