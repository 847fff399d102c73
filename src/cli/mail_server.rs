//! `loupe mail-server`: how fast, and over how many connections, it is used, and whose it is.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failure, open, say};
use crate::{
    channels::email::events::Provider,
    context::Settings,
    db::Db,
    mail_accounts::{
        mail_provider::{self, MailProviderSection},
        smtp_settings::{self, MailServerSection},
    },
    time::Clock,
};

/// What to set; without any, what is set is said.
#[derive(Clone, Debug, Args)]
pub struct MailServerArgs {
    /// Messages a second, at most; 0: as LOUPE_SMTP_URL says
    #[arg(long)]
    rate: Option<i64>,
    /// Messages a second to one recipient domain, at most; 0: no limit
    #[arg(long)]
    domain_rate: Option<i64>,
    /// Connections at a time from each running program; 0: as LOUPE_SMTP_URL says
    #[arg(long)]
    connections: Option<i64>,
    /// Whose it is, as some tell what became of messages: mailgun, postmark, resend or another
    #[arg(long)]
    provider: Option<String>,
    /// A file with the secret of the provider's events: Mailgun's HTTP webhook signing key, a password
    /// for Postmark's user loupe, the signing secret of Resend's webhook
    #[arg(long, requires = "provider", value_name = "FILE")]
    events_secret_file: Option<PathBuf>,
}

pub(super) async fn run(settings: &Settings, args: MailServerArgs) -> Result<(), Failure> {
    let db = open(settings).await?;
    let none = || Failure::setting("LOUPE_SMTP_URL", "there is no mail server: messages stay in the outbox");
    let server = smtp_settings::current(&db, settings).await?.ok_or_else(none)?;
    let new = MailServerSection {
        rate: typed(args.rate.or(server.limits.rate)),
        domain_rate: typed(args.domain_rate.or(server.limits.domain_rate)),
        connections: typed(args.connections.or(server.limits.connections)),
    };
    smtp_settings::set(&db, &server, "Command line", &new, Clock::System.now()).await?;
    if let Some(name) = &args.provider {
        set_provider(&db, settings, name, args.events_secret_file.as_deref()).await?;
    }
    let provider = mail_provider::current(&db, settings).await?.ok_or_else(none)?;
    let limits = smtp_settings::current(&db, settings).await?.ok_or_else(none)?.limits;
    db.close().await;
    let words = |limit: Option<i64>| limit.map_or_else(|| "as LOUPE_SMTP_URL says".to_owned(), |n| n.to_string());
    say(&format!("Messages a second: {}", words(limits.rate)));
    let to_one_domain = limits
        .domain_rate
        .map_or_else(|| "no limit".to_owned(), |n| n.to_string());
    say(&format!("Messages a second to one domain: {to_one_domain}"));
    say(&format!("Connections at a time: {}", words(limits.connections)));
    let name = provider.provider().map_or("another", Provider::name);
    say(&format!("Mail provider: {name}"));
    if let Some(hook) = provider.hook {
        say(&format!("Its events go to: {hook}"));
    }
    Ok(())
}

async fn set_provider(db: &Db, settings: &Settings, name: &str, secret: Option<&Path>) -> Result<(), Failure> {
    let secret = match secret {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| Failure::said(format!("{} can't be read: {error}", path.display())))?,
        None => String::new(),
    };
    let provider = if name == "another" {
        String::new()
    } else {
        name.to_owned()
    };
    if let Some(current) = mail_provider::current(db, settings).await? {
        let new = MailProviderSection { provider, secret };
        mail_provider::set(db, settings, &current, "Command line", &new, Clock::System.now()).await?;
    }
    Ok(())
}

/// As the form has it: nothing typed is nothing set.
fn typed(limit: Option<i64>) -> String {
    limit.filter(|n| *n != 0).map(|n| n.to_string()).unwrap_or_default()
}
