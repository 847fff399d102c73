//! How many of a send have which outcome.
//!
//! The rows say so; counting a million of them takes a while, so the database keeps their number.
//! It does that itself, by triggers, in the transaction of each change and whatever makes it. Only
//! what a send begins with is written down here.

use sqlx::AssertSqlSafe;

use super::model::{MessageState, Tally};
use crate::{
    db::{Db, Tx, dialect::json_ids},
    ids::StoreId,
    on_db, on_tx,
    sends::model::SendState,
};

/// What a send begins with: its people, how many of them are skipped, and how many of those because
/// an earlier go has reached them.
pub(crate) async fn begin(tx: &mut Tx, send: i64, people: i64, skipped: i64, already: i64) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "update sends set people = people + $2, already = already + $3 where id = $1"
    )
    .bind(send)
    .bind(people)
    .bind(already)
    .execute(&mut *conn)
    .await
    .map(|_| ()))?;
    if skipped == 0 {
        return Ok(());
    }
    on_tx!(tx, |conn| sqlx::query(
        "insert into send_tallies (send_id, outcome, writer, people) values ($1, 'skipped', 0, $2)
         on conflict (send_id, outcome, writer) do update set people = send_tallies.people + excluded.people"
    )
    .bind(send)
    .bind(skipped)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}

/// Counts the rows of a send that came otherwise than by [`begin`].
pub async fn count(tx: &mut Tx, send: i64) -> sqlx::Result<()> {
    for sql in [
        "delete from send_tallies where send_id = $1",
        "insert into send_tallies (send_id, outcome, writer, people)
         select send_id, outcome, 0, count(*) from messages where send_id = $1 and outcome is not null
          group by send_id, outcome",
        "update sends set people = (select count(*) from messages where send_id = $1),
                already = (select count(*) from messages where send_id = $1 and skip_reason = 'already_received')
          where id = $1",
    ] {
        on_tx!(tx, |conn| sqlx::query(sql)
            .bind(send)
            .execute(&mut *conn)
            .await
            .map(|_| ()))?;
    }
    Ok(())
}

#[derive(Clone, Debug, sqlx::FromRow)]
struct Count {
    send_id: i64,
    /// Nothing: everybody of the send.
    outcome: Option<MessageState>,
    people: i64,
    already: i64,
}

/// Everybody, and everybody with an outcome, of the sends that fulfil a condition on `s`.
fn counts_where(condition: &str) -> String {
    format!(
        "select s.id as send_id, null as outcome, s.people, s.already from sends s where {condition}
          union all
         select t.send_id, t.outcome, cast(sum(t.people) as bigint), 0 from send_tallies t
          where t.send_id in (select s.id from sends s where {condition}) group by t.send_id, t.outcome"
    )
}

fn added(counts: impl IntoIterator<Item = Count>) -> Tally {
    let mut tally = Tally::default();
    for Count {
        outcome,
        people,
        already,
        ..
    } in counts
    {
        let Some(outcome) = outcome else {
            tally.waiting += people;
            tally.already += already;
            tally.skipped -= already;
            continue;
        };
        let slot = match outcome {
            // No outcomes.
            MessageState::Queued | MessageState::Leased | MessageState::Attempting => continue,
            MessageState::Accepted => &mut tally.sent,
            MessageState::Rejected | MessageState::Failed => &mut tally.failed,
            MessageState::Unconfirmed => &mut tally.unconfirmed,
            MessageState::Skipped => &mut tally.skipped,
            MessageState::Cancelled => &mut tally.cancelled,
        };
        *slot += people;
        tally.waiting -= people;
    }
    tally
}

/// The numbers of a send.
pub async fn of_send(db: &Db, store: StoreId, send: i64) -> sqlx::Result<Tally> {
    let sql = counts_where("s.id = $2 and s.store_id = $1");
    let counts: Vec<Count> = on_db!(db, |pool| sqlx::query_as(AssertSqlSafe(sql))
        .bind(store)
        .bind(send)
        .fetch_all(pool)
        .await)?;
    Ok(added(counts))
}

/// The numbers of a send within a transaction.
pub async fn of_send_in(tx: &mut Tx, send: i64) -> sqlx::Result<Tally> {
    let sql = counts_where("s.id = $1");
    let counts: Vec<Count> = on_tx!(tx, |conn| sqlx::query_as(AssertSqlSafe(sql))
        .bind(send)
        .fetch_all(&mut *conn)
        .await)?;
    Ok(added(counts))
}

/// The numbers of these sends of a store, by send.
pub async fn of_sends(db: &Db, store: StoreId, sends: &[i64]) -> sqlx::Result<Vec<(i64, Tally)>> {
    if sends.is_empty() {
        return Ok(Vec::new());
    }
    let sql = counts_where(&format!("s.store_id = $1 and s.id in {}", json_ids(db.backend(), "$2")));
    let json = serde_json::to_string(sends).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let mut counts: Vec<Count> = on_db!(db, |pool| sqlx::query_as(AssertSqlSafe(sql))
        .bind(store)
        .bind(json)
        .fetch_all(pool)
        .await)?;
    counts.sort_by_key(|count| count.send_id);
    Ok(counts
        .chunk_by(|one, next| one.send_id == next.send_id)
        .filter_map(|of_one| Some((of_one.first()?.send_id, added(of_one.iter().cloned()))))
        .collect())
}

/// The sends of these campaigns: send, campaign, and where it is; oldest first.
pub(crate) async fn sends_of(db: &Db, store: StoreId, campaigns: &[i64]) -> sqlx::Result<Vec<(i64, i64, SendState)>> {
    let sql = format!(
        "select id, campaign_id, state from sends
          where store_id = $1 and campaign_id in (select value from {} as list) order by id",
        json_ids(db.backend(), "$2")
    );
    on_db!(db, |pool| sqlx::query_as(AssertSqlSafe(sql))
        .bind(store)
        .bind(serde_json::Value::from(campaigns).to_string())
        .fetch_all(pool)
        .await)
}

/// Sends whose kept numbers are not those of their rows: none, or somebody has written to the
/// database with its triggers off. Reads every message.
pub async fn drifted(db: &Db) -> sqlx::Result<Vec<i64>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "with counted as (select send_id, '' as outcome, count(*) as people from messages group by send_id
                           union all
                          select send_id, outcome, count(*) from messages where outcome is not null
                           group by send_id, outcome
                           union all
                          select send_id, 'already', count(*) from messages where skip_reason = 'already_received'
                           group by send_id),
              kept as (select id as send_id, '' as outcome, people from sends where people <> 0
                        union all
                       select id, 'already', already from sends where already <> 0
                        union all
                       select send_id, outcome, cast(sum(people) as bigint) from send_tallies
                        group by send_id, outcome having sum(people) <> 0)
         select distinct coalesce(c.send_id, k.send_id) as send_id
           from counted c full join kept k on k.send_id = c.send_id and k.outcome = c.outcome
          where c.people is null or k.people is null or c.people <> k.people order by 1"
    )
    .fetch_all(pool)
    .await)
}
