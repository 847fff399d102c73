//! Scheduling a campaign once more for the time it was to go at: after Send now was pressed on it and
//! taken back.

use super::{
    actions::remember_plan,
    draft::Draft,
    draft_queries as writing,
    preflight::checks::{self, Message, kept},
    queries,
    rules::{by, facts, note, scheduled_words},
    schedule,
};
use crate::{context::ctx::Ctx, error::AppError};

/// Schedules it for the time it still carries; answers where to go. `version` is the one somebody saw.
pub async fn schedule_again(ctx: &Ctx, id: i64, version: i64) -> Result<String, AppError> {
    let campaign = queries::find(ctx.db(), ctx.store(), id)
        .await?
        .ok_or(AppError::NotFound)?;
    if !campaign.status.is_editable() {
        return Err(AppError::Locked { campaign: id });
    }
    let shop = ctx.shop().await?;
    let edit = format!("/marketing/campaigns/{id}/edit?check=schedule");
    let mut draft = Draft::copied_from(&campaign, campaign.name.clone());
    draft.scheduled_local.clone_from(&campaign.scheduled_local);
    draft.scheduled_zone.clone_from(&campaign.scheduled_zone);
    draft.shown_count = campaign.shown_count;
    draft.shown_at = campaign.shown_at;
    draft.skip_already = campaign.skip_already;
    let problems = checks::problems(ctx.db(), shop, &ctx.actor.name, &Message::of(&draft)).await?;
    let due = schedule::of_campaign(&campaign, shop.zone(), ctx.now);
    let Some(at) = due.filter(|_| problems.is_empty()) else {
        return Err(kept(problems, edit));
    };
    let mut tx = ctx.db().begin().await?;
    if !writing::update(&mut tx, by(ctx), id, version, &draft, due).await? {
        return Err(AppError::Conflict);
    }
    let words = scheduled_words(&draft.name, campaign.scheduled_at, due, shop.zone());
    let after = Some(facts(&draft, due));
    note(&mut tx, ctx, "campaign.scheduled", id, words, None, after).await?;
    tx.commit().await?;
    remember_plan(ctx, &draft, id, at).await?;
    ctx.state.schedule_changed.notify_one();
    Ok(format!("/marketing/campaigns/{id}?ok=scheduled"))
}
