//! What the mail provider tells of a message: the word that an unanswered one waits for. It settles
//! nothing twice and nothing that somebody has settled, and never sends anything.

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;

use super::{
    ending::{self, log},
    store, tries,
};
use crate::{
    auth::model::StoreId,
    channels::email::events::{Event, Provider, Told},
    communications::model::MessageState,
    db::{Db, Tx},
    dispatch::fault_points::{Point, reach},
    instance, on_db, on_tx,
    server::AppState,
};

/// Takes an event for what it says. Only a message that last went through this account can be meant.
/// True when something is known now that was not.
pub async fn hear(state: &AppState, account: &str, provider: Provider, event: &Event) -> sqlx::Result<bool> {
    let message = event.message.message;
    // Most events tell what the mail server has said already.
    let Some((store, send)) = waiting(&state.db, message, account).await? else {
        return Ok(false);
    };
    if event.message.installation != instance::id(&state.db).await? {
        return Ok(false);
    }
    let Some(send) = store::find(&state.db, store, send).await? else {
        return Ok(false);
    };
    let now = state.clock.now();
    reach(Point::BeforeTold);
    let mut tx = state.db.begin().await?;
    // Whoever ends it at this moment counts either before or after.
    tries::hold(&mut tx, send.id).await?;
    let (which, outcome) = match event.told {
        Told::Had(_) => (UNANSWERED.to_owned(), MessageState::Accepted),
        Told::NeverTook(_) => (format!("({UNANSWERED} or {QUEUED_AGAIN})"), MessageState::Failed),
    };
    let settling = Settling {
        message,
        account,
        state: outcome,
        words: &words(provider, &event.told),
        now,
    };
    let unanswered = settle(&mut tx, &which, &settling).await?;
    let on_its_way = match event.told {
        Told::Had(_) if unanswered == 0 => settle(&mut tx, ON_ITS_WAY, &settling).await?,
        _ => 0,
    };
    if unanswered > 0 {
        ending::count_late(&mut tx, send.id, &[message]).await?;
        let summary = format!("Settled 1 unconfirmed customer of “{}”: {}", send.label, settling.words);
        log(&mut tx, &send, provider.name(), "send.told_by_provider", summary, now).await?;
    }
    let is_news = unanswered + on_its_way > 0;
    if is_news {
        reach(Point::ToldWritten);
    }
    tx.commit().await?;
    if is_news {
        reach(Point::AfterTold);
        // It may have been the last that a send waited for.
        state.wake.notify_one();
    }
    Ok(is_news)
}

fn words(provider: Provider, told: &Told) -> String {
    match told {
        Told::Had(what) => format!("{} says that it had the message: {what}.", provider.name()),
        Told::NeverTook(why) => {
            let why = one_line(why);
            let words = format!("{} says that it did not send the message. {why}", provider.name());
            words.trim().to_owned()
        }
    }
}

/// A provider's words, as they fit into a line.
fn one_line(words: &str) -> String {
    let clean = words.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(200).collect()
}

/// Nobody has settled it.
const UNANSWERED: &str = "(state = 'unknown' and resolution is null)";
/// The event was faster than the answer to the message, or than its way back into the queue.
const ON_ITS_WAY: &str = "(state = 'attempting' or (repeats > 0 and state in ('queued', 'leased')))";
/// It waits for its turn once more. What is on the wire has its own answer coming.
const QUEUED_AGAIN: &str = "(repeats > 0 and state = 'queued')";

/// The store and the send of a message about which something is not known, or not yet.
async fn waiting(db: &Db, message: i64, account: &str) -> sqlx::Result<Option<(StoreId, i64)>> {
    let sql = format!(
        "select store_id, send_id from messages where id = $1 and account = $2 and ({UNANSWERED} or {ON_ITS_WAY})"
    );
    on_db!(db, |pool| sqlx::query_as(AssertSqlSafe(sql))
        .bind(message)
        .bind(account)
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
