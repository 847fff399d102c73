//! Cancelling what has not gone out of a send.

use chrono::{DateTime, Utc};

use crate::{
    db::Tx,
    messages::{has_pending, queries::idempotent_retry},
    on_tx,
};

/// Notes on a send that this transaction ends whether some of it is on the wire.
pub(crate) async fn note(tx: &mut Tx, send: i64) -> sqlx::Result<()> {
    on_tx!(tx, |conn| {
        sqlx::query(
        "update sends set needs_reconcile = true
          where id = $1 and exists (select 1 from messages where +send_id = $1 and lease_until is not null and state = 'attempting')"
    )
    .bind(send)
    .execute(&mut *conn)
    .await
    .map(|_| ())
    })
}

/// Turns what has not gone out into `cancelled`; what may have gone out before is unconfirmed again. What
/// is on the wire stays as it is, and the send remembers it.
pub async fn cancel_unsent(tx: &mut Tx, send: i64, now: DateTime<Utc>) -> sqlx::Result<u64> {
    idempotent_retry::leave(tx, send, now).await?;
    let cancelled = on_tx!(tx, |conn| {
        sqlx::query(
        "update messages set state = 'cancelled', settled_at = $2, lease_owner = null, lease_until = null, next_at = null
          where send_id = $1 and state in ('queued', 'leased')"
    )
    .bind(send)
    .bind(now)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected())
    })?;
    crate::messages::queries::cancel::note(tx, send).await?;
    crate::messages::queries::reopen::reopen(tx, send).await?;
    Ok(cancelled)
}

/// Whether somebody of this send has no outcome yet.
pub(crate) async fn has_pending(tx: &mut Tx, send: i64) -> sqlx::Result<bool> {
    on_tx!(tx, |conn| sqlx::query_scalar(concat!("select ", has_pending!("$1")))
        .bind(send)
        .fetch_one(&mut *conn)
        .await)
}
