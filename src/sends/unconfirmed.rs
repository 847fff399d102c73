//! What the provider never answered: somebody, or time, says that it arrived, or it is sent once
//! more to those people, because a person pressed for it.

use chrono::{DateTime, Duration, Utc};

use super::{
    ending::{self, log},
    freezing::{Freezing, Frozen, freeze},
    model::SendKind,
    queries::{self, SendRecord},
    quiet_hours::{ResumeAction, asks_first},
    rules::{Initiator, existing},
};
use crate::{
    context::ctx::Ctx,
    db::{Db, Tx},
    error::AppError,
    failpoints::{Point, hit},
    messages::queries::reopen::{reopen, take_for_another_try},
    on_db,
    recipients::model::RecipientFilter,
    text::grouped,
};

/// What nobody has settled after this long is treated as sent: a second copy would be the greater
/// nuisance by then.
pub const SETTLES_ITSELF_AFTER: Duration = Duration::hours(72);

/// Counts the unanswered messages of a send, or one of them, as sent. Answers the page of the send.
pub async fn treat_as_sent(ctx: &Ctx, send_id: i64, message: Option<i64>) -> Result<String, AppError> {
    let send = existing(ctx.db(), ctx.store(), send_id).await?;
    hit(Point::BeforeTreatAsSent);
    let mut tx = ctx.db().begin().await?;
    let words = format!("Treated as sent by {}.", ctx.actor.name);
    let people = resolve_as_sent(&mut tx, &send, message, None, &words).await?;
    if people > 0 {
        let summary = format!("Treated {} of “{}” as sent", unconfirmed(people), send.label);
        log(
            &mut tx,
            &send,
            &ctx.actor.name,
            "send.treated_as_sent",
            summary,
            ctx.now,
        )
        .await?;
        hit(Point::TreatAsSentWritten);
    }
    tx.commit().await?;
    hit(Point::AfterTreatAsSent);
    Ok(send.page())
}

/// Sends once more to those whose first copy was never answered, or to one of them: the same
/// message, as a send of its own, and each first copy is settled by it. Answers the page of the
/// new send, or where it is asked first.
pub async fn send_again(
    ctx: &Ctx,
    send_id: i64,
    message: Option<i64>,
    token: &str,
    quiet_hours_confirmed: bool,
) -> Result<String, AppError> {
    let first = existing(ctx.db(), ctx.store(), send_id).await?;
    if let Some(before) = queries::by_token(ctx.db(), ctx.store(), token).await? {
        return Ok(format!("{}?ok=already", before.page()));
    }
    let action = ResumeAction::Again {
        message,
        token: token.to_owned(),
    };
    if let Some(question) = asks_first(ctx, &first, &action, quiet_hours_confirmed).await? {
        return Ok(question);
    }
    let initiator = Initiator::of(ctx).await?;
    hit(Point::BeforeAgain);
    let mut tx = ctx.db().begin().await?;
    crate::messages::queries::locks::lock_send(&mut tx, first.id).await?;
    let people = take_for_another_try(&mut tx, (first.store_id, first.id), message).await?;
    hit(Point::FirstCopiesTaken);
    if people.is_empty() {
        return Err(refused(
            &first,
            "Nobody of this send is waiting for an answer any more.",
        ));
    }
    let frozen = Frozen {
        campaign: None,
        of_send: Some(first.id),
        kind: SendKind::Again,
        label: &first.label,
        subject: &first.subject,
        body: &first.body,
        fallbacks: serde_json::from_str(&first.fallbacks)?,
        filter: RecipientFilter::Manual(people),
        token,
        shown_count: None,
        scheduled: None,
    };
    match freeze(&mut tx, ctx.db(), &initiator, &frozen, None).await? {
        Freezing::Written { send_id, audience } => {
            reopen(&mut tx, send_id).await?;
            let summary = format!("Sent “{}” again to {}", first.label, unconfirmed(audience.will_send));
            log(&mut tx, &first, &ctx.actor.name, "send.sent_again", summary, ctx.now).await?;
            hit(Point::AgainWritten);
            tx.commit().await?;
            hit(Point::AfterAgain);
            ctx.state.wake.notify_one();
            Ok(existing(ctx.db(), ctx.store(), send_id).await?.page())
        }
        Freezing::TokenUsed => Err(AppError::Conflict),
        Freezing::Nobody => Err(refused(
            &first,
            "They can't be written to any more: each of them has a reason against it by now.",
        )),
    }
}

/// Settles what has been without an answer for too long, of every store. Answers how many.
pub async fn settle_old(db: &Db, now: DateTime<Utc>) -> sqlx::Result<i64> {
    let before = now - SETTLES_ITSELF_AFTER;
    let mut settled = 0;
    for send in with_old_ones(db, before).await? {
        hit(Point::BeforeSettleOld);
        let mut tx = db.begin().await?;
        let words = "Treated as sent after 72 hours without an answer.";
        let people = resolve_as_sent(&mut tx, &send, None, Some(before), words).await?;
        if people > 0 {
            let summary = format!(
                "Treated {} of “{}” as sent after 72 hours without an answer",
                unconfirmed(people),
                send.label
            );
            log(&mut tx, &send, "Loupe", "send.treated_as_sent", summary, now).await?;
            hit(Point::SettleOldWritten);
        }
        tx.commit().await?;
        hit(Point::AfterSettleOld);
        settled += people;
    }
    Ok(settled)
}

fn refused(send: &SendRecord, words: &str) -> AppError {
    AppError::Refused {
        words: words.to_owned(),
        back_to: Some(send.page()),
    }
}

fn unconfirmed(people: i64) -> String {
    let noun = if people == 1 { "customer" } else { "customers" };
    format!("{} unconfirmed {noun}", grouped(people))
}

/// Settles the unanswered messages of a send: all, or one, or those from before a moment.
async fn resolve_as_sent(
    tx: &mut Tx,
    send: &SendRecord,
    message: Option<i64>,
    before: Option<DateTime<Utc>>,
    words: &str,
) -> sqlx::Result<i64> {
    // Whoever ends it at this moment counts either before or after.
    crate::messages::queries::locks::lock_send(tx, send.id).await?;
    let settled =
        crate::messages::queries::reopen::treat_as_sent(tx, (send.store_id, send.id), message, before, words).await?;
    ending::count_late(tx, send.id, &settled).await?;
    Ok(i64::try_from(settled.len()).unwrap_or(i64::MAX))
}

async fn with_old_ones(db: &Db, before: DateTime<Utc>) -> sqlx::Result<Vec<SendRecord>> {
    let ids: Vec<(crate::ids::StoreId, i64)> = on_db!(db, |pool| sqlx::query_as(
        "select distinct store_id, send_id from messages
          where outcome = 'unconfirmed' and resolution is null and settled_at < $1 limit 100"
    )
    .bind(before)
    .fetch_all(pool)
    .await)?;
    let mut sends = Vec::new();
    for (store, id) in ids {
        sends.extend(queries::find(db, store, id).await?);
    }
    Ok(sends)
}
