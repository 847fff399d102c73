//! Saving what holds for the mail account, from plain forms.

use leptos::prelude::*;

use leptos::server_fn::codec::PostUrl;

use crate::{
    context::{actor::Permission, ctx, response},
    error::AppError,
    mail_accounts::{
        mail_provider::{self, MailProviderSection},
        smtp_settings::{self, MailServerSection},
    },
};

/// Saves the section "Mail server".
#[server(prefix = "/api", endpoint = "settings/mail-server", input = PostUrl)]
pub async fn save_mail_server(
    #[server(default)] rate: String,
    #[server(default)] domain_rate: String,
    #[server(default)] connections: String,
) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::ManageStore)?;
    let response = response::response_context()?;
    let section = MailServerSection {
        rate,
        domain_rate,
        connections,
    };
    smtp_settings::save(&ctx, section).await?;
    response.redirect("/settings?ok=mail-server");
    Ok(())
}

/// Saves the section "Mail provider".
#[server(prefix = "/api", endpoint = "settings/mail-provider", input = PostUrl)]
pub async fn save_mail_provider(
    #[server(default)] provider: String,
    #[server(default)] events_password: String,
) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::ManageStore)?;
    let response = response::response_context()?;
    let section = MailProviderSection {
        provider,
        secret: events_password,
    };
    mail_provider::save(&ctx, section).await?;
    response.redirect("/settings?ok=mail-provider");
    Ok(())
}
