//! The dispatcher's statements, but for those that write outcomes down. Each is guarded by state and epoch; how many rows it changed is the
//! answer. Which ones is only asked when some were not: that is rare, and rows cost more to fetch
//! than to change.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::AssertSqlSafe;

use crate::{
    db::{
        Backend, Db, Tx,
        dialect::{Column, database_now, database_now_plus, json_rows, not_looked_up, skip_locked},
    },
    messages::has_pending,
    on_db, on_tx,
};

/// A leased message with all that is needed to build it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Leased {
    pub id: i64,
    pub epoch: i64,
    pub attempts: i64,
    pub send_id: i64,
    pub store_id: i64,
    pub name: String,
    pub first_name: String,
    pub last_name: String,
    pub anniversary_month: Option<i64>,
    pub anniversary_day: Option<i64>,
    pub address: Option<String>,
    pub unsubscribe_token: String,
    /// The id of the installation it leaves as, over all its attempts.
    pub installation: String,
}

/// A mail account whose provider is known.
#[derive(Clone, Copy, Debug)]
pub struct ProviderAccount<'a> {
    pub account: &'a str,
    /// Each message carries a key, and the provider takes a message with the same key only once.
    pub is_idempotent: bool,
}

/// A provider forgets a key after 24 hours; ours are used no longer than this, so that whatever
/// still waits on its way has its time too.
const KEY_SECONDS: i64 = 20 * 3600;

/// The id of this installation. Read where it is noted: it changes when a copy is confirmed, which any
/// instance may do.
const THIS_INSTALLATION: &str = "(select value from instance where key = 'id')";

/// Takes up to `limit` due messages of one send for `owner`, for so many seconds. What has not been
/// attempted will leave as this installation; what has keeps the id it left with. What went back to the queue because of its key is left to whoever sends through the same account, while it lasts.
pub async fn lease(
    tx: &mut Tx,
    send: i64,
    (owner, seconds): (&str, i64),
    through: Option<ProviderAccount<'_>>,
    limit: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Leased>> {
    let backend = tx.backend();
    if let Tx::Postgres(tx) = &mut *tx {
        // It expects few to wait when it last looked before they were written down, and would then put
        // all of them in order each time instead of reading the first from the index.
        sqlx::query("set local enable_sort = off").execute(&mut **tx).await?;
    }
    let sql = format!(
        "update messages set state = 'leased', next_at = null, lease_owner = $2, lease_until = {until}, epoch = epoch + 1,
                account = $5, key_until = case when idempotent_retries > 0 then key_until when $6 then {key_until} end,
                installation = case when attempts > 0 then coalesce(installation, {THIS_INSTALLATION})
                                    else {THIS_INSTALLATION} end
          where id in (select id from messages where send_id = $1 and state = 'queued' and next_at <= $3
                          and (idempotent_retries = 0 or ($6 and account = $5 and key_until > {now}))
                        order by next_at, id limit $4 {skip})
          returning id, epoch, attempts, send_id, store_id, name, first_name, last_name, anniversary_month,
                    anniversary_day, address, unsubscribe_token, installation",
        until = database_now_plus(backend, seconds),
        key_until = database_now_plus(backend, KEY_SECONDS),
        now = database_now(backend),
        skip = skip_locked(backend),
    );
    let mut rows: Vec<Leased> = on_tx!(tx, |conn| sqlx::query_as(AssertSqlSafe(sql))
        .bind(send)
        .bind(owner)
        .bind(now)
        .bind(limit)
        .bind(through.map(|through| through.account))
        .bind(through.is_some_and(|through| through.is_idempotent))
        .fetch_all(&mut *conn)
        .await)?;
    // PostgreSQL answers in any order.
    rows.sort_unstable_by_key(|row| row.id);
    Ok(rows)
}

/// Which lease of which message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct LeaseToken {
    pub id: i64,
    pub epoch: i64,
}

pub(crate) const TOKEN_COLUMNS: [(&str, Column); 2] = [("id", Column::Number), ("epoch", Column::Number)];

