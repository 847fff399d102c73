//! What came of messages, written down: fenced by epoch and state, in one trip with the marks of those
//! that follow where it can be.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::AssertSqlSafe;

use super::leases::{TOKEN_COLUMNS, marking};
use crate::{
    db::{
        Backend, Bound, Db, Tx,
        dialect::{Column, json_rows, not_looked_up},
    },
    on_db, on_tx,
};

/// What is known of one message after an attempt, as it is written down.
#[derive(Clone, Debug, Serialize)]
pub struct Settled {
    pub id: i64,
    pub epoch: i64,
    /// The new state's key.
    pub state: &'static str,
    pub code: Option<i64>,
    pub reply: Option<String>,
    /// For what goes back to the queue: a moment as [`crate::db::dialect::moment_text`] writes it.
    pub next_at: Option<String>,
    /// 1 takes the attempt back: nothing of it went out.
    pub refund: i64,
}

pub(crate) const SETTLED: [(&str, Column); 7] = [
    ("id", Column::Number),
    ("epoch", Column::Number),
    ("state", Column::Text),
    ("code", Column::Number),
    ("reply", Column::Text),
    ("next_at", Column::Moment),
    ("refund", Column::Number),
];

const ACCEPTED: [(&str, Column); 3] = [TOKEN_COLUMNS[0], TOKEN_COLUMNS[1], ("reply", Column::Text)];

/// Writes outcomes down, fenced by epoch and state. What would go back to the queue of a send that
/// has ended is cancelled. What may have gone out before is accepted, or unconfirmed again: that this copy
/// was not taken says nothing of the first. Answers how many were written.
pub async fn settle(tx: &mut Tx, outcomes: &str, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let sql = settling(tx.backend());
    on_tx!(tx, |conn| sqlx::query(AssertSqlSafe(sql))
        .bind(outcomes)
        .bind(now)
        .execute(&mut *conn)
        .await
        .map(|r| r.rows_affected()))
}

fn settling(backend: Backend) -> String {
    format!(
        "update messages
            set state = case when {again} then 'queued'
                             when messages.idempotent_retries > 0 and t.state <> 'accepted' then 'unconfirmed'
                             when t.state = 'queued' then 'cancelled' else t.state end,
                reply_code = t.code, reply = t.reply,
                next_at = case when {again} then t.next_at end,
                attempts = attempts - case when messages.state = 'leased' then 0 else t.refund end,
                settled_at = case when {again} then null else $2 end,
                lease_owner = null, lease_until = null
           from {rows} as t
          where messages.id = t.id and messages.epoch = t.epoch and {state} in ('leased', 'attempting')",
        rows = json_rows(backend, "$1", &SETTLED),
        state = not_looked_up(backend, "messages.state"),
        again = "t.state = 'queued' and exists (select 1 from sends s where s.id = messages.send_id and s.state = 'sending')",
    )
}

/// The same for messages that were all accepted.
fn accepting(backend: Backend) -> String {
    format!(
        "update messages
            set state = 'accepted', reply = t.reply, reply_code = null, next_at = null, settled_at = $2,
                lease_owner = null, lease_until = null
           from {rows} as t
          where messages.id = t.id and messages.epoch = t.epoch and {state} in ('leased', 'attempting')",
        rows = json_rows(backend, "$1", &ACCEPTED),
        state = not_looked_up(backend, "messages.state"),
    )
}

/// [`settle`], [`remember_bounces`] and [`mark_attempting`](super::leases::mark_attempting) in one transaction and one trip, when
/// nothing goes back to the queue: that has to keep its send from ending first. `settled` is
/// `outcomes` as text. Answers how many messages were settled and how many marked.
pub async fn settle_and_mark(
    db: &Db,
    outcomes: &[Settled],
    settled: &str,
    tokens: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<[u64; 2]> {
    let backend = db.backend();
    let all_accepted = outcomes.iter().all(|outcome| outcome.state == "accepted");
    let mut changes = vec![if all_accepted {
        accepting(backend)
    } else {
        settling(backend)
    }];
    if outcomes.iter().any(|outcome| outcome.state == "rejected") {
        changes.push(bouncing(backend));
    }
    changes.push(marking(backend, "$3", "$2"));
    let bound = Bound {
        one: settled,
        now,
        other: tokens,
    };
    match db.execute_batch(&changes, bound).await?[..] {
        [settled, .., marked] => Ok([settled, marked]),
        _ => Ok([0, 0]),
    }
}

/// Whether a message of a send was accepted since then.
pub async fn accepted_since(db: &Db, send: i64, since: DateTime<Utc>) -> sqlx::Result<bool> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select exists (select 1 from messages where send_id = $1 and outcome = 'accepted' and settled_at >= $2)"
    )
    .bind(send)
    .bind(since)
    .fetch_one(pool)
    .await)
}

/// A bounced or refused address is remembered, whoever has it: the picker leaves them out from now
/// on. Only what the mail server says of the address itself (RFC 3463: 5.1.1, 5.1.2, 5.1.3,
/// 5.1.6, 5.1.10).
pub async fn remember_bounces(tx: &mut Tx, outcomes: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    let sql = bouncing(tx.backend());
    on_tx!(tx, |conn| sqlx::query(AssertSqlSafe(sql))
        .bind(outcomes)
        .bind(now)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}

fn bouncing(backend: Backend) -> String {
    format!(
        "insert into suppressions (store_id, channel, address, bounced_at, bounce_reason)
         select m.store_id, m.channel, m.addr_norm, $2, min(t.reply) from {rows} as t join messages m on m.id = t.id
          where t.state = 'rejected' and t.reply is not null and m.addr_norm is not null
            and (t.reply like '5__ 5.1.1 %' or t.reply like '5__ 5.1.2 %' or t.reply like '5__ 5.1.3 %'
                 or t.reply like '5__ 5.1.6 %' or t.reply like '5__ 5.1.10 %')
          group by m.store_id, m.channel, m.addr_norm
         on conflict (store_id, channel, address) do update
            set bounced_at = excluded.bounced_at, bounce_reason = excluded.bounce_reason
          where suppressions.bounced_at is null",
        rows = json_rows(backend, "$1", &SETTLED),
    )
}
