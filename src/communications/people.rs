//! The people of a send, a page at a time.
//!
//! A send may have a million of them. Who is on a page is found from indexes alone, outcome by outcome;
//! only those are then read.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;

use super::{
    model::{MessageState, Resolution, Tally},
    store::{PAGE, why},
};
use crate::{
    auth::model::StoreId,
    db::{Db, dialect::json_ids},
    on_db,
};

/// Newest outcomes that the live table shows.
const NEWEST: i64 = 20;

const SETTLED: &[&str] = &["accepted", "rejected", "failed", "unknown"];

/// One person of a send.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct RecipientRow {
    pub message_id: i64,
    pub customer_id: i64,
    pub name: String,
    pub address: Option<String>,
    pub state: MessageState,
    pub resolution: Option<Resolution>,
    pub skip_reason: Option<String>,
    pub reply_code: Option<i64>,
    pub reply: Option<String>,
    pub next_at: Option<DateTime<Utc>>,
    pub settled_at: Option<DateTime<Utc>>,
}

impl RecipientRow {
    /// Why they were skipped, refused, or have to wait.
    pub fn why(&self) -> String {
        why(
            self.state,
            self.resolution,
            self.skip_reason.as_deref(),
            self.reply.as_deref(),
        )
    }
}

const PERSON: &str = "select id as message_id, customer_id, name, address, state, resolution, skip_reason, reply_code, \
                      reply, next_at, settled_at from messages";

/// A stretch of the list.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    who: Who,
    people: i64,
}

#[derive(Clone, Copy, Debug)]
enum Who {
    /// Whoever has one of these outcomes, the newest first.
    Settled(&'static [&'static str]),
    /// Whoever is on the wire, then whoever waits for a turn, the next first.
    Waiting,
    /// In the order they were written down.
    Skipped,
}

/// The list from top to bottom.
fn stretches(show: &str, tally: &Tally) -> Vec<Stretch> {
    let stretch = |who, people| Stretch { who, people };
    match show {
        "sent" => vec![stretch(Who::Settled(&["accepted"]), tally.sent)],
        "failed" => vec![stretch(Who::Settled(&["rejected", "failed"]), tally.failed)],
        "unconfirmed" => vec![stretch(Who::Settled(&["unknown"]), tally.unconfirmed)],
        "waiting" => vec![stretch(Who::Waiting, tally.waiting)],
        "skipped" => vec![stretch(Who::Skipped, tally.skipped)],
        _ => vec![
            stretch(Who::Settled(SETTLED), tally.settled()),
            stretch(Who::Waiting, tally.waiting),
            stretch(Who::Skipped, tally.skipped),
        ],
    }
}

/// One page of a send's people: newest outcome first, then who waits, then who was skipped. `show`
/// is one of `sent`, `failed`, `skipped`, `waiting`, `unconfirmed`; anything else shows all. Pages
/// count from 1. Also answers how many there are.
pub async fn page(
    db: &Db,
    store: StoreId,
    send: i64,
    tally: &Tally,
    show: &str,
    page: i64,
) -> sqlx::Result<(Vec<RecipientRow>, i64)> {
    let stretches = stretches(show, tally);
    let total = stretches.iter().map(|stretch| stretch.people).sum();
    let mut skip = (page.max(1) - 1).saturating_mul(PAGE);
    let mut ids = Vec::new();
    for stretch in stretches {
        let left = PAGE - i64::try_from(ids.len()).unwrap_or(PAGE);
        if left <= 0 {
            break;
        }
        if skip < stretch.people {
            ids.extend(ids_of(db, send, stretch.who, skip, left.min(stretch.people - skip)).await?);
        }
        skip = (skip - stretch.people).max(0);
    }
    Ok((people(db, store, send, &ids).await?, total))
}

/// The newest outcomes of a send, for the live table.
pub async fn newest(db: &Db, store: StoreId, send: i64) -> sqlx::Result<Vec<RecipientRow>> {
    let ids = ids_of(db, send, Who::Settled(SETTLED), 0, NEWEST).await?;
    people(db, store, send, &ids).await
}

/// The numbers of the messages in a part of a stretch. Each index is read in its own order and no
/// further than needed.
async fn ids_of(db: &Db, send: i64, who: Who, skip: i64, limit: i64) -> sqlx::Result<Vec<i64>> {
    let sql = match who {
        Who::Settled(outcomes) => settled_people(outcomes, "desc"),
        Who::Skipped => settled_people(&["skipped"], "asc"),
        Who::Waiting => "select id from (
                select 0 as place, at, id from
                    (select lease_until as at, id from messages where +send_id = $1 and lease_until is not null
                      order by lease_until, id limit $2) on_the_wire
                  union all
                select 1 as place, at, id from
                    (select next_at as at, id from messages where send_id = $1 and next_at is not null
                      order by next_at, id limit $2) queued
             ) waiting order by place, at, id limit $3 offset $4"
            .to_owned(),
    };
    on_db!(db, |pool| sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(send)
        .bind(skip.saturating_add(limit))
        .bind(limit)
        .bind(skip)
        .fetch_all(pool)
        .await)
}

fn settled_people(outcomes: &[&str], order: &str) -> String {
    let of_each: Vec<String> = outcomes
        .iter()
        .map(|outcome| {
            format!(
                "select id from (select id from messages
                  where send_id = $1 and outcome = '{outcome}' and settled_at is not null
                  order by id {order} limit $2) as {outcome}"
            )
        })
        .collect();
    format!(
        "select id from ({}) as people order by id {order} limit $3 offset $4",
        of_each.join(" union all ")
    )
}

/// These people, in this order.
async fn people(db: &Db, store: StoreId, send: i64, ids: &[i64]) -> sqlx::Result<Vec<RecipientRow>> {
    let sql = format!(
        "{PERSON} where store_id = $1 and send_id = $2 and id in (select value from {} as list)",
        json_ids(db.backend(), "$3")
    );
    let mut rows: Vec<RecipientRow> = on_db!(db, |pool| sqlx::query_as(AssertSqlSafe(sql))
        .bind(store)
        .bind(send)
        .bind(serde_json::Value::from(ids).to_string())
        .fetch_all(pool)
        .await)?;
    let place: HashMap<i64, usize> = ids.iter().enumerate().map(|(n, id)| (*id, n)).collect();
    rows.sort_by_key(|row| place.get(&row.message_id).copied());
    Ok(rows)
}

/// People of a send by the order they were written down in, after one of them: for a file of all.
pub async fn after_one(db: &Db, store: StoreId, send: i64, after: i64, limit: i64) -> sqlx::Result<Vec<RecipientRow>> {
    let sql = format!(
        "{PERSON} where store_id = $1 and send_id = $2 and id > $3 and state <> 'cancelled' order by id limit $4"
    );
    on_db!(db, |pool| sqlx::query_as(AssertSqlSafe(sql))
        .bind(store)
        .bind(send)
        .bind(after)
        .bind(limit)
        .fetch_all(pool)
        .await)
}
