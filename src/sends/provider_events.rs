//! What the mail provider tells of a message: the word that an unanswered one waits for. It settles
//! nothing twice and nothing that somebody has settled, and never sends anything.

use chrono::{DateTime, Utc};

use super::{
    ending::{self, log},
    queries, webhook_queries,
};
use crate::{
    channels::email::events::{Event, EventKind, Proved, Provider, TOKENS_KEPT},
    context::AppState,
    db::{Db, Tx},
    failpoints::{Point, hit},
    mail_accounts::provider_queries::StoredProvider,
    messages::{
        model::MessageState,
        queries::provider_events::{ON_ITS_WAY, QUEUED_AGAIN, Settling, UNCONFIRMED, settle, waiting},
    },
};

/// Takes an event for what it says. Only a message that last went through this account can be meant.
/// True when something is known now that was not.
pub async fn apply_event(state: &AppState, kept: &StoredProvider, proved: &Proved) -> sqlx::Result<bool> {
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
    kept: &StoredProvider,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let message = event.message.message;
    // Whoever ends it at this moment counts either before or after.
    crate::messages::queries::locks::lock_send(tx, send.id).await?;
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
    crate::text::clean(words).chars().take(200).collect()
}