/// Whether nothing has been heard of a customer `c`, or of the address of their message, since the audience
/// was frozen that forbids mail. The marks of the address are on the customer, unless they have another one
/// by now. `message` is the name of the table in the statement.
pub(crate) fn wants_mail(message: &str) -> String {
    format!(
        "c.email_consent <> 'withdrawn' and not c.do_not_contact
                      and c.archived_at is null and c.email_complained_at is null
                      and case when c.email_norm = {message}.addr_norm then (c.email_suppression & 3) = 0
                               else not exists ({}) end",
        suppressed(message, "(s.marks & 3) <> 0")
    )
}

/// What was said for the address of a message.
fn suppressed(message: &str, how: &str) -> String {
    format!(
        "select 1 from suppressions s where s.store_id = {message}.store_id and s.channel = {message}.channel
                                                  and s.address = {message}.addr_norm and {how}"
    )
}

/// Marks messages as being attempted: those whose lease still holds, whose send still goes on,
/// and whose customer still wants mail. Answers how many may go out.
pub async fn mark_attempting(tx: &mut Tx, tokens: &str, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let sql = marking(tx.backend(), "$1", "$2");
    on_tx!(tx, |conn| sqlx::query(AssertSqlSafe(sql))
        .bind(tokens)
        .bind(now)
        .execute(&mut *conn)
        .await
        .map(|r| r.rows_affected()))
}

// Values rather than `exists`: PostgreSQL would make those into joins, and find the few messages by
// going through all of the send.
pub(crate) fn marking(backend: Backend, tokens: &str, now: &str) -> String {
    let rows = json_rows(backend, tokens, &TOKEN_COLUMNS);
    format!(
        "update messages set state = 'attempting', attempts = attempts + 1, attempted_at = {now}
           from {rows} as t
          where messages.id = t.id and messages.epoch = t.epoch and {state} = 'leased'
            and (select s.state = 'sending' and s.paused_by is null from sends s where s.id = messages.send_id)
            and (select {wants_mail} from customers c where c.id = messages.customer_id)",
        state = not_looked_up(backend, "messages.state"),
        wants_mail = wants_mail("messages"),
    )
}

/// Whether a message that was marked a while ago may still go out.
pub async fn still_deliverable(db: &Db, token: LeaseToken) -> sqlx::Result<bool> {
    let sql = format!(
        "select exists (select 1 from messages m join sends s on s.id = m.send_id join customers c on c.id = m.customer_id
                         where m.id = $1 and m.epoch = $2 and m.state = 'attempting'
                           and s.state = 'sending' and s.paused_by is null and {})",
        wants_mail("m")
    );
    on_db!(db, |pool| sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(token.id)
        .bind(token.epoch)
        .fetch_one(pool)
        .await)
}

/// Which of these are marked.
pub async fn attempting(tx: &mut Tx, tokens: &str) -> sqlx::Result<Vec<i64>> {
    let sql = format!(
        "select m.id from {rows} as t join messages m on m.id = t.id
          where m.epoch = t.epoch and {state} = 'attempting'",
        rows = json_rows(tx.backend(), "$1", &TOKEN_COLUMNS),
        state = not_looked_up(tx.backend(), "m.state"),
    );
    on_tx!(tx, |conn| sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(tokens)
        .fetch_all(&mut *conn)
        .await)
}

