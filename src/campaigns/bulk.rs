//! One email, sent straight away, without a campaign. What is typed is kept per person until it
//! has gone.

use serde::{Deserialize, Serialize};

use super::{
    draft::{Draft, fallbacks_of},
    draft_queries::{self as writing, By},
    model::{CampaignForm, Intent},
    preflight::{
        checks::{self, Message, kept},
        rules,
    },
    queries::UNTITLED,
    rules::draft_of,
    send_now::{Asked, changed},
};
use crate::{
    audit,
    context::ctx::Ctx,
    db::Db,
    error::AppError,
    ids::StoreId,
    paths::encode,
    sends::{
        self,
        model::SendState,
        rules::{StartBulk, Started, go_on_from, start_bulk},
    },
    tokens,
};

/// Where the form is.
pub const PATH: &str = "/marketing/bulk-email";

/// What a person left in the form.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Scratch {
    pub form: CampaignForm,
    /// The send it became. As long as that stands, the form is done with.
    pub sent: Option<i64>,
}

/// What the form of a person holds: nothing once it has been sent, all of it again when that was
/// taken back or given up.
pub async fn left_by(db: &Db, store: StoreId, user: i64) -> Result<Option<CampaignForm>, AppError> {
    let Some(json) = writing::scratch(db, user).await? else {
        return Ok(None);
    };
    let scratch: Scratch = serde_json::from_str(&json).unwrap_or_default();
    let Some(send) = scratch.sent else {
        return Ok(Some(scratch.form));
    };
    let mut form = scratch.form;
    match sends::queries::find(db, store, send).await? {
        None => Ok(Some(form)),
        Some(send) if matches!(send.state, SendState::Cancelled | SendState::Reverted) => {
            // Whoever that send reached is left out of the next, unless somebody unticks it.
            form.of_send = send.of_send.unwrap_or(send.id).to_string();
            Ok(Some(form))
        }
        Some(_) => Ok(None),
    }
}

/// Keeps what was typed, then does what was asked; answers where to go.
pub async fn save(ctx: &Ctx, form: &CampaignForm, intent: Intent) -> Result<String, AppError> {
    if intent == Intent::StartOver {
        let mut tx = ctx.db().begin().await?;
        writing::clear_scratch(&mut tx, ctx.actor.user_id).await?;
        tx.commit().await?;
        return Ok(format!("{PATH}?ok=cleared"));
    }
    let (form, draft) = keep_form(ctx, form, intent).await?;
    Ok(match intent {
        Intent::UseTemplate => format!("{PATH}?ok=filled#template"),
        Intent::RefreshCount => format!("{PATH}?ok=counted#who"),
        Intent::SeePreview => format!("{PATH}?ok=shown#preview"),
        Intent::FindCustomer => format!("{PATH}?find={}#p-manual", encode(form.find_customer.trim())),
        Intent::AsCampaign => as_campaign(ctx, &form, draft).await?,
        Intent::Draft | Intent::StartOver => format!("{PATH}?ok=kept"),
    })
}

/// Keeps what was typed and sends it; answers where to go. Pressed twice, it answers what came of
/// the first.
pub async fn send(ctx: &Ctx, form: &CampaignForm, asked: Asked) -> Result<String, AppError> {
    if let Some(before) = sends::queries::by_token(ctx.db(), ctx.store(), &form.send_token).await? {
        return Ok(receipt(before.id, "already"));
    }
    let (form, _) = keep_form(ctx, form, Intent::Draft).await?;
    send_now(ctx, &form, asked).await
}

/// Keeps the form of this person; answers it as it is kept.
async fn keep_form(ctx: &Ctx, form: &CampaignForm, intent: Intent) -> Result<(CampaignForm, Draft), AppError> {
    let draft = draft_of(ctx, form, intent).await?;
    let mut form = form.clone();
    form.subject.clone_from(&draft.subject);
    form.body.clone_from(&draft.body);
    form.choose(draft.filter.as_ref());
    let scratch = Scratch { form, sent: None };
    keep(ctx, &scratch).await?;
    Ok((scratch.form, draft))
}

async fn keep(ctx: &Ctx, scratch: &Scratch) -> Result<(), AppError> {
    let json = serde_json::to_string(scratch)?;
    let mut tx = ctx.db().begin().await?;
    writing::keep_scratch(&mut tx, ctx.actor.user_id, &json, ctx.now).await?;
    Ok(tx.commit().await?)
}

/// A text that changes with what a form would send, and with whom it leaves out.
pub fn seal(form: &CampaignForm, draft: &Draft) -> String {
    let what = (&draft.subject, &draft.body, &draft.fallbacks, &draft.filter);
    tokens::hash(&serde_json::json!([what, form.of_send(), form.skips_already()]).to_string())
}

