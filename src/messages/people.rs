//! The people of a send, or of a campaign's goes, a page at a time.
//!
//! There may be a million of them. Who is on a page is found from indexes alone, outcome by outcome;
//! only those are then read. Of several goes everybody is listed once, with the best that came of it:
//! each row is compared with those of the same person as it is found.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;

use super::{
    goes::is_best,
    model::{MessageState, Resolution, Tally},
    timeline::why,
};
use crate::{
    bound,
    db::{Db, binds::Binds, dialect::json_ids},
    ids::StoreId,
    on_db,
};

/// Newest outcomes that the live table shows.
const NEWEST: i64 = 20;

const SETTLED: &[&str] = &["accepted", "rejected", "failed", "unconfirmed"];

/// One person of a send.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct RecipientRow {
    pub message_id: i64,
    pub send_id: i64,
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

const PERSON: &str = "select id as message_id, send_id, customer_id, name, address, state, resolution, skip_reason, reply_code, \
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
    /// Left out because an earlier go had reached them.
    Already,
}

/// A part of a list: from which place, and how many.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub skip: i64,
    pub limit: i64,
}

impl Part {
    /// A page of this length; pages count from 1.
    pub fn page(page: i64, length: i64) -> Self {
        Self {
            skip: (page.max(1) - 1).saturating_mul(length),
            limit: length,
        }
    }
}

/// The list from top to bottom.
fn stretches(show: &str, tally: &Tally) -> Vec<Stretch> {
    let stretch = |who, people| Stretch { who, people };
    match show {
        "sent" => vec![stretch(Who::Settled(&["accepted"]), tally.sent)],
        "failed" => vec![stretch(Who::Settled(&["rejected", "failed"]), tally.failed)],
        "unconfirmed" => vec![stretch(Who::Settled(&["unconfirmed"]), tally.unconfirmed)],
        "waiting" => vec![stretch(Who::Waiting, tally.waiting)],
        "skipped" => vec![stretch(Who::Skipped, tally.skipped)],
        "already" => vec![stretch(Who::Already, tally.already)],
        _ => vec![
            stretch(Who::Settled(SETTLED), tally.settled()),
            stretch(Who::Waiting, tally.waiting),
            stretch(Who::Skipped, tally.skipped),
            stretch(Who::Already, tally.already),
        ],
    }
}

/// A part of the people of these sends (those of one campaign, oldest first): newest outcome first,
/// then who waits, then who was left out. `show` is one of `sent`, `failed`, `skipped`, `already`,
/// `waiting`, `unconfirmed`; anything else shows all. `tally` has their numbers. Also answers how many
/// there are.
pub async fn page(
    db: &Db,
    store: StoreId,
    sends: &[i64],
    tally: &Tally,
    show: &str,
    part: Part,
) -> sqlx::Result<(Vec<RecipientRow>, i64)> {
    let stretches = stretches(show, tally);
    let total = stretches.iter().map(|stretch| stretch.people).sum();
    let mut skip = part.skip;
    let mut ids = Vec::new();
    for stretch in stretches {
        let left = part.limit - i64::try_from(ids.len()).unwrap_or(part.limit);
        if left <= 0 {
            break;
        }
        if skip < stretch.people {
            let limit = left.min(stretch.people - skip);
            ids.extend(ids_of(db, sends, stretch.who, Part { skip, limit }).await?);
        }
        skip = (skip - stretch.people).max(0);
    }
    Ok((people(db, store, sends, &ids).await?, total))
}

/// The newest outcomes of a send, for the live table.
pub async fn newest(db: &Db, store: StoreId, send: i64) -> sqlx::Result<Vec<RecipientRow>> {
    let part = Part { skip: 0, limit: NEWEST };
    let ids = ids_of(db, &[send], Who::Settled(SETTLED), part).await?;
    people(db, store, &[send], &ids).await
}

/// The numbers of the messages in a part of a stretch. Each index is read in its own order and no
/// further than needed.
async fn ids_of(db: &Db, sends: &[i64], who: Who, part: Part) -> sqlx::Result<Vec<i64>> {
    let mut binds = Binds::default();
    let sends: Vec<String> = sends.iter().map(|send| binds.add(*send)).collect();
    let ahead = binds.add(part.skip.saturating_add(part.limit));
    let (limit, skip) = (binds.add(part.limit), binds.add(part.skip));
    let (of_each, order) = match who {
        Who::Settled(outcomes) => (settled(&sends, outcomes, "", "desc", &ahead), "id desc"),
        Who::Skipped => (settled(&sends, &["skipped"], NOT_ALREADY, "asc", &ahead), "id"),
        Who::Already => (settled(&sends, &["skipped"], ALREADY, "asc", &ahead), "id"),
        Who::Waiting => (waiting(&sends, &ahead), "place, at, id"),
    };
    let sql = format!(
        "select id from ({}) as people order by {order} limit {limit} offset {skip}",
        of_each.join(" union all ")
    );
    on_db!(db, |pool| bound!(sqlx::query_scalar(AssertSqlSafe(sql)), binds)
        .fetch_all(pool)
        .await)
}

