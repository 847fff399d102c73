//! Refusals that were everybody's, taken back.

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;

use super::leases::{LeaseToken, TOKEN_COLUMNS};
use crate::{
    db::{
        Tx,
        dialect::{json, json_rows, not_looked_up},
    },
    on_tx,
};

/// Puts messages that were refused back into the queue of a send that goes on, and the attempt does
/// not count. Only what is still as that attempt left it, and was never sent before: a refused
/// message was not taken, a first copy without an answer may have been. Answers how many.
pub async fn put_back(tx: &mut Tx, refused: &[LeaseToken], now: DateTime<Utc>) -> sqlx::Result<u64> {
    let rows = json(refused)?;
    super::locks::hold_sends(tx, &rows).await?;
    let sql = format!(
        "update messages set state = 'queued', next_at = $2, settled_at = null, reply_code = null, attempts = attempts - 1
           from {rows} as t
          where messages.id = t.id and messages.epoch = t.epoch and {state} = 'rejected'
            and messages.idempotent_retries = 0 and messages.reply_code between 500 and 599
            and (select s.state = 'sending' from sends s where s.id = messages.send_id)",
        rows = json_rows(tx.backend(), "$1", &TOKEN_COLUMNS),
        state = not_looked_up(tx.backend(), "messages.state"),
    );
    on_tx!(tx, |conn| sqlx::query(AssertSqlSafe(sql))
        .bind(rows.as_str())
        .bind(now)
        .execute(&mut *conn)
        .await
        .map(|r| r.rows_affected()))
}
