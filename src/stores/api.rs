//! Saving the store's settings, from plain forms.

use leptos::prelude::*;
use leptos::server_fn::codec::PostUrl;

use super::settings::{self, SafetySection, SendingSection, StoreSection, TimingSection};
use crate::{
    context::{actor::Permission, ctx, response},
    error::AppError,
};

/// Saves the section "Store".
#[server(prefix = "/api", endpoint = "settings/store", input = PostUrl)]
pub async fn save_store(
    #[server(default)] name: String,
    #[server(default)] time_zone: String,
    #[server(default)] country: String,
    #[server(default)] currency: String,
) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::ManageStore)?;
    let response = response::response_context()?;
    let section = StoreSection {
        name,
        time_zone,
        country,
        currency,
    };
    settings::save_store(&ctx, section).await?;
    response.redirect("/settings?ok=store");
    Ok(())
}

/// Saves the section "Sending".
#[server(prefix = "/api", endpoint = "settings/sending", input = PostUrl)]
pub async fn save_sending(
    #[server(default)] from_name: String,
    #[server(default)] from_email: String,
    #[server(default)] reply_to: String,
    #[server(default)] footer: String,
) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::ManageStore)?;
    let response = response::response_context()?;
    let section = SendingSection {
        from_name,
        from_email,
        reply_to,
        footer,
    };
    settings::save_sending(&ctx, section).await?;
    response.redirect("/settings?ok=sending");
    Ok(())
}

/// Saves the section "Safety".
#[server(prefix = "/api", endpoint = "settings/safety", input = PostUrl)]
pub async fn save_safety(
    #[server(default)] undo_seconds: String,
    #[server(default)] email_requires_opt_in: bool,
    #[server(default)] email_basis_reason: String,
) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::ManageStore)?;
    let response = response::response_context()?;
    let section = SafetySection {
        undo_seconds,
        email_requires_opt_in,
        email_basis_reason,
    };
    settings::save_safety(&ctx, section).await?;
    response.redirect("/settings?ok=safety");
    Ok(())
}

/// Saves the section "Planned sends and quiet hours".
#[server(prefix = "/api", endpoint = "settings/timing", input = PostUrl)]
pub async fn save_timing(
    #[server(default)] late_grace_minutes: String,
    #[server(default)] quiet_from: String,
    #[server(default)] quiet_to: String,
) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::ManageStore)?;
    let response = response::response_context()?;
    let section = TimingSection {
        late_grace_minutes,
        quiet_from,
        quiet_to,
    };
    settings::save_timing(&ctx, section).await?;
    response.redirect("/settings?ok=timing");
    Ok(())
}
