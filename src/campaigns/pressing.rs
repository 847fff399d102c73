//! Pressing Send now on a kept campaign: what is asked first, and where it leads.

use super::{
    again::Reached,
    checks::{self, Message, kept},
    draft::Draft,
    look,
    model::{CampaignForm, Intent, Saved},
    rules::store_of,
    store,
};
use crate::{
    auth::guard::Ctx,
    error::AppError,
    sends::{
        self, planned,
        rules::{StartCampaign, Started, start_campaign},
        shown,
    },
    ui::links::encode,
};

/// Whether the person has been asked whether it may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    NotYet,
    /// With this many people on the page, and with what it said of those who already got it; as
    /// the campaign keeps it when it said nothing.
    Shown(Option<i64>, Option<Reached>),
}

impl Asked {
    /// As the pressed button of a form says.
    pub(super) fn by(intent: Intent, form: &CampaignForm) -> Self {
        match intent {
            Intent::SendConfirmed => Asked::Shown(form.shown(), None),
            _ => Asked::NotYet,
        }
    }
}

/// Presses Send now on a kept campaign and answers where to go: its page, the question whether
/// it may go, or the form when there is nobody to send to.
pub async fn send_now(ctx: &Ctx, id: i64, token: &str, asked: Asked) -> Result<String, AppError> {
    let campaign = store::find(ctx.db(), ctx.store(), id)
        .await?
        .ok_or(AppError::NotFound)?;
    let (shown_count, reached) = match asked {
        Asked::Shown(count, reached) => (count, reached.unwrap_or(Reached::of(&campaign))),
        Asked::NotYet => (campaign.shown_count, Reached::of(&campaign)),
    };
    if asked == Asked::NotYet && campaign.status.is_editable() {
        let store = store_of(ctx).await?;
        let look = look::look(ctx.db(), &store, &ctx.actor.name, &campaign, ctx.now).await?;
        if let Some(audience) = &look.audience
            && checks::asks_first(audience, shown_count, &checks::warnings(&look.checks))
        {
            return Ok(format!("/marketing/campaigns/{id}/review?token={}", encode(token)));
        }
    }
    if let Some(at) = campaign.scheduled_at {
        shown::carry_over(ctx.db(), ctx.store(), &planned::token(id, at), token).await?;
    }
    let what = StartCampaign {
        campaign_id: id,
        token: token.to_owned(),
        skip_already: reached.is_left_out(),
        shown_count,
    };
    let edit = format!("/marketing/campaigns/{id}/edit");
    match start_campaign(ctx, what).await {
        Ok(Started::Sending { .. }) => Ok(format!("/marketing/campaigns/{id}?ok=sending")),
        Ok(Started::AlreadyDone { .. }) => Ok(format!("/marketing/campaigns/{id}?ok=already")),
        Ok(Started::NoRecipients) => Ok(edit),
        Err(AppError::Invalid { problems, .. }) => Err(kept(problems, format!("{edit}?check=send_now"))),
        Err(other) => Err(other),
    }
}

/// Sends after the review; pressed twice, it answers what came of the first.
pub async fn confirm(
    ctx: &Ctx,
    id: i64,
    token: &str,
    shown: Option<i64>,
    reached: Option<Reached>,
) -> Result<String, AppError> {
    if let Some(before) = sends::store::by_token(ctx.db(), ctx.store(), token).await? {
        return Ok(already_done(before.campaign_id, before.id).path);
    }
    let store = store_of(ctx).await?;
    let campaign = store::find(ctx.db(), ctx.store(), id)
        .await?
        .ok_or(AppError::NotFound)?;
    if campaign.status.is_editable() {
        let draft = Draft::copied_from(&campaign, campaign.name.clone());
        let problems = checks::problems(ctx.db(), &store, &ctx.actor.name, &Message::of(&draft)).await?;
        if !problems.is_empty() {
            return Err(kept(problems, format!("/marketing/campaigns/{id}/edit?check=send_now")));
        }
    }
    send_now(ctx, id, token, Asked::Shown(shown, reached)).await
}

/// Sends to those who are left after a try that ended early. Before anybody gets it a second time
/// the review asks, with their number.
pub async fn send_rest(
    ctx: &Ctx,
    id: i64,
    token: &str,
    shown: Option<i64>,
    reached: Reached,
) -> Result<String, AppError> {
    match reached {
        Reached::LeftOut => confirm(ctx, id, token, shown, Some(reached)).await,
        Reached::Again => Ok(format!(
            "/marketing/campaigns/{id}/review?token={}&reached={}",
            encode(token),
            reached.key()
        )),
    }
}

pub(super) fn already_done(campaign: Option<i64>, send: i64) -> Saved {
    let path = match campaign {
        Some(id) => format!("/marketing/campaigns/{id}?ok=already"),
        None => format!("/marketing/bulk-email/sent/{send}?ok=already"),
    };
    Saved {
        id: campaign.unwrap_or_default(),
        version: 0,
        name: String::new(),
        words: String::new(),
        path,
        is_copy: false,
    }
}