/// Sends what has been kept, after the person was asked. Another window may have kept something
/// else since: then they are asked about that.
pub async fn confirm(
    ctx: &Ctx,
    token: &str,
    sealed: &str,
    shown: Option<i64>,
    quiet_hours_confirmed: bool,
) -> Result<String, AppError> {
    if let Some(before) = sends::queries::by_token(ctx.db(), ctx.store(), token).await? {
        return Ok(receipt(before.id, "already"));
    }
    let mut form = left_by(ctx.db(), ctx.store(), ctx.actor.user_id)
        .await?
        .unwrap_or_default();
    let store = ctx.shop().await?;
    if seal(&form, &Draft::of(&form, store, ctx.now)) != sealed {
        return Ok(changed(review(token)));
    }
    if store.in_quiet_hours(ctx.now) && !quiet_hours_confirmed {
        return Ok(review(token));
    }
    token.clone_into(&mut form.send_token);
    form.shown_count = shown.map(|n| n.to_string()).unwrap_or_default();
    send_now(ctx, &form, Asked::Answered).await
}

/// Where it is asked whether it may go.
fn review(token: &str) -> String {
    format!("{PATH}/review?token={}", encode(token))
}

async fn send_now(ctx: &Ctx, form: &CampaignForm, asked: Asked) -> Result<String, AppError> {
    let store = ctx.shop().await?;
    let draft = Draft::of(form, store, ctx.now);
    let preflight = rules::check_message(
        ctx.db(),
        store,
        &ctx.actor.name,
        &Message::without_name(&draft),
        form.not_again(),
        ctx.now,
    )
    .await?;
    let Some(filter) = draft.filter.clone().filter(|_| preflight.problems.is_empty()) else {
        return Err(kept(preflight.problems, format!("{PATH}?check=send_now")));
    };
    let shown_count = form.shown();
    if asked == Asked::NotYet
        && let Some(audience) = &preflight.audience
        && checks::asks_first(audience, shown_count, &checks::warnings(&preflight.checks))
    {
        return Ok(review(&form.send_token));
    }
    let what = StartBulk {
        subject: draft.subject,
        body: draft.body,
        fallbacks: fallbacks_of(form),
        filter,
        token: form.send_token.clone(),
        shown_count,
        of_send: form.of_send(),
        skip_already: form.skips_already(),
    };
    match start_bulk(ctx, what).await? {
        Started::Sending { send_id } => {
            keep(
                ctx,
                &Scratch {
                    form: form.clone(),
                    sent: Some(send_id),
                },
            )
            .await?;
            Ok(receipt(send_id, "sending"))
        }
        Started::AlreadyDone { send_id } => Ok(receipt(send_id, "already")),
        Started::NoRecipients => Ok(format!("{PATH}?none=1")),
    }
}

fn receipt(send: i64, ok: &str) -> String {
    format!("{PATH}/sent/{send}?ok={ok}")
}

/// Carries everything over into a draft; the form is empty afterwards. Whoever the send that it
/// goes on from reached is an earlier recipient of the campaign.
async fn as_campaign(ctx: &Ctx, form: &CampaignForm, mut draft: Draft) -> Result<String, AppError> {
    let first = match form.of_send() {
        Some(first) => sends::queries::find(ctx.db(), ctx.store(), first).await?,
        None => None,
    };
    draft.name.clone_from(&draft.subject);
    let by = By {
        store: ctx.store(),
        name: &ctx.actor.name,
        now: ctx.now,
    };
    let mut tx = ctx.db().begin().await?;
    let id = writing::insert(&mut tx, by, &draft, None, None)
        .await?
        .ok_or(AppError::Conflict)?;
    if let Some(first) = &first {
        go_on_from(&mut tx, first, id).await?;
    }
    writing::clear_scratch(&mut tx, ctx.actor.user_id).await?;
    let name = if draft.name.is_empty() { UNTITLED } else { &draft.name };
    let entry = audit::Entry {
        actor: &ctx.actor.name,
        action: "campaign.created",
        subject: "campaign",
        subject_id: Some(id),
        summary: format!("Made a bulk email into the campaign “{name}”"),
        before: None,
        after: first.map(|first| serde_json::json!({ "goes_on_from": first.id })),
    };
    audit::record(&mut tx, ctx.store(), entry, ctx.now).await?;
    tx.commit().await?;
    Ok(format!("/marketing/campaigns/{id}/edit?ok=from-bulk"))
}
