//! What was never answered, at a provider that takes a message with the same key only once: it goes
//! back to the queue by itself, a few times and while the key lasts, and through the same gates as
//! any message. If it does not get through, what came of the first copy is still not known: then it
//! is unconfirmed again, never anything else.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::AssertSqlSafe;

use crate::{
    db::{Tx, dialect::database_now},
    messages::{
        outcome_is,
        queries::leases::{ProviderAccount, wants_mail},
    },
    on_tx,
};

/// So often at most.
const MOST: i64 = 3;

/// Not at once: the first copy may still be on its way, and a server in trouble needs a while.
pub const WAIT: TimeDelta = TimeDelta::minutes(1);

/// Queues what was never answered once more, of a send that goes on. Answers how many.
pub async fn queue(tx: &mut Tx, send: i64, through: ProviderAccount<'_>, at: DateTime<Utc>) -> sqlx::Result<u64> {
    if !through.is_idempotent {
        return Ok(0);
    }
    // It must not end between being looked at and having somebody in its queue again.
    crate::messages::queries::locks::lock_send(tx, send).await?;
    let sql = format!(
        "update messages set state = 'queued', idempotent_retries = idempotent_retries + 1, next_at = $3, settled_at = null
          where send_id = $1 and {unconfirmed} and resolution is null
            and account = $2 and key_until > {now} and idempotent_retries < {MOST}
            and (select s.state = 'sending' and s.paused_by is null from sends s where s.id = $1)
            and (select {wants_mail} from customers c where c.id = messages.customer_id)",
        unconfirmed = outcome_is!("unconfirmed"),
        now = database_now(tx.backend()),
        wants_mail = wants_mail("messages"),
    );
    on_tx!(tx, |conn| sqlx::query(AssertSqlSafe(sql))
        .bind(send)
        .bind(through.account)
        .bind(at)
        .execute(&mut *conn)
        .await
        .map(|r| r.rows_affected()))
}

/// Gives up what nobody who sends through this account may take any more: its key is too old, or
/// another account's.
pub async fn give_up(
    tx: &mut Tx,
    send: i64,
    through: Option<ProviderAccount<'_>>,
    now: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let sql = format!(
        "update messages set state = 'unconfirmed', settled_at = $2, next_at = null
          where send_id = $1 and idempotent_retries > 0 and state = 'queued'
            and ($3 is null or account <> $3 or key_until <= {now})",
        now = database_now(tx.backend()),
    );
    on_tx!(tx, |conn| sqlx::query(AssertSqlSafe(sql))
        .bind(send)
        .bind(now)
        .bind(
            through
                .filter(|through| through.is_idempotent)
                .map(|through| through.account)
        )
        .execute(&mut *conn)
        .await
        .map(|r| r.rows_affected()))
}

/// What would be cancelled with its send.
pub async fn leave(tx: &mut Tx, send: i64, now: DateTime<Utc>) -> sqlx::Result<u64> {
    on_tx!(tx, |conn| {
        sqlx::query(
        "update messages set state = 'unconfirmed', settled_at = $2, next_at = null, lease_owner = null, lease_until = null
          where send_id = $1 and idempotent_retries > 0 and state in ('queued', 'leased')"
    )
    .bind(send)
    .bind(now)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected())
    })
}
