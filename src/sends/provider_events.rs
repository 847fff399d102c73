//! What the mail provider tells of a message: the word that an unanswered one waits for. It settles
//! nothing twice and nothing that somebody has settled, and never sends anything.

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;

use super::{
    attempts,
    ending::{self, log},
    queries, webhook_queries,
};
use crate::{
    auth::model::StoreId,
    channels::email::events::{Event, EventKind, OurId, Proved, Provider, TOKENS_KEPT},
    communications::model::MessageState,
    customers::names,
    db::{Db, Tx},
    dispatch::{
        failpoints::{Point, hit},
        provider_queries::Kept,
    },
    on_db, on_tx,
    server::AppState,
};

/// Takes an event for what it says. Only a message that last went through this account can be meant.
/// True when something is known now that was not.
pub async fn apply_event(state: &AppState, kept: &Kept, proved: &Proved) -> sqlx::Result<bool> {
    // Most events tell what the mail server has said already.
    let meant = match &proved.event {
        Some(event) => meant(&state.db, event, &kept.account).await?,
        None => None,
    };
    if meant.is_none() && proved.token.is_none() {
        return Ok(false);
    }
    let now = state.clock.now();
    hit(Point::BeforeProviderEvent);
    let mut tx = state.db.begin().await?;
    // Also of an event that says nothing new: its token must not carry another one later.
    if let Some(token) = &proved.token
        && !webhook_queries::take(&mut tx, &kept.account, token, now).await?
    {
        return Ok(false);
    }
    let is_news = match &meant {
        Some((send, event)) => settle_by(&mut tx, send, event, kept, now).await?,
        None => false,
    };
    if is_news {
        hit(Point::ProviderEventWritten);
    }
    tx.commit().await?;
    if is_news {
        hit(Point::AfterProviderEvent);
        // It may have been the last that a send waited for.
        state.wake.notify_one();
    }
    Ok(is_news)
}

/// Forgets tokens that nothing believable carries any more.
pub async fn forget_tokens(db: &Db, now: DateTime<Utc>) -> sqlx::Result<()> {
    webhook_queries::forget(db, now - TOKENS_KEPT).await
}

/// The send of the message that an event is about, if it can settle anything.
async fn meant<'a>(db: &Db, event: &'a Event, account: &str) -> sqlx::Result<Option<(queries::SendRecord, &'a Event)>> {
    let Some((store, send)) = waiting(db, &event.message, account).await? else {
        return Ok(None);
    };
    let send = queries::find(db, store, send).await?;
    Ok(send.map(|send| (send, event)))
}

/// Settles the message of an event. True when something is known now that was not.
async fn settle_by(
    tx: &mut Tx,
    send: &queries::SendRecord,
    event: &Event,
    kept: &Kept,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let message = event.message.message;
    // Whoever ends it at this moment counts either before or after.
    attempts::lock_send(tx, send.id).await?;
    let (which, outcome) = match event.kind {
        EventKind::Had(_) => (UNCONFIRMED.to_owned(), MessageState::Accepted),
        EventKind::NeverTook(_) => (format!("({UNCONFIRMED} or {QUEUED_AGAIN})"), MessageState::Failed),
    };
    let settling = Settling {
        message,
        account: &kept.account,
        state: outcome,
        words: &words(kept.provider, &event.kind),
        now,
    };
    let unconfirmed = settle(tx, &which, &settling).await?;
    let on_its_way = match event.kind {
        EventKind::Had(_) if unconfirmed == 0 => settle(tx, ON_ITS_WAY, &settling).await?,
        _ => 0,
    };
    if unconfirmed > 0 {
        ending::count_late(tx, send.id, &[message]).await?;
        let summary = format!("Settled 1 unconfirmed customer of “{}”: {}", send.label, settling.words);
        log(tx, send, kept.provider.name(), "send.told_by_provider", summary, now).await?;
    }
    Ok(unconfirmed + on_its_way > 0)
}

fn words(provider: Provider, kind: &EventKind) -> String {
    match kind {
        EventKind::Had(what) => format!("{} says that it had the message: {what}.", provider.name()),
        EventKind::NeverTook(why) => {
            let why = one_line(why);
            let words = format!("{} says that it did not send the message. {why}", provider.name());
            words.trim().to_owned()
        }
    }
}

/// A provider's words, as they fit into a line: they quote what anybody may have written.
fn one_line(words: &str) -> String {
    names::clean(words).chars().take(200).collect()
}

/// Nobody has settled it.
const UNCONFIRMED: &str = "(state = 'unconfirmed' and resolution is null)";
/// The event was faster than the answer to the message, or than its way back into the queue.
const ON_ITS_WAY: &str = "(state = 'attempting' or (idempotent_retries > 0 and state in ('queued', 'leased')))";
/// It waits for its turn once more. What is on the wire has its own answer coming.
const QUEUED_AGAIN: &str = "(idempotent_retries > 0 and state = 'queued')";

/// The store and the send of a message about which something is not known, or not yet. What another life
/// of this database sent under the same row number left as another installation.
async fn waiting(db: &Db, id: &OurId, account: &str) -> sqlx::Result<Option<(StoreId, i64)>> {
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
struct Settling<'a> {
    message: i64,
    account: &'a str,
    state: MessageState,
    words: &'a str,
    now: DateTime<Utc>,
}

/// Settles a message if it is one of these: an answer that comes now finds it settled, and nobody
/// sends it once more. What was unanswered keeps its moment. Answers how many were written.
async fn settle(tx: &mut Tx, which: &str, as_: &Settling<'_>) -> sqlx::Result<u64> {
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
