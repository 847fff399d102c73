//! Campaigns that are due, and heartbeats, in the database.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::heartbeat::State;
use crate::{
    db::{Db, Tx},
    ids::StoreId,
    on_db, on_tx,
};

/// A campaign whose time has come.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Due {
    pub id: i64,
    pub store_id: StoreId,
    pub name: String,
    pub scheduled_at: DateTime<Utc>,
    /// Who planned it.
    pub updated_by: String,
    pub skip_already: bool,
    pub shown_count: Option<i64>,
}

/// Why a campaign stays `scheduled` past its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub(crate) enum Hold {
    /// Later than the store lets it go by itself.
    Missed,
    /// Its message or its audience is not fit to go.
    Refused,
}

/// Campaigns of every store that are due and not held, the longest waiting first.
pub(crate) async fn due(db: &Db, now: DateTime<Utc>, limit: i64) -> sqlx::Result<Vec<Due>> {
    on_db!(db, |pool| sqlx::query_as(
        "select id, store_id, name, scheduled_at, updated_by, skip_already, shown_count from campaigns
          where status = 'scheduled' and hold is null and scheduled_at <= $1
          order by scheduled_at, id limit $2"
    )
    .bind(now)
    .bind(limit)
    .fetch_all(pool)
    .await)
}

/// One campaign that is planned and not held.
pub(crate) async fn one_due(db: &Db, campaign: i64) -> sqlx::Result<Option<Due>> {
    on_db!(db, |pool| sqlx::query_as(
        "select id, store_id, name, scheduled_at, updated_by, skip_already, shown_count from campaigns
          where id = $1 and status = 'scheduled' and hold is null and scheduled_at is not null"
    )
    .bind(campaign)
    .fetch_optional(pool)
    .await)
}

/// When the next campaign is due that is not yet.
pub(crate) async fn next_due(db: &Db, now: DateTime<Utc>) -> sqlx::Result<Option<DateTime<Utc>>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select min(scheduled_at) from campaigns where status = 'scheduled' and hold is null and scheduled_at > $1"
    )
    .bind(now)
    .fetch_one(pool)
    .await)
}

/// Holds a campaign back; false when it is not due for that moment any more.
pub(crate) async fn hold(tx: &mut Tx, due: &Due, hold: Hold, words: &str) -> sqlx::Result<bool> {
    let changed = on_tx!(tx, |conn| sqlx::query(
        "update campaigns set hold = $4, problem = $5
          where store_id = $1 and id = $2 and status = 'scheduled' and scheduled_at = $3 and hold is null"
    )
    .bind(due.store_id)
    .bind(due.id)
    .bind(due.scheduled_at)
    .bind(hold)
    .bind(words)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected()))?;
    Ok(changed == 1)
}

/// Holds back everything that is due already, on every store.
pub(crate) async fn hold_all_due(tx: &mut Tx, words: &str, now: DateTime<Utc>) -> sqlx::Result<u64> {
    on_tx!(tx, |conn| sqlx::query(
        "update campaigns set hold = $3, problem = $2
          where status = 'scheduled' and hold is null and scheduled_at <= $1"
    )
    .bind(now)
    .bind(words)
    .bind(Hold::Missed)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected()))
}

/// A planned campaign with the clock time somebody chose.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct ScheduledRow {
    pub id: i64,
    pub store_id: StoreId,
    pub name: String,
    pub scheduled_local: String,
    pub scheduled_zone: String,
    pub scheduled_at: DateTime<Utc>,
}

/// Everything planned with a clock time, of every store, after an id.
pub(crate) async fn scheduled(db: &Db, after: i64, limit: i64) -> sqlx::Result<Vec<ScheduledRow>> {
    on_db!(db, |pool| sqlx::query_as(
        "select id, store_id, name, scheduled_local, scheduled_zone, scheduled_at from campaigns
          where status = 'scheduled' and hold is null and scheduled_local is not null and scheduled_zone is not null
            and scheduled_at is not null and id > $1
          order by id limit $2"
    )
    .bind(after)
    .bind(limit)
    .fetch_all(pool)
    .await)
}

/// Moves a planned campaign to another moment; false when it was changed meanwhile.
pub(crate) async fn move_to(tx: &mut Tx, row: &ScheduledRow, at: DateTime<Utc>) -> sqlx::Result<bool> {
    let changed = on_tx!(tx, |conn| sqlx::query(
        "update campaigns set scheduled_at = $4, version = version + 1
          where store_id = $1 and id = $2 and status = 'scheduled' and scheduled_at = $3 and hold is null"
    )
    .bind(row.store_id)
    .bind(row.id)
    .bind(row.scheduled_at)
    .bind(at)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected()))?;
    Ok(changed == 1)
}

/// Writes down that a scheduler is alive.
pub(crate) async fn record_heartbeat(
    tx: &mut Tx,
    instance: &str,
    state: State,
    started_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "insert into scheduler_heartbeats (instance, state, started_at, beat_at) values ($1, $2, $3, $4)
         on conflict (instance) do update set state = excluded.state, beat_at = excluded.beat_at"
    )
    .bind(instance)
    .bind(state)
    .bind(started_at)
    .bind(now)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}

/// A scheduler's own last sign of life.
pub(crate) async fn last_heartbeat(tx: &mut Tx, instance: &str) -> sqlx::Result<Option<DateTime<Utc>>> {
    on_tx!(tx, |conn| sqlx::query_scalar(
        "select beat_at from scheduler_heartbeats where instance = $1"
    )
    .bind(instance)
    .fetch_optional(&mut *conn)
    .await)
}

/// Forgets a scheduler that stops, and those that fell silent before a moment.
pub(crate) async fn forget(tx: &mut Tx, instance: &str, silent_since: DateTime<Utc>) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "delete from scheduler_heartbeats where instance = $1 or beat_at < $2"
    )
    .bind(instance)
    .bind(silent_since)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}

/// What the schedulers that showed life between two moments were doing.
pub(crate) async fn alive(db: &Db, from: DateTime<Utc>, to: DateTime<Utc>) -> sqlx::Result<Vec<State>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select state from scheduler_heartbeats where beat_at >= $1 and beat_at <= $2 limit 100"
    )
    .bind(from)
    .bind(to)
    .fetch_all(pool)
    .await)
}

/// The newest sign of life of any scheduler.
pub(crate) async fn newest_heartbeat(db: &Db) -> sqlx::Result<Option<DateTime<Utc>>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select max(beat_at) from scheduler_heartbeats"
    )
    .fetch_one(pool)
    .await)
}

/// How many campaigns are due and not held, and since when the longest waits.
pub(crate) async fn waiting(db: &Db, now: DateTime<Utc>) -> sqlx::Result<(i64, Option<DateTime<Utc>>)> {
    on_db!(db, |pool| sqlx::query_as(
        "select count(*), min(scheduled_at) from campaigns
          where status = 'scheduled' and hold is null and scheduled_at <= $1"
    )
    .bind(now)
    .fetch_one(pool)
    .await)
}
