//! The people of a send, a page at a time.
//!
//! A send may have a million of them. Who is on a page is found from the index of states alone,
//! state by state; only those are then read.

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
const WAITING: &[&str] = &["queued", "leased", "attempting"];

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

/// A stretch of the list: people in these states, by when they were written down.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    states: &'static [&'static str],
    newest_first: bool,
    people: i64,
}

/// The list from top to bottom.
fn stretches(show: &str, tally: &Tally) -> Vec<Stretch> {
    let newest = |states, people| Stretch {
        states,
        newest_first: true,
        people,
    };
    let oldest = |states, people| Stretch {
        states,
        newest_first: false,
        people,
    };
    match show {
        "sent" => vec![newest(&["accepted"], tally.sent)],
        "failed" => vec![newest(&["rejected", "failed"], tally.failed)],
        "unconfirmed" => vec![newest(&["unknown"], tally.unconfirmed)],
        "waiting" => vec![oldest(WAITING, tally.waiting)],
        "skipped" => vec![oldest(&["skipped"], tally.skipped)],
        _ => vec![
            newest(SETTLED, tally.settled()),
            oldest(WAITING, tally.waiting),
            oldest(&["skipped"], tally.skipped),
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
            ids.extend(ids_of(db, send, stretch, skip, left.min(stretch.people - skip)).await?);
        }
        skip = (skip - stretch.people).max(0);
    }
    Ok((people(db, store, send, &ids).await?, total))
}

/// The newest outcomes of a send, for the live table.
pub async fn newest(db: &Db, store: StoreId, send: i64) -> sqlx::Result<Vec<RecipientRow>> {
    let settled = Stretch {
        states: SETTLED,
        newest_first: true,
        people: NEWEST,
    };
    let ids = ids_of(db, send, settled, 0, NEWEST).await?;
    people(db, store, send, &ids).await
}

/// The numbers of the messages in a part of a stretch. Each state is read in the order of the index
/// and no further than needed.
async fn ids_of(db: &Db, send: i64, stretch: Stretch, skip: i64, limit: i64) -> sqlx::Result<Vec<i64>> {
    let order = if stretch.newest_first { "desc" } else { "asc" };
    let states: Vec<String> = stretch
        .states
        .iter()
        .map(|state| {
            format!(
                "select id from (select id from messages where send_id = $1 and state = '{state}'
                  order by id {order} limit $2) as {state}"
            )
        })
        .collect();
    let sql = format!(
        "select id from ({}) as people order by id {order} limit $3 offset $4",
        states.join(" union all ")
    );
    on_db!(db, |pool| sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(send)
        .bind(skip.saturating_add(limit))
        .bind(limit)
        .bind(skip)
        .fetch_all(pool)
        .await)
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
