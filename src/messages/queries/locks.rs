//! Locks on the sends that messages belong to.

use sqlx::AssertSqlSafe;

use crate::{
    db::{
        Tx,
        dialect::{json_rows, row_lock},
    },
    messages::queries::settle::SETTLED,
    on_tx,
};

/// Keeps the sends of these messages from ending while outcomes are written, so that nothing is
/// put back into a queue that nobody reads any more.
pub async fn hold_sends(tx: &mut Tx, outcomes: &str) -> sqlx::Result<()> {
    lock_sends(tx, outcomes, "for share").await.map(|_| ())
}

/// What follows a send comes before it, as it does for whoever ends what follows.
pub(crate) async fn lock_sends(tx: &mut Tx, outcomes: &str, how: &'static str) -> sqlx::Result<Vec<i64>> {
    let sql = format!(
        "select s.id from sends s
          where s.id in (select m.send_id from messages m join {rows} as t on t.id = m.id) order by s.id desc {lock}",
        rows = json_rows(tx.backend(), "$1", &SETTLED),
        lock = row_lock(tx.backend(), how),
    );
    on_tx!(tx, |conn| sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(outcomes)
        .fetch_all(&mut *conn)
        .await)
}

/// Makes a first send this transaction's: until its end nobody else lets another follow it, or
/// makes it into a campaign.
pub(crate) async fn lock_send(tx: &mut Tx, first: i64) -> sqlx::Result<()> {
    let sql = format!(
        "select id from sends where id = $1 {}",
        row_lock(tx.backend(), "for update")
    );
    on_tx!(tx, |conn| sqlx::query(AssertSqlSafe(sql))
        .bind(first)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}
