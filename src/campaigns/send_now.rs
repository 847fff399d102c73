//! Pressing Send now on a kept campaign: what is asked first, and where it leads.

use super::{
    draft::Draft,
    model::Saved,
    preflight::{
        checks::{self, Message, kept},
        rules,
    },
    queries::{self, Campaign},
    resend::AlreadySent,
};
use crate::{
    context::ctx::Ctx,
    error::AppError,
    paths::encode,
    sends::{
        self, audience_snapshot,
        rules::{StartCampaign, Started, start_campaign},
        scheduled,
    },
};

/// What somebody had before them when they pressed.
#[derive(Clone, Copy, Debug, Default)]
pub struct SeenByUser {
    /// The version of the campaign: another one is asked about again.
    pub version: i64,
    /// How many people it would go to.
    pub count: Option<i64>,
    /// What was said of those who already got it; as the campaign keeps it when nothing was.
    pub reached: Option<AlreadySent>,
    /// Whether they were told that customers may be asleep.
    pub quiet_hours_confirmed: bool,
}

/// Whether the question that some sends ask first has been answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    NotYet,
    Answered,
}

impl Asked {
    /// As the form says it.
    pub fn from_field(confirmed: &str) -> Self {
        match confirmed {
            "true" => Asked::Answered,
            _ => Asked::NotYet,
        }
    }
}

/// Presses Send now on a campaign that has just been kept, and answers where to go: its page, the
/// question whether it may go, or the form when there is nobody to send to.
pub async fn send_now(ctx: &Ctx, id: i64, token: &str, seen: SeenByUser, asked: Asked) -> Result<String, AppError> {
    let campaign = find(ctx, id).await?;
    if asked == Asked::NotYet && campaign.status.is_editable() {
        let preflight = rules::check_campaign(ctx.db(), ctx.shop().await?, &ctx.actor.name, &campaign, ctx.now).await?;
        if let Some(audience) = &preflight.audience
            && checks::asks_first(audience, seen.count, &checks::warnings(&preflight.checks))
        {
            return Ok(review(id, token, None));
        }
    }
    send(ctx, &campaign, token, seen).await
}

/// Sends after the review, or straight from the campaign's page. What is not what was on that page
/// any more is asked about again. Pressed twice, it answers what came of the first.
pub async fn confirm(ctx: &Ctx, id: i64, token: &str, seen: SeenByUser) -> Result<String, AppError> {
    if let Some(before) = sends::queries::by_token(ctx.db(), ctx.store(), token).await? {
        return Ok(already_done(before.campaign_id, before.id).path);
    }
    let store = ctx.shop().await?;
    let campaign = find(ctx, id).await?;
    if campaign.status.is_editable() {
        let draft = Draft::copied_from(&campaign, campaign.name.clone());
        let problems = checks::problems(ctx.db(), store, &ctx.actor.name, &Message::of(&draft)).await?;
        if !problems.is_empty() {
            return Err(kept(problems, format!("/marketing/campaigns/{id}/edit?check=send_now")));
        }
        if campaign.version != seen.version {
            return Ok(changed(review(id, token, seen.reached)));
        }
        if store.in_quiet_hours(ctx.now) && !seen.quiet_hours_confirmed {
            return Ok(review(id, token, seen.reached));
        }
    }
    send(ctx, &campaign, token, seen).await
}

/// Sends to those who are left after a try that ended early. Before anybody gets it a second time
/// the review asks, with their number.
pub async fn send_rest(ctx: &Ctx, id: i64, token: &str, seen: SeenByUser) -> Result<String, AppError> {
    match seen.reached {
        Some(AlreadySent::Again) => Ok(review(id, token, seen.reached)),
        _ => confirm(ctx, id, token, seen).await,
    }
}

async fn find(ctx: &Ctx, id: i64) -> Result<Campaign, AppError> {
    queries::find(ctx.db(), ctx.store(), id)
        .await?
        .ok_or(AppError::NotFound)
}

async fn send(ctx: &Ctx, campaign: &Campaign, token: &str, seen: SeenByUser) -> Result<String, AppError> {
    let id = campaign.id;
    if let Some(at) = campaign.scheduled_at {
        audience_snapshot::carry_over(ctx.db(), ctx.store(), &scheduled::token(id, at), token).await?;
    }
    let what = StartCampaign {
        campaign_id: id,
        version: Some(seen.version),
        token: token.to_owned(),
        skip_already: seen.reached.unwrap_or(AlreadySent::of(campaign)).is_left_out(),
        shown_count: seen.count,
    };
    let edit = format!("/marketing/campaigns/{id}/edit");
    match start_campaign(ctx, what).await {
        Ok(Started::Sending { .. }) => Ok(format!("/marketing/campaigns/{id}?ok=sending")),
        Ok(Started::AlreadyDone { .. }) => Ok(format!("/marketing/campaigns/{id}?ok=already")),
        Ok(Started::NoRecipients) => Ok(edit),
        Err(AppError::Conflict) => Ok(changed(review(id, token, seen.reached))),
        Err(AppError::Invalid { problems, .. }) => Err(kept(problems, format!("{edit}?check=send_now"))),
        Err(other) => Err(other),
    }
}

/// Where it is asked whether a campaign may go.
fn review(id: i64, token: &str, reached: Option<AlreadySent>) -> String {
    let reached = reached
        .map(|reached| format!("&reached={}", reached.key()))
        .unwrap_or_default();
    format!("/marketing/campaigns/{id}/review?token={}{reached}", encode(token))
}

/// The address of a question that was asked before, about something else.
pub(crate) fn changed(question: String) -> String {
    question + "&changed=1"
}

pub(crate) fn already_done(campaign: Option<i64>, send: i64) -> Saved {
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
