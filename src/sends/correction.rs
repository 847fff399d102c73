//! A correction: another message to exactly those a send reached, or may have. Whoever may not be
//! written to by now is left out, with the reason.

use super::{
    attempts,
    ending::log,
    freezing::{Freezing, Frozen, freeze},
    model::SendKind,
    queries::{self, SendRecord},
    rules::{Initiator, Started, already_done, existing},
};
use crate::{
    context::ctx::Ctx,
    db::Db,
    error::AppError,
    failpoints::{Point, hit},
    recipients::{
        self,
        model::{Audience, NO_RECIPIENTS, RecipientFilter},
    },
    stores::model::Store,
    text::grouped,
};

/// How subjects and labels of corrections begin.
const PREFIX: &str = "Correction: ";

/// What is said instead.
#[derive(Clone, Debug)]
pub struct Correction {
    /// The send it corrects.
    pub of: i64,
    pub subject: String,
    pub body: String,
    /// Once per form shown: the same token twice is one send.
    pub token: String,
    /// The count that was on the page.
    pub shown_count: Option<i64>,
}

/// `Correction: ` once, however often something is corrected.
pub fn corrected(text: &str) -> String {
    format!("{PREFIX}{}", text.strip_prefix(PREFIX).unwrap_or(text))
}

/// Whom a correction would go to now.
pub async fn audience(
    db: &Db,
    store: &Store,
    send: &SendRecord,
    now: chrono::DateTime<chrono::Utc>,
) -> sqlx::Result<Audience> {
    let scope = recipients::rules::scope(store, now, None);
    recipients::queries::count(db, &scope, &RecipientFilter::Reached(send.id)).await
}

/// Sends it, after the time to undo.
pub async fn send(ctx: &Ctx, what: &Correction) -> Result<Started, AppError> {
    let first = existing(ctx.db(), ctx.store(), what.of).await?;
    if let Some(before) = queries::by_token(ctx.db(), ctx.store(), &what.token).await? {
        return Ok(Started::AlreadyDone { send_id: before.id });
    }
    if first.state.is_open() {
        return Err(AppError::Refused {
            words: "It is still being sent. It can be corrected when it has ended.".to_owned(),
            back_to: Some(first.page()),
        });
    }
    let initiator = Initiator::of(ctx).await?;
    let label = corrected(&first.label);
    let frozen = Frozen {
        campaign: None,
        of_send: Some(first.id),
        kind: SendKind::Correction,
        label: &label,
        subject: &what.subject,
        body: &what.body,
        fallbacks: serde_json::from_str(&first.fallbacks)?,
        filter: RecipientFilter::Reached(first.id),
        token: &what.token,
        shown_count: what.shown_count,
        scheduled: None,
    };
    hit(Point::BeforeCorrection);
    let mut tx = ctx.db().begin().await?;
    attempts::refuse_another_correction(&mut tx, ctx.db(), ctx.store(), first.id).await?;
    match freeze(&mut tx, ctx.db(), &initiator, &frozen, None).await? {
        Freezing::Written { send_id, audience } => {
            let people = grouped(audience.will_send);
            let summary = format!("Sent a correction of “{}” to {people} customers", first.label);
            log(&mut tx, &first, &ctx.actor.name, "send.corrected", summary, ctx.now).await?;
            hit(Point::CorrectionWritten);
            tx.commit().await?;
            hit(Point::AfterCorrection);
            ctx.state.wake.notify_one();
            Ok(Started::Sending { send_id })
        }
        Freezing::TokenUsed => {
            drop(tx);
            already_done(ctx.db(), ctx.store(), &what.token).await
        }
        Freezing::Nobody => Err(AppError::invalid("subject", NO_RECIPIENTS)),
    }
}

#[cfg(test)]
mod tests {
    use super::corrected;

    #[test]
    fn a_correction_of_a_correction_is_called_so_once() {
        assert_eq!(corrected("Ring clean"), "Correction: Ring clean");
        assert_eq!(corrected("Correction: Ring clean"), "Correction: Ring clean");
    }
}
