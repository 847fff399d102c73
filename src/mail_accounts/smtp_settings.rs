//! How fast, and over how many connections, the mail account is used. It is one for all stores of
//! this installation: an owner sets it while there is no other store that it would slow down, and
//! afterwards whoever runs the program (`loupe mail-server`).

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    audit,
    channels::email::smtp::Account,
    context::{Settings, ctx::Ctx},
    db::Db,
    error::AppError,
    mail_accounts::{
        account_queries::{self, Limits},
        limits::FASTEST,
    },
    stores::{
        queries as stores,
        settings::{Checks, whole},
    },
};

/// The section "Mail server"; empty is as `LOUPE_SMTP_URL` says.
#[derive(Clone, Debug)]
pub struct MailServerSection {
    pub rate: String,
    /// To one recipient domain; empty is no limit.
    pub domain_rate: String,
    pub connections: String,
}

/// What the page shows.
#[derive(Clone, Debug)]
pub struct MailServer {
    pub account: Account,
    pub limits: Limits,
    /// More than one store sends through it.
    pub is_shared: bool,
}

/// The account and what is set for it; nothing without a mail server.
pub async fn current(db: &Db, settings: &Settings) -> sqlx::Result<Option<MailServer>> {
    let Some(account) = settings.smtp.clone() else {
        return Ok(None);
    };
    let limits = account_queries::limits(db, &account.key()).await?;
    let (stores, _) = stores::census(db).await?;
    Ok(Some(MailServer {
        account,
        limits,
        is_shared: stores > 1,
    }))
}

impl MailServer {
    /// The fastest rate that can be set, in messages a second.
    pub fn fastest(&self) -> i64 {
        self.account.rate.map_or(FASTEST, i64::from)
    }

    /// The most connections that can be set.
    pub fn most_connections(&self) -> i64 {
        i64::try_from(self.account.most_connections).unwrap_or(i64::MAX)
    }
}

/// Saves the section "Mail server".
pub async fn save(ctx: &Ctx, new: MailServerSection) -> Result<(), AppError> {
    let Some(server) = current(ctx.db(), &ctx.state.settings).await? else {
        return Err(no_mail_server("rate"));
    };
    if server.is_shared {
        return Err(refused_as_shared());
    }
    set(ctx.db(), &server, &ctx.actor.name, &new, ctx.now).await?;
    ctx.state.wake.notify_one();
    Ok(())
}

pub(crate) fn no_mail_server(field: &str) -> AppError {
    AppError::invalid(field, "There is no mail server: messages stay in the outbox")
}

pub(crate) fn refused_as_shared() -> AppError {
    AppError::Refused {
        words: "Other stores send through this mail server too: whoever runs Loupe sets how it is used.".to_owned(),
        back_to: Some("/settings".to_owned()),
    }
}

/// Sets how the mail server is used; every store's log tells of it.
pub async fn set(
    db: &Db,
    server: &MailServer,
    actor: &str,
    new: &MailServerSection,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let (fastest, most) = (server.fastest(), server.most_connections());
    let mut checks = Checks::default();
    let rate = optional(&new.rate, fastest);
    let words = format!("Enter a whole number of messages a second from 1 to {fastest}, or leave it empty");
    checks.need(rate.is_some(), "rate", &words);
    let domain_rate = optional(&new.domain_rate, fastest);
    checks.need(domain_rate.is_some(), "domain_rate", &words);
    let connections = optional(&new.connections, most);
    let words = format!("Enter a whole number of connections from 1 to {most}, or leave it empty");
    checks.need(connections.is_some(), "connections", &words);
    checks.done()?;
    let limits = Limits {
        rate: rate.flatten(),
        domain_rate: domain_rate.flatten(),
        connections: connections.flatten(),
    };
    if limits == server.limits {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    account_queries::set_limits(&mut tx, &server.account.key(), limits).await?;
    for id in stores::ids(&mut tx).await? {
        let entry = audit::Entry {
            actor,
            action: "store.mail_server_changed",
            subject: "store",
            subject_id: Some(id.0),
            summary: "Changed how the mail server is used".to_owned(),
            before: Some(facts(server.limits)),
            after: Some(facts(limits)),
        };
        audit::record(&mut tx, id, entry, now).await?;
    }
    Ok(tx.commit().await?)
}

/// Nothing typed is nothing set; what is no number in bounds is no answer.
fn optional(typed: &str, most: i64) -> Option<Option<i64>> {
    if typed.trim().is_empty() {
        return Some(None);
    }
    whole(typed, 1, most).map(Some)
}

fn facts(limits: Limits) -> Value {
    json!({
        "messages_a_second": limits.rate,
        "messages_a_second_to_one_domain": limits.domain_rate,
        "connections": limits.connections,
    })
}
