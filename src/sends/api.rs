//! Undo, send immediately, and how far it is.

use leptos::prelude::*;
use leptos::server_fn::codec::{Json, PostUrl};

use super::model::Progress;
use crate::error::AppError;

/// Takes a send back while nothing has gone out.
#[server(prefix = "/api", endpoint = "sends/undo", input = PostUrl)]
pub async fn undo_send(send_id: i64) -> Result<(), AppError> {
    let ctx = crate::context::ctx::require(crate::context::actor::Permission::SendCampaigns)?;
    let response = crate::context::response::response_context()?;
    let undone = super::undo::undo(&ctx, send_id).await?;
    response.redirect(&super::undo::after_undo(&ctx, send_id, undone).await?);
    Ok(())
}

/// Ends the time to undo now.
#[server(prefix = "/api", endpoint = "sends/go", input = PostUrl)]
pub async fn send_immediately(send_id: i64) -> Result<(), AppError> {
    let ctx = crate::context::ctx::require(crate::context::actor::Permission::SendCampaigns)?;
    super::undo::send_immediately(&ctx, send_id).await
}

/// Stops a send for good.
#[server(prefix = "/api", endpoint = "sends/stop", input = PostUrl)]
pub async fn stop_send(send_id: i64) -> Result<(), AppError> {
    let ctx = crate::context::ctx::require(crate::context::actor::Permission::SendCampaigns)?;
    let response = crate::context::response::response_context()?;
    response.redirect(&super::pause_stop::stop(&ctx, send_id).await?);
    Ok(())
}

/// Lets nothing more out until it is resumed.
#[server(prefix = "/api", endpoint = "sends/pause", input = PostUrl)]
pub async fn pause_send(send_id: i64) -> Result<(), AppError> {
    let ctx = crate::context::ctx::require(crate::context::actor::Permission::SendCampaigns)?;
    super::pause_stop::pause(&ctx, send_id).await
}

/// Goes on after a pause; `quiet_hours_confirmed`: whether it was said that customers may be asleep.
#[server(prefix = "/api", endpoint = "sends/resume", input = PostUrl)]
pub async fn resume_send(send_id: i64, #[server(default)] quiet_hours_confirmed: String) -> Result<(), AppError> {
    let ctx = crate::context::ctx::require(crate::context::actor::Permission::SendCampaigns)?;
    let response = crate::context::response::response_context()?;
    response.redirect(&super::pause_stop::resume(&ctx, send_id, quiet_hours_confirmed == "true").await?);
    Ok(())
}

/// Counts what the provider never answered, for one message or the whole send, as sent.
#[server(prefix = "/api", endpoint = "sends/treat-as-sent", input = PostUrl)]
pub async fn treat_as_sent(send_id: i64, #[server(default)] message_id: Option<i64>) -> Result<(), AppError> {
    let ctx = crate::context::ctx::require(crate::context::actor::Permission::SendCampaigns)?;
    let response = crate::context::response::response_context()?;
    response.redirect(&super::unconfirmed::treat_as_sent(&ctx, send_id, message_id).await?);
    Ok(())
}

/// Sends what the provider never answered once more, to one person or all of them.
#[server(prefix = "/api", endpoint = "sends/again", input = PostUrl)]
pub async fn send_again(
    send_id: i64,
    #[server(default)] message_id: Option<i64>,
    send_token: String,
    #[server(default)] quiet_hours_confirmed: String,
) -> Result<(), AppError> {
    let ctx = crate::context::ctx::require(crate::context::actor::Permission::SendCampaigns)?;
    let response = crate::context::response::response_context()?;
    let quiet_hours_confirmed = quiet_hours_confirmed == "true";
    response.redirect(
        &super::unconfirmed::send_again(&ctx, send_id, message_id, &send_token, quiet_hours_confirmed).await?,
    );
    Ok(())
}

/// Goes on with a send that seems to have stopped.
#[server(prefix = "/api", endpoint = "sends/go-on", input = PostUrl)]
pub async fn go_on(send_id: i64, #[server(default)] quiet_hours_confirmed: String) -> Result<(), AppError> {
    let ctx = crate::context::ctx::require(crate::context::actor::Permission::SendCampaigns)?;
    let response = crate::context::response::response_context()?;
    response.redirect(&super::stalled::go_on(&ctx, send_id, quiet_hours_confirmed == "true").await?);
    Ok(())
}

/// Ends a send that seems to have stopped: a draft again, or finished with what went out.
#[server(prefix = "/api", endpoint = "sends/end", input = PostUrl)]
pub async fn end_stalled(send_id: i64) -> Result<(), AppError> {
    let ctx = crate::context::ctx::require(crate::context::actor::Permission::SendCampaigns)?;
    let response = crate::context::response::response_context()?;
    response.redirect(&super::stalled::end(&ctx, send_id).await?);
    Ok(())
}

/// How far a send is. `after` is the newest message already shown.
#[server(prefix = "/api", endpoint = "sends/progress", input = Json)]
pub async fn send_progress(send_id: i64) -> Result<Progress, AppError> {
    let ctx = crate::context::ctx::require(crate::context::actor::Permission::SeeCampaigns)?;
    super::progress::progress(&ctx, send_id).await
}
