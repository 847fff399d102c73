//! Writing, duplicating, scheduling and deleting campaigns, from a form or from an island.

use leptos::{
    prelude::*,
    server_fn::codec::{Json, PostUrl},
};

use super::{
    model::{CampaignForm, Saved, TemplateWording, WhenWords},
    preflight::model::PreflightView,
};
use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::{
    campaigns::{
        actions, bulk,
        model::Kind,
        preflight::confirmation::{self, Purpose},
        reschedule,
        resend::AlreadySent,
        rules, schedule,
        send_now::{self, Asked, SeenByUser},
    },
    context::{actor::Permission, ctx, response},
    templates,
};

/// The form, if it is one: from a body that holds nothing of it, nothing is made. `pressed` is what
/// came with it.
#[cfg(feature = "ssr")]
fn whole(form: CampaignForm, pressed: &str) -> Result<CampaignForm, AppError> {
    let is_nothing = pressed.is_empty() && form == CampaignForm::default();
    match form.is_whole() && !is_nothing {
        true => Ok(form),
        false => Err(AppError::not_whole()),
    }
}

/// Keeps the form, and shows it again where the pressed button leads. With `in_place` the page
/// stays.
#[server(prefix = "/api", endpoint = "campaigns/save", input = PostUrl)]
pub async fn save_campaign(
    #[server(flatten)] form: CampaignForm,
    #[server(default)] intent: String,
    #[server(default)] in_place: String,
) -> Result<Saved, AppError> {
    let ctx = ctx::require(Permission::SendCampaigns)?;
    let response = response::response_context()?;
    let form = whole(form, &intent)?;
    let saved = actions::save(&ctx, &form, form.intent(&intent)).await?;
    if in_place != "true" {
        response.redirect(&saved.path);
    }
    Ok(saved)
}

/// Keeps the form and sends it. `confirmed` is the answer to the question that some sends ask
/// first; without it those lead to the question.
#[server(prefix = "/api", endpoint = "campaigns/send", input = PostUrl)]
pub async fn send_campaign(
    #[server(flatten)] form: CampaignForm,
    #[server(default)] confirmed: String,
) -> Result<Saved, AppError> {
    let ctx = ctx::require(Permission::SendCampaigns)?;
    let response = response::response_context()?;
    let form = whole(form, &confirmed)?;
    let saved = actions::send(&ctx, &form, Asked::from_field(&confirmed)).await?;
    response.redirect(&saved.path);
    Ok(saved)
}

/// Keeps the form and schedules it for the time it holds.
#[server(prefix = "/api", endpoint = "campaigns/schedule", input = PostUrl)]
pub async fn schedule_campaign(#[server(flatten)] form: CampaignForm) -> Result<Saved, AppError> {
    let ctx = ctx::require(Permission::SendCampaigns)?;
    let response = response::response_context()?;
    let form = whole(form, "")?;
    let saved = actions::schedule(&ctx, &form).await?;
    response.redirect(&saved.path);
    Ok(saved)
}

/// Looks at the form as it stands and keeps nothing: the checks and, when `sending` is about to be
/// pressed, what that would ask first.
#[server(prefix = "/api", endpoint = "campaigns/preflight", input = PostUrl)]
pub async fn preflight(
    #[server(flatten)] form: CampaignForm,
    #[server(default)] kind: String,
    #[server(default)] sending: String,
) -> Result<PreflightView, AppError> {
    let ctx = ctx::require(Permission::SendCampaigns)?;
    let form = whole(form, &kind)?;
    let purpose = match sending.as_str() {
        "true" => Purpose::Sending,
        _ => Purpose::Writing,
    };
    confirmation::check_form(&ctx, &form, Kind::from_key(&kind), purpose).await
}

/// Sends a campaign after its review, or from its page. `reached` is what was said there of those
/// who already got it, `quiet_hours_confirmed` whether it was said that customers may be asleep.
#[server(prefix = "/api", endpoint = "campaigns/confirm", input = PostUrl)]
pub async fn confirm_campaign(
    id: i64,
    send_token: String,
    #[server(default)] version: i64,
    #[server(default)] shown_count: Option<i64>,
    #[server(default)] reached: String,
    #[server(default)] quiet_hours_confirmed: String,
) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::SendCampaigns)?;
    let response = response::response_context()?;
    let seen = SeenByUser {
        version,
        count: shown_count,
        reached: AlreadySent::from_key(&reached),
        quiet_hours_confirmed: quiet_hours_confirmed == "true",
    };
    response.redirect(&send_now::confirm(&ctx, id, &send_token, seen).await?);
    Ok(())
}

