//! How fast, and over how many connections, the mail account is used. It is one for all stores of
//! this installation.

use serde_json::{Value, json};

use super::settings::{Checks, whole};
use crate::{
    audit,
    auth::guard::Ctx,
    channels::email::smtp::Account,
    dispatch::{
        account::FASTEST,
        store::{self, Limits},
    },
    error::AppError,
    server::AppState,
};

/// The section "Mail server"; empty is as `LOUPE_SMTP_URL` says.
#[derive(Clone, Debug)]
pub struct MailServerSection {
    pub rate: String,
    pub connections: String,
}

/// What the page shows.
#[derive(Clone, Debug)]
pub struct MailServer {
    pub account: Account,
    pub limits: Limits,
}

/// The account and what is set for it; nothing without a mail server.
pub async fn current(state: &AppState) -> sqlx::Result<Option<MailServer>> {
    let Some(account) = state.settings.smtp.clone() else {
        return Ok(None);
    };
    let limits = store::limits(&state.db, &account.key()).await?;
    Ok(Some(MailServer { account, limits }))
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
    let Some(before) = current(&ctx.state).await? else {
        return Err(AppError::invalid(
            "rate",
            "There is no mail server: messages stay in the outbox",
        ));
    };
    let (fastest, most) = (before.fastest(), before.most_connections());
    let mut checks = Checks::default();
    let rate = optional(&new.rate, fastest);
    let words = format!("Enter a whole number of messages a second from 1 to {fastest}, or leave it empty");
    checks.need(rate.is_some(), "rate", &words);
    let connections = optional(&new.connections, most);
    let words = format!("Enter a whole number of connections from 1 to {most}, or leave it empty");
    checks.need(connections.is_some(), "connections", &words);
    checks.done()?;
    let limits = Limits {
        rate: rate.flatten(),
        connections: connections.flatten(),
    };
    if limits == before.limits {
        return Ok(());
    }
    let mut tx = ctx.db().begin().await?;
    store::set_limits(&mut tx, &before.account.key(), limits).await?;
    let entry = audit::Entry {
        actor: &ctx.actor.name,
        action: "store.mail_server_changed",
        subject: "store",
        subject_id: Some(ctx.store().0),
        summary: "Changed how the mail server is used".to_owned(),
        before: Some(facts(before.limits)),
        after: Some(facts(limits)),
    };
    audit::record(&mut tx, ctx.store(), entry, ctx.now).await?;
    tx.commit().await?;
    ctx.state.wake.notify_one();
    Ok(())
}

/// Nothing typed is nothing set; what is no number in bounds is no answer.
fn optional(typed: &str, most: i64) -> Option<Option<i64>> {
    if typed.trim().is_empty() {
        return Some(None);
    }
    whole(typed, 1, most).map(Some)
}

fn facts(limits: Limits) -> Value {
    json!({ "messages_a_second": limits.rate, "connections": limits.connections })
}
