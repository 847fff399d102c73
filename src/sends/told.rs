//! What the mail provider tells of a message: the word that an unanswered one waits for. It settles
//! nothing twice and nothing that somebody has settled, and never sends anything.

use chrono::{DateTime, Utc};

use super::{
    ending::{self, log},
    store, tries,
};
use crate::{
    auth::model::StoreId,
    channels::email::events::{Event, Provider, Told},
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
    let (words, unanswered) = match &event.told {
        Told::Had(what) => {
            let words = format!("{} says that it had the message: {what}.", provider.name());
            let unanswered = had(&mut tx, message, account, &words).await?;
            (words, unanswered)
        }
        Told::NeverTook(why) => {
            let why = one_line(why);
            let words = format!("{} says that it did not send the message. {why}", provider.name());
            let words = words.trim().to_owned();
            let unanswered = never_took(&mut tx, message, account, &words, now).await?;
            (words, unanswered)
        }
    };
    let on_its_way = match event.told {
        Told::Had(_) if unanswered == 0 => had_already(&mut tx, message, account, &words, now).await?,
        _ => 0,
    };
    if unanswered > 0 {
        ending::count_again(&mut tx, send.id).await?;
        let summary = format!("Settled 1 unconfirmed customer of “{}”: {words}", send.label);
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

/// A provider's words, as they fit into a line.
fn one_line(words: &str) -> String {
    let clean = words.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(200).collect()
}

/// The store and the send of a message about which something is not known, or not yet.
async fn waiting(db: &Db, message: i64, account: &str) -> sqlx::Result<Option<(StoreId, i64)>> {
    on_db!(db, |pool| sqlx::query_as(
        "select store_id, send_id from messages
          where id = $1 and account = $2
            and ((state = 'unknown' and resolution is null) or state = 'attempting'
                 or (repeats > 0 and state in ('queued', 'leased')))"
    )
    .bind(message)
    .bind(account)
    .fetch_optional(pool)
    .await)
}

/// An unanswered message was taken after all.
async fn had(tx: &mut Tx, message: i64, account: &str, words: &str) -> sqlx::Result<u64> {
    on_tx!(tx, |conn| sqlx::query(
        "update messages set state = 'accepted', resolution = 'told_by_provider', reply = $3
          where id = $1 and account = $2 and state = 'unknown' and resolution is null"
    )
    .bind(message)
    .bind(account)
    .bind(words)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected()))
}

/// The event was faster than the answer to the message, or than its way back into the queue: the
/// answer finds it settled, and nobody sends it once more.
async fn had_already(tx: &mut Tx, message: i64, account: &str, words: &str, now: DateTime<Utc>) -> sqlx::Result<u64> {
    on_tx!(tx, |conn| sqlx::query(
        "update messages set state = 'accepted', resolution = 'told_by_provider', reply = $3, reply_code = null,
                settled_at = $4, next_at = null, lease_owner = null, lease_until = null
          where id = $1 and account = $2
            and (state = 'attempting' or (repeats > 0 and state in ('queued', 'leased')))"
    )
    .bind(message)
    .bind(account)
    .bind(words)
    .bind(now)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected()))
}

/// An unanswered message was not taken. What is on the wire has its own answer coming.
async fn never_took(tx: &mut Tx, message: i64, account: &str, words: &str, now: DateTime<Utc>) -> sqlx::Result<u64> {
    on_tx!(tx, |conn| sqlx::query(
        "update messages set state = 'failed', resolution = 'told_by_provider', reply = $3, reply_code = null,
                settled_at = $4, next_at = null
          where id = $1 and account = $2
            and ((state = 'unknown' and resolution is null) or (repeats > 0 and state = 'queued'))"
    )
    .bind(message)
    .bind(account)
    .bind(words)
    .bind(now)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected()))
}