/// What could not be marked: whoever opted out meanwhile is skipped with the reason, what belongs
/// to a send that was stopped is cancelled, what belongs to one that was paused is queued again. What
/// may have gone out before is neither skipped nor cancelled: it is unconfirmed again.
/// Lost leases are somebody else's now.
pub async fn settle_unmarked(tx: &mut Tx, tokens: &str, now: DateTime<Utc>) -> sqlx::Result<usize> {
    let rows = json_rows(tx.backend(), "$1", &TOKEN_COLUMNS);
    let wants_mail = wants_mail("messages");
    let leave = format!(
        "update messages set state = 'unconfirmed', settled_at = $2, lease_owner = null, lease_until = null, next_at = null
           from {rows} as t
          where messages.id = t.id and messages.epoch = t.epoch and messages.state = 'leased' and messages.idempotent_retries > 0
            and not ((select s.state = 'sending' from sends s where s.id = messages.send_id)
                     and (select {wants_mail} from customers c where c.id = messages.customer_id))
          returning messages.send_id"
    );
    let skip = format!(
        "update messages set state = 'skipped', settled_at = $2, lease_owner = null, lease_until = null, next_at = null,
                skip_reason = (select case when c.archived_at is not null then 'archived'
                                           when c.do_not_contact then 'do_not_contact'
                                           when c.email_complained_at is not null or exists ({complained})
                                           then 'complained'
                                           else 'unsubscribed' end
                                 from customers c where c.id = messages.customer_id)
           from {rows} as t
          where messages.id = t.id and messages.epoch = t.epoch and messages.state = 'leased'
            and exists (select 1 from customers c where c.id = messages.customer_id and not ({wants_mail}))
          returning messages.send_id",
        complained = suppressed("messages", "s.complained_at is not null"),
    );
    let cancel = format!(
        "update messages set state = 'cancelled', settled_at = $2, lease_owner = null, lease_until = null, next_at = null
           from {rows} as t
          where messages.id = t.id and messages.epoch = t.epoch and messages.state = 'leased'
            and not exists (select 1 from sends s where s.id = messages.send_id and s.state = 'sending')
          returning messages.send_id"
    );
    let put_back = format!(
        "update messages set state = 'queued', next_at = $2, lease_owner = null, lease_until = null
           from {rows} as t
          where messages.id = t.id and messages.epoch = t.epoch and messages.state = 'leased'
            and exists (select 1 from sends s where s.id = messages.send_id and s.paused_by is not null)
          returning messages.send_id"
    );
    let mut sends: Vec<i64> = Vec::new();
    for sql in [leave, skip, cancel, put_back] {
        sends.extend::<Vec<i64>>(on_tx!(tx, |conn| sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(tokens)
            .bind(now)
            .fetch_all(&mut *conn)
            .await)?);
    }
    for send in sends.iter().copied().collect::<BTreeSet<i64>>() {
        crate::messages::queries::reopen::reopen(tx, send).await?;
    }
    Ok(sends.len())
}

/// Keeps this owner's leases of these messages from expiring. What the status writer is writing at this
/// moment is left for the next time: waiting for it here ends in a deadlock.
pub async fn renew(tx: &mut Tx, owner: &str, tokens: &str, seconds: i64) -> sqlx::Result<u64> {
    let sql = format!(
        "update messages set lease_until = {until}
          where id in (select m.id from messages m
                        where (m.id, m.epoch) in (select t.id, t.epoch from {rows} as t)
                          and m.lease_owner = $2 and m.lease_until is not null
                        order by m.id {skip})",
        until = database_now_plus(tx.backend(), seconds),
        rows = json_rows(tx.backend(), "$1", &TOKEN_COLUMNS),
        skip = skip_locked(tx.backend()),
    );
    on_tx!(tx, |conn| sqlx::query(AssertSqlSafe(sql))
        .bind(tokens)
        .bind(owner)
        .execute(&mut *conn)
        .await
        .map(|r| r.rows_affected()))
}

/// Gives back what was leased and not begun: it was due, and it stands where it stood.
pub async fn release(tx: &mut Tx, owner: &str) -> sqlx::Result<u64> {
    on_tx!(tx, |conn| sqlx::query(
        "update messages set state = 'queued', next_at = created_at, lease_owner = null, lease_until = null
          where lease_until is not null and lease_owner = $1 and state = 'leased'"
    )
    .bind(owner)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected()))
}

/// Whether a send has messages without an outcome, and when the next of them is due.
pub async fn next_due(db: &Db, send: i64) -> sqlx::Result<(bool, Option<DateTime<Utc>>)> {
    on_db!(db, |pool| sqlx::query_as(concat!(
        "select ",
        has_pending!("$1"),
        ", (select min(next_at) from messages where send_id = $1 and next_at is not null)"
    ))
    .bind(send)
    .fetch_one(pool)
    .await)
}
