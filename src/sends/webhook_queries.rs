//! Tokens of events that are accepted only once.

use chrono::{DateTime, Utc};

use crate::{
    db::{Db, Tx},
    on_tx, tokens,
};

/// Takes a token of this mail account. False when it has been taken before: of two at once one waits
/// for the other.
pub(crate) async fn take(tx: &mut Tx, account: &str, token: &str, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let taken = on_tx!(tx, |conn| sqlx::query(
        "insert into webhook_tokens (account, token_hash, taken_at) values ($1, $2, $3) on conflict do nothing"
    )
    .bind(account)
    // However long it is.
    .bind(tokens::hash(token))
    .bind(now)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected()))?;
    Ok(taken > 0)
}

/// Forgets those taken before this moment.
pub(crate) async fn forget(db: &Db, before: DateTime<Utc>) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    on_tx!(&mut tx, |conn| sqlx::query(
        "delete from webhook_tokens where taken_at < $1"
    )
    .bind(before)
    .execute(&mut *conn)
    .await
    .map(|_| ()))?;
    tx.commit().await
}
