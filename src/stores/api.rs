//! Saving the store's settings, from plain forms.

use leptos::prelude::*;
use leptos::server_fn::codec::PostUrl;

use super::{
    mail_provider::{self, MailProviderSection},
    mail_server::{self, MailServerSection},
    settings::{self, SafetySection, SendingSection, StoreSection, TimingSection},
};
use crate::{
    auth::{guard, model::Permission},
    error::AppError,
    server::respond,
};

/// Saves the section "Store".
#[server(prefix = "/api", endpoint = "settings/store", input = PostUrl)]
pub async fn save_store(
    #[server(default)] name: String,
    #[server(default)] time_zone: String,
    #[server(default)] country: String,
    #[server(default)] currency: String,
) -> Result<(), AppError> {
    let ctx = guard::require(Permission::ManageStore)?;
    let response = respond::response_context()?;
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
    let ctx = guard::require(Permission::ManageStore)?;
    let response = respond::response_context()?;
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
    let ctx = guard::require(Permission::ManageStore)?;
    let response = respond::response_context()?;
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
    let ctx = guard::require(Permission::ManageStore)?;
    let response = respond::response_context()?;
    let section = TimingSection {
        late_grace_minutes,
        quiet_from,
        quiet_to,
    };
    settings::save_timing(&ctx, section).await?;
    response.redirect("/settings?ok=timing");
    Ok(())
}

/// Saves the section "Mail server".
#[server(prefix = "/api", endpoint = "settings/mail-server", input = PostUrl)]
pub async fn save_mail_server(
    #[server(default)] rate: String,
    #[server(default)] domain_rate: String,
    #[server(default)] connections: String,
) -> Result<(), AppError> {
    let ctx = guard::require(Permission::ManageStore)?;
    let response = respond::response_context()?;
    let section = MailServerSection {
        rate,
        domain_rate,
        connections,
    };
    mail_server::save(&ctx, section).await?;
    response.redirect("/settings?ok=mail-server");
    Ok(())
}

/// Saves the section "Mail provider".
#[server(prefix = "/api", endpoint = "settings/mail-provider", input = PostUrl)]
pub async fn save_mail_provider(
    #[server(default)] provider: String,
    #[server(default)] events_password: String,
) -> Result<(), AppError> {
    let ctx = guard::require(Permission::ManageStore)?;
    let response = respond::response_context()?;
    let section = MailProviderSection {
        provider,
        secret: events_password,
    };
    mail_provider::save(&ctx, section).await?;
    response.redirect("/settings?ok=mail-provider");
    Ok(())
}