const ALREADY: &str = "and m.skip_reason = 'already_received'";
const NOT_ALREADY: &str = "and m.skip_reason <> 'already_received'";

/// The first of each outcome of each send.
fn settled(sends: &[String], outcomes: &[&str], which: &str, order: &str, ahead: &str) -> Vec<String> {
    let best = is_best(sends);
    let mut of_each = Vec::new();
    for (n, send) in sends.iter().enumerate() {
        of_each.extend(outcomes.iter().map(|outcome| {
            format!(
                "select id from (select m.id from messages m
                  where m.send_id = {send} and m.outcome = '{outcome}' and m.settled_at is not null {which} {best}
                  order by m.id {order} limit {ahead}) as {outcome}_{n}"
            )
        }));
    }
    of_each
}

/// The first of each send who are on the wire, and who wait for a turn.
fn waiting(sends: &[String], ahead: &str) -> Vec<String> {
    let best = is_best(sends);
    let mut of_each = Vec::new();
    for (n, send) in sends.iter().enumerate() {
        of_each.push(format!(
            "select 0 as place, at, id from
                (select m.lease_until as at, m.id from messages m
                  where +m.send_id = {send} and m.lease_until is not null {best}
                  order by m.lease_until, m.id limit {ahead}) on_the_wire_{n}"
        ));
        of_each.push(format!(
            "select 1 as place, at, id from
                (select m.next_at as at, m.id from messages m
                  where m.send_id = {send} and m.next_at is not null {best}
                  order by m.next_at, m.id limit {ahead}) queued_{n}"
        ));
    }
    of_each
}

/// These people, in this order.
async fn people(db: &Db, store: StoreId, sends: &[i64], ids: &[i64]) -> sqlx::Result<Vec<RecipientRow>> {
    let sql = format!(
        "{PERSON} where store_id = $1 and send_id in (select value from {} as sends)
            and id in (select value from {} as list)",
        json_ids(db.backend(), "$2"),
        json_ids(db.backend(), "$3")
    );
    let mut rows: Vec<RecipientRow> = on_db!(db, |pool| sqlx::query_as(AssertSqlSafe(sql))
        .bind(store)
        .bind(serde_json::Value::from(sends).to_string())
        .bind(serde_json::Value::from(ids).to_string())
        .fetch_all(pool)
        .await)?;
    let place: HashMap<i64, usize> = ids.iter().enumerate().map(|(n, id)| (*id, n)).collect();
    rows.sort_by_key(|row| place.get(&row.message_id).copied());
    Ok(rows)
}

/// People of these sends by the order they were written down in, after one of them: for a file of
/// all. The rows of a later go are behind those of all earlier ones, so each is read to its end in turn.
pub async fn after_one(
    db: &Db,
    store: StoreId,
    sends: &[i64],
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<RecipientRow>> {
    let mut rows: Vec<RecipientRow> = Vec::new();
    for send in sends {
        let left = limit - i64::try_from(rows.len()).unwrap_or(limit);
        if left <= 0 {
            break;
        }
        rows.extend(of_one_after(db, store, sends, *send, after, left).await?);
    }
    Ok(rows)
}

async fn of_one_after(
    db: &Db,
    store: StoreId,
    sends: &[i64],
    send: i64,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<RecipientRow>> {
    let mut binds = Binds::default();
    let (store, send) = (binds.add(store.0), binds.add(send));
    let (after, limit) = (binds.add(after), binds.add(limit));
    let sends: Vec<String> = match sends {
        [_] => Vec::new(),
        several => several.iter().map(|send| binds.add(*send)).collect(),
    };
    let sql = format!(
        "{PERSON} m where m.store_id = {store} and m.send_id = {send} and m.id > {after} and m.state <> 'cancelled' {}
          order by m.id limit {limit}",
        is_best(&sends)
    );
    on_db!(db, |pool| bound!(sqlx::query_as(AssertSqlSafe(sql)), binds)
        .fetch_all(pool)
        .await)
}
