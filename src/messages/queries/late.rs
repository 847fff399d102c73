//! Definite answers that found their message taken over: what recovery had to call `unconfirmed` is known
//! after all.

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;

use super::{
    locks::lock_sends,
    settle::{SETTLED, remember_bounces},
};
use crate::{
    db::{
        Db, Tx,
        dialect::{json_rows, not_looked_up},
    },
    on_db, on_tx,
};

/// Which definite answers their messages do not show.
pub async fn unsettled(db: &Db, outcomes: &str) -> sqlx::Result<Vec<i64>> {
    let sql = format!(
        "select t.id from {rows} as t
          where t.state in ('accepted', 'rejected')
            and not exists (select 1 from messages m where m.id = t.id and m.epoch = t.epoch and {state} = t.state)",
        rows = json_rows(db.backend(), "$1", &SETTLED),
        state = not_looked_up(db.backend(), "m.state"),
    );
    on_db!(db, |pool| sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(outcomes)
        .fetch_all(pool)
        .await)
}

/// A definite answer also settles what recovery had to call `unconfirmed` meanwhile, if nobody has
/// touched it since.
/// Answers the sends and messages that were written.
pub async fn settle_late(tx: &mut Tx, outcomes: &str, now: DateTime<Utc>) -> sqlx::Result<Vec<(i64, i64)>> {
    lock_sends(tx, outcomes, "for update").await?;
    let rows = json_rows(tx.backend(), "$1", &SETTLED);
    let sql = format!(
        "update messages set state = t.state, reply_code = t.code, reply = t.reply, settled_at = $2
           from {rows} as t
          where messages.id = t.id and messages.epoch = t.epoch and messages.state = 'unconfirmed'
            and (t.state = 'accepted' or (t.state = 'rejected' and messages.idempotent_retries = 0))
          returning messages.send_id, messages.id"
    );
    let settled: Vec<(i64, i64)> = on_tx!(tx, |conn| sqlx::query_as(AssertSqlSafe(sql))
        .bind(outcomes)
        .bind(now)
        .fetch_all(&mut *conn)
        .await)?;
    remember_bounces(tx, outcomes, now).await?;
    Ok(settled)
}
