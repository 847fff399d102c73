//! The question before a send that matters, worked out once for the page and for the dialog.

use chrono::{DateTime, Utc};

use super::{
    checks::{self, Message},
    model::{PreflightView, Question},
    rules::{self, Preflight},
};
use crate::{
    campaigns::{
        draft::Draft,
        model::{CampaignForm, Kind},
    },
    context::ctx::Ctx,
    db::Db,
    error::AppError,
    recipients,
    sends::audience_snapshot,
    stores::model::Store,
    text::grouped,
};

/// The question about a message, from what a look at it found. Nothing while something has to be
/// mended, or nobody is chosen. `shown` is the count that was on the page.
pub async fn question(
    db: &Db,
    store: &Store,
    message: &Message<'_>,
    preflight: &Preflight,
    shown: Option<i64>,
    (signer, now): (&str, DateTime<Utc>),
) -> sqlx::Result<Option<Question>> {
    let (Some(filter), Some(audience)) = (message.filter, &preflight.audience) else {
        return Ok(None);
    };
    if !preflight.problems.is_empty() {
        return Ok(None);
    }
    let n = audience.will_send;
    let people = format!("{} {}", grouped(n), if n == 1 { "customer" } else { "customers" });
    let skipped = match audience.skipped_total() {
        0 => String::new(),
        skipped => format!(" ({} skipped)", grouped(skipped)),
    };
    let subject = subject_as_read(db, store, signer, message, preflight, now).await?;
    let whom = recipients::words::today(db, store.id, filter).await?;
    let mut warnings = checks::warnings(&preflight.checks);
    if let Some(shown) = shown.filter(|shown| *shown != n) {
        warnings.insert(0, format!("You saw {}. It goes to {} now.", grouped(shown), grouped(n)));
    }
    Ok(Some(Question {
        title: format!("Send to {people} now?"),
        subject,
        from: format!("{} <{}>", store.from_name, store.from_email),
        goes_to: format!("{whom}: {} of {}{skipped}", grouped(n), grouped(audience.matched)),
        warnings,
        button: format!("Send to {people}"),
        count: n,
    }))
}

/// The subject as the first of those who get it reads it: no braces in a question.
async fn subject_as_read(
    db: &Db,
    store: &Store,
    signer: &str,
    message: &Message<'_>,
    preflight: &Preflight,
    now: DateTime<Utc>,
) -> sqlx::Result<String> {
    let is_personal = preflight.used.iter().any(|used| used.field.is_personal());
    let reader = match is_personal {
        true => rules::sample(db, store, message, None, now).await?.into_iter().next(),
        false => None,
    };
    Ok(rules::subject_for(store, signer, message, reader.as_ref(), now).unwrap_or_else(|| message.subject.to_owned()))
}

/// Why a form is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Writing,
    /// Send now is about to be pressed: the answer carries what that would ask first.
    Sending,
}

/// Looks at a form while it is being written; nothing is kept but whom a question was about.
pub async fn check_form(
    ctx: &Ctx,
    form: &CampaignForm,
    kind: Kind,
    purpose: Purpose,
) -> Result<PreflightView, AppError> {
    let store = ctx.shop().await?;
    let draft = Draft::of(form, store, ctx.now);
    let message = Message {
        name: (kind == Kind::Campaign).then_some(draft.name.as_str()),
        later: draft.scheduled_local.is_some() && purpose == Purpose::Writing,
        ..Message::of(&draft)
    };
    let not_again = form.not_again();
    let preflight = rules::check_message(ctx.db(), store, &ctx.actor.name, &message, not_again, ctx.now).await?;
    let shown = form.shown();
    let asks = purpose == Purpose::Sending
        && preflight
            .audience
            .as_ref()
            .is_some_and(|audience| checks::asks_first(audience, shown, &checks::warnings(&preflight.checks)));
    let question = match asks {
        true => question(ctx.db(), store, &message, &preflight, shown, (&ctx.actor.name, ctx.now)).await?,
        false => None,
    };
    if question.is_some()
        && let Some(filter) = message.filter
    {
        let scope = recipients::rules::scope(store, ctx.now, not_again);
        audience_snapshot::keep(ctx.db(), &scope, filter, &form.send_token).await?;
    }
    Ok(PreflightView {
        checks: preflight.checks,
        question,
    })
}
