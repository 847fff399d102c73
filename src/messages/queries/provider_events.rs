//! Settling what the mail provider tells of a message.

use chrono::{DateTime, Utc};

use sqlx::AssertSqlSafe;

use crate::{
    channels::email::events::OurId,
    db::{Db, Tx},
    ids::StoreId,
    messages::model::MessageState,
    on_db, on_tx,
};

/// Nobody has settled it.
pub(crate) const UNCONFIRMED: &str = "(state = 'unconfirmed' and resolution is null)";

/// The event was faster than the answer to the message, or than its way back into the queue.
pub(crate) const ON_ITS_WAY: &str =
    "(state = 'attempting' or (idempotent_retries > 0 and state in ('queued', 'leased')))";

/// It waits for its turn once more. What is on the wire has its own answer coming.
pub(crate) const QUEUED_AGAIN: &str = "(idempotent_retries > 0 and state = 'queued')";

/// The store and the send of a message about which something is not known, or not yet. What another life
/// of this database sent under the same row number left as another installation.
pub(crate) async fn waiting(db: &Db, id: &OurId, account: &str) -> sqlx::Result<Option<(StoreId, i64)>> {
    let sql = format!(
        "select store_id, send_id from messages
          where id = $1 and account = $2 and installation = $3 and ({UNCONFIRMED} or {ON_ITS_WAY})"
    );
    on_db!(db, |pool| sqlx::query_as(AssertSqlSafe(sql))
        .bind(id.message)
        .bind(account)
        .bind(&id.installation)
        .fetch_optional(pool)
        .await)
}

/// What is written of a message.
pub(crate) struct Settling<'a> {
    pub(crate) message: i64,
    pub(crate) account: &'a str,
    pub(crate) state: MessageState,
    pub(crate) words: &'a str,
    pub(crate) now: DateTime<Utc>,
}

/// Settles a message if it is one of these: an answer that comes now finds it settled, and nobody
/// sends it once more. What was unanswered keeps its moment. Answers how many were written.
pub(crate) async fn settle(tx: &mut Tx, which: &str, as_: &Settling<'_>) -> sqlx::Result<u64> {
    let sql = format!(
        "update messages set state = $3, resolution = 'told_by_provider', reply = $4, reply_code = null,
                settled_at = coalesce(settled_at, $5), next_at = null, lease_owner = null, lease_until = null
          where id = $1 and account = $2 and {which}"
    );
    on_tx!(tx, |conn| sqlx::query(AssertSqlSafe(sql))
        .bind(as_.message)
        .bind(as_.account)
        .bind(as_.state)
        .bind(as_.words)
        .bind(as_.now)
        .execute(&mut *conn)
        .await
        .map(|r| r.rows_affected()))
}