/// Sends what an earlier try left over. Whoever got it gets it again only after another question.
#[server(prefix = "/api", endpoint = "campaigns/send-rest", input = PostUrl)]
pub async fn send_rest(
    id: i64,
    send_token: String,
    #[server(default)] version: i64,
    #[server(default)] shown_count: Option<i64>,
    #[server(default)] skip_already: String,
) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::SendCampaigns)?;
    let response = response::response_context()?;
    let seen = SeenByUser {
        version,
        count: shown_count,
        reached: Some(AlreadySent::of_tick(&skip_already)),
        ..SeenByUser::default()
    };
    response.redirect(&send_now::send_rest(&ctx, id, &send_token, seen).await?);
    Ok(())
}

/// Takes a campaign off the schedule.
#[server(prefix = "/api", endpoint = "campaigns/unschedule", input = PostUrl)]
pub async fn unschedule_campaign(id: i64) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::SendCampaigns)?;
    let response = response::response_context()?;
    rules::unschedule(&ctx, id).await?;
    response.redirect(&format!("/marketing/campaigns/{id}?ok=unscheduled"));
    Ok(())
}

/// Schedules a campaign once more for the time it was to go at.
#[server(prefix = "/api", endpoint = "campaigns/schedule-again", input = PostUrl)]
pub async fn schedule_again(id: i64, #[server(default)] version: i64) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::SendCampaigns)?;
    let response = response::response_context()?;
    response.redirect(&reschedule::schedule_again(&ctx, id, version).await?);
    Ok(())
}

/// Copies a campaign into a fresh draft.
#[server(prefix = "/api", endpoint = "campaigns/duplicate", input = PostUrl)]
pub async fn duplicate_campaign(id: i64) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::SendCampaigns)?;
    let response = response::response_context()?;
    let copy = rules::duplicate(&ctx, id).await?;
    response.redirect(&format!("/marketing/campaigns/{copy}/edit?ok=copied&of={id}"));
    Ok(())
}

/// Deletes a campaign that is not being sent.
#[server(prefix = "/api", endpoint = "campaigns/delete", input = PostUrl)]
pub async fn delete_campaign(id: i64) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::SendCampaigns)?;
    let response = response::response_context()?;
    rules::delete(&ctx, id).await?;
    response.redirect("/marketing/campaigns?ok=deleted");
    Ok(())
}

/// A typed time said back in the store's time.
#[server(prefix = "/api", endpoint = "campaigns/when", input = Json)]
pub async fn when_it_goes(date: String, time: String, fold: String) -> Result<WhenWords, AppError> {
    let ctx = ctx::require(Permission::SendCampaigns)?;
    Ok(schedule::words(&date, &time, &fold, ctx.shop().await?.zone(), ctx.now))
}

/// A template's wording.
#[server(prefix = "/api", endpoint = "campaigns/template", input = Json)]
pub async fn template_text(id: i64) -> Result<TemplateWording, AppError> {
    let ctx = ctx::require(Permission::SendCampaigns)?;
    let found = templates::queries::find(ctx.db(), ctx.store(), id)
        .await?
        .ok_or(AppError::NotFound)?;
    Ok(TemplateWording {
        name: found.name,
        subject: found.subject,
        body: found.body,
    })
}

/// Keeps the one-shot form, and shows it again where the pressed button leads: the answer.
#[server(prefix = "/api", endpoint = "bulk-email/save", input = PostUrl)]
pub async fn save_bulk_email(
    #[server(flatten)] form: CampaignForm,
    #[server(default)] intent: String,
) -> Result<String, AppError> {
    let ctx = ctx::require(Permission::SendCampaigns)?;
    let response = response::response_context()?;
    let form = whole(form, &intent)?;
    let path = bulk::save(&ctx, &form, form.intent(&intent)).await?;
    response.redirect(&path);
    Ok(path)
}

/// Keeps the one-shot form and sends it; answers where that leads. See [`send_campaign`] for
/// `confirmed`.
#[server(prefix = "/api", endpoint = "bulk-email/send", input = PostUrl)]
pub async fn send_bulk_email(
    #[server(flatten)] form: CampaignForm,
    #[server(default)] confirmed: String,
) -> Result<String, AppError> {
    let ctx = ctx::require(Permission::SendCampaigns)?;
    let response = response::response_context()?;
    let form = whole(form, &confirmed)?;
    let path = bulk::send(&ctx, &form, Asked::from_field(&confirmed)).await?;
    response.redirect(&path);
    Ok(path)
}

/// Sends the one-shot form after its review; `seal` is of what stood there.
#[server(prefix = "/api", endpoint = "bulk-email/confirm", input = PostUrl)]
pub async fn confirm_bulk(
    send_token: String,
    #[server(default)] seal: String,
    #[server(default)] shown_count: Option<i64>,
    #[server(default)] quiet_hours_confirmed: String,
) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::SendCampaigns)?;
    let response = response::response_context()?;
    response.redirect(&bulk::confirm(&ctx, &send_token, &seal, shown_count, quiet_hours_confirmed == "true").await?);
    Ok(())
}
