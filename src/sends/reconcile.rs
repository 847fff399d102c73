//! What was on the wire when a send ended: its outcome is on its row at once, like every other.
//! What follows from it, beyond the row, is written down here, when the last of them is known.
//!
//! Whoever writes outcomes has nothing to do with this: the send remembers that something is owed,
//! in the transaction that ends it, and whoever tidies up settles that, once.

use super::ending;
use crate::{
    db::{Db, Tx},
    failpoints::{Point, hit},
    on_db, on_tx,
};

/// Sends looked at in one go.
const BATCH: i64 = 100;

/// Brings the sends up to date that ended too early to know everything, as far as it is known by
/// now. Answers how many.
pub async fn reconcile_ended(db: &Db) -> sqlx::Result<u64> {
    let mut tied = 0;
    for send in answered(db).await? {
        hit(Point::BeforeReconcile);
        let mut tx = db.begin().await?;
        if take(&mut tx, send).await? {
            ending::count_anew(&mut tx, send).await?;
            // What comes back from the wire is cancelled: these people have no second copy.
            crate::messages::queries::reopen::reopen(&mut tx, send).await?;
            tied += 1;
            hit(Point::ReconcileWritten);
        }
        tx.commit().await?;
        hit(Point::AfterReconcile);
    }
    Ok(tied)
}

/// Sends that owe something, and nothing of them is on the wire any more.
async fn answered(db: &Db) -> sqlx::Result<Vec<i64>> {
    on_db!(db, |pool| {
        sqlx::query_scalar(
        "select id from sends
          where needs_reconcile and not exists (select 1 from messages m where +m.send_id = sends.id and m.lease_until is not null
                                            and m.state = 'attempting')
          order by id limit $1"
    )
    .bind(BATCH)
    .fetch_all(pool)
    .await
    })
}

/// Takes a send for this transaction; false when somebody else was faster. Nothing of it goes out
/// any more, so what it finds stays.
async fn take(tx: &mut Tx, send: i64) -> sqlx::Result<bool> {
    let taken = on_tx!(tx, |conn| sqlx::query(
        "update sends set needs_reconcile = false where id = $1 and needs_reconcile"
    )
    .bind(send)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected()))?;
    Ok(taken == 1)
}
