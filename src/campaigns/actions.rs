//! What the buttons of the form do: each keeps what was typed first, then does what it says.

use chrono::{DateTime, Utc};

use super::{
    draft::Draft,
    model::{CampaignForm, Intent, Saved},
    preflight::checks::{self, Message, kept as kept_at},
    queries,
    rules::{self, Kept, Place, draft_of},
    schedule as clock,
    send_now::{Asked, SeenByUser, already_done, send_now},
};
use crate::{
    context::ctx::Ctx,
    error::AppError,
    paths::encode,
    recipients::{self, model::Earlier},
    sends::{self, audience_snapshot, rules::already_sending, scheduled},
    time,
};

/// Keeps the form, and shows it again where the pressed button leads.
pub async fn save(ctx: &Ctx, form: &CampaignForm, intent: Intent) -> Result<Saved, AppError> {
    let mut draft = draft_of(ctx, form, intent).await?;
    let place = match intent {
        Intent::Draft => Place::Off,
        _ => Place::AsItWas,
    };
    if intent == Intent::Draft && draft.name.is_empty() {
        draft.name = rules::untitled(ctx).await?;
    }
    let kept = rules::save(ctx, form, draft, place).await?;
    if kept.is_copy {
        return kept_apart(ctx, form, &kept).await;
    }
    let edit = edit_page(kept.id);
    let off = if kept.unscheduled { "&off=1" } else { "" };
    let path = match intent {
        Intent::Draft | Intent::AsCampaign | Intent::StartOver => format!("{edit}?ok=saved"),
        Intent::UseTemplate => format!("{edit}?ok=filled{off}#template"),
        Intent::RefreshCount => format!("{edit}?ok=counted{off}#who"),
        Intent::SeePreview => format!("{edit}?ok=shown{off}#preview"),
        Intent::FindCustomer => {
            let text = encode(form.find_customer.trim());
            format!("{edit}?find={text}{off}#p-manual")
        }
    };
    saved(ctx, &kept, path).await
}

/// Keeps the form and sends it. What is in the way is said on the page of the kept campaign;
/// pressed twice, it answers what came of the first.
pub async fn send(ctx: &Ctx, form: &CampaignForm, asked: Asked) -> Result<Saved, AppError> {
    if let Some(before) = sends::queries::by_token(ctx.db(), ctx.store(), &form.send_token).await? {
        return Ok(already_done(before.campaign_id, before.id));
    }
    let draft = draft_of(ctx, form, Intent::Draft).await?;
    let kept = match rules::save(ctx, form, draft.clone(), Place::AsItWas).await {
        Err(AppError::Locked { campaign }) => return Err(locked(ctx, campaign, &draft).await?),
        kept => kept?,
    };
    if kept.is_copy {
        return kept_apart(ctx, form, &kept).await;
    }
    let problems = checks::problems(ctx.db(), ctx.shop().await?, &ctx.actor.name, &Message::of(&kept.draft)).await?;
    if !problems.is_empty() {
        return Err(kept_at(problems, format!("{}?check=send_now", edit_page(kept.id))));
    }
    let seen = SeenByUser {
        version: kept.version,
        count: form.shown(),
        ..SeenByUser::default()
    };
    let path = send_now(ctx, kept.id, &form.send_token, seen, asked).await?;
    saved(ctx, &kept, path).await
}

/// What is said of a campaign that can't be changed any more. Where the very same message is being
/// sent, Send now was pressed once more: the campaign's page shows how far it is.
async fn locked(ctx: &Ctx, id: i64, draft: &Draft) -> Result<AppError, AppError> {
    let campaign = queries::find(ctx.db(), ctx.store(), id).await?;
    let is_the_same = campaign.is_some_and(|campaign| draft.says_the_same_as(&campaign));
    let going = match is_the_same {
        true => already_sending(ctx.db(), ctx.store(), id).await?,
        false => None,
    };
    let back_to = Some(format!("/marketing/campaigns/{id}"));
    Ok(match going {
        Some(words) => AppError::Refused { words, back_to },
        None => AppError::Locked { campaign: id },
    })
}

/// Keeps the form with the time it is to go at. What is in the way is said on the page of the kept
/// campaign, which is a draft then.
pub async fn schedule(ctx: &Ctx, form: &CampaignForm) -> Result<Saved, AppError> {
    let shop = ctx.shop().await?;
    let draft = draft_of(ctx, form, Intent::Draft).await?;
    let mut problems = checks::problems(ctx.db(), shop, &ctx.actor.name, &Message::of(&draft)).await?;
    let moment = match clock::moment(&form.date, &form.time, &form.fold, shop.zone(), ctx.now) {
        Ok(at) => Some(at).filter(|_| problems.is_empty()),
        Err(more) => {
            problems.extend(more);
            None
        }
    };
    let kept = rules::save(ctx, form, draft, moment.map_or(Place::Off, Place::At)).await?;
    if kept.is_copy {
        return kept_apart(ctx, form, &kept).await;
    }
    let Some(at) = moment else {
        return Err(kept_at(problems, format!("{}?check=schedule", edit_page(kept.id))));
    };
    remember_plan(ctx, &kept.draft, kept.id, at).await?;
    ctx.state.schedule_changed.notify_one();
    saved(ctx, &kept, format!("/marketing/campaigns/{}?ok=scheduled", kept.id)).await
}

/// Keeps whom it would go to at the moment it was planned.
pub(crate) async fn remember_plan(ctx: &Ctx, draft: &Draft, id: i64, at: DateTime<Utc>) -> Result<(), AppError> {
    if let Some(filter) = &draft.filter {
        let not_again = draft.skip_already.then_some(Earlier::Campaign(id));
        let scope = recipients::rules::scope(ctx.shop().await?, ctx.now, not_again);
        audience_snapshot::keep(ctx.db(), &scope, filter, &scheduled::token(id, at)).await?;
    }
    Ok(())
}

fn edit_page(id: i64) -> String {
    format!("/marketing/campaigns/{id}/edit")
}

/// Somebody else changed the campaign meanwhile: both are kept.
async fn kept_apart(ctx: &Ctx, form: &CampaignForm, kept: &Kept) -> Result<Saved, AppError> {
    let of = form.campaign_id().unwrap_or_default();
    saved(ctx, kept, format!("{}?ok=kept-apart&of={of}", edit_page(kept.id))).await
}

async fn saved(ctx: &Ctx, kept: &Kept, path: String) -> Result<Saved, AppError> {
    let at = time::clock(ctx.now, ctx.shop().await?.zone());
    Ok(Saved {
        id: kept.id,
        version: kept.version,
        name: kept.draft.name.clone(),
        words: format!("Saved as draft at {at}."),
        path,
        is_copy: kept.is_copy,
    })
}
