//! Whose the mail server is: a provider we know tells what became of messages, and one of them takes
//! a message with the same key only once. Like the limits it is one setting for the mail account.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::smtp_settings;
use crate::{
    audit,
    channels::email::events::Provider,
    context::{Settings, ctx::Ctx, encryption},
    db::Db,
    error::AppError,
    mail_accounts::provider_queries::{self, StoredProvider},
    stores::{queries as stores, settings::Checks},
    tokens,
};

/// The section "Mail provider".
#[derive(Clone, Debug)]
pub struct MailProviderSection {
    /// A provider's key; empty: another one.
    pub provider: String,
    /// What proves that events are its own; empty: as it is.
    pub secret: String,
}

/// What the page shows.
#[derive(Clone, Debug)]
pub struct MailProvider {
    /// Names the mail account.
    account: String,
    /// Its mail server.
    host: String,
    kept: Option<StoredProvider>,
    /// The address that the provider posts its events to.
    pub hook: Option<String>,
    /// More than one store sends through it.
    pub is_shared: bool,
}

impl MailProvider {
    pub fn provider(&self) -> Option<Provider> {
        self.kept.as_ref().map(|kept| kept.provider)
    }
}

/// What is known of the mail account's provider; nothing without a mail server.
pub async fn current(db: &Db, settings: &Settings) -> sqlx::Result<Option<MailProvider>> {
    let Some(smtp) = &settings.smtp else {
        return Ok(None);
    };
    let account = smtp.key();
    let kept = provider_queries::of_account(db, &account).await?;
    let (stores, _) = stores::census(db).await?;
    Ok(Some(MailProvider {
        hook: kept
            .as_ref()
            .map(|kept| format!("{}/hooks/email/{}", settings.base_url, kept.hook_token)),
        account,
        host: smtp.host.clone(),
        kept,
        is_shared: stores > 1,
    }))
}

/// Saves the section "Mail provider".
pub async fn save(ctx: &Ctx, new: MailProviderSection) -> Result<(), AppError> {
    let settings = &ctx.state.settings;
    let Some(current) = current(ctx.db(), settings).await? else {
        return Err(smtp_settings::no_mail_server("provider"));
    };
    if current.is_shared {
        return Err(smtp_settings::refused_as_shared());
    }
    set(ctx.db(), settings, &current, &ctx.actor.name, &new, ctx.now).await?;
    ctx.state.wake.notify_one();
    Ok(())
}

/// Sets whose the mail server is; every store's log tells of it. What was sent before is not changed
/// by it.
pub async fn set(
    db: &Db,
    settings: &Settings,
    current: &MailProvider,
    actor: &str,
    new: &MailProviderSection,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let wanted = Provider::from_key(&new.provider);
    let mut checks = Checks::default();
    checks.need(
        wanted.is_some() || new.provider.is_empty(),
        "provider",
        "Choose a mail provider",
    );
    if let Some(other) = wanted.filter(|wanted| !wanted.may_own(&current.host)) {
        let words = format!("{} is not a mail server of {}", current.host, other.name());
        checks.need(false, "provider", &words);
    }
    let secret = new.secret.trim();
    let stays = secret.is_empty() && wanted == current.provider();
    if let Some(words) = wanted.filter(|_| !stays).and_then(|w| w.problem_of(secret)) {
        checks.need(false, "events-password", words);
    }
    checks.done()?;
    if stays {
        return Ok(());
    }
    let kept = wanted
        .map(|provider| kept(settings, current, provider, secret))
        .transpose()?;
    let mut tx = db.begin().await?;
    provider_queries::set(&mut tx, &current.account, kept.as_ref()).await?;
    for id in stores::ids(&mut tx).await? {
        let entry = audit::Entry {
            actor,
            action: "store.mail_provider_changed",
            subject: "store",
            subject_id: Some(id.0),
            summary: match wanted {
                Some(provider) => format!("Set {} as the mail provider", provider.name()),
                None => "Set the mail provider as another one".to_owned(),
            },
            before: Some(json!({ "mail_provider": current.provider().map(Provider::key) })),
            after: Some(json!({ "mail_provider": wanted.map(Provider::key) })),
        };
        audit::record(&mut tx, id, entry, now).await?;
    }
    Ok(tx.commit().await?)
}

fn kept(
    settings: &Settings,
    current: &MailProvider,
    provider: Provider,
    secret: &str,
) -> Result<StoredProvider, AppError> {
    let sealed = encryption::encrypt(&settings.secret_key, &current.account, secret);
    // Another provider is given another address: the one before may go on posting to the old one.
    let same = current.kept.as_ref().filter(|kept| kept.provider == provider);
    Ok(StoredProvider {
        account: current.account.clone(),
        provider,
        hook_token: same.map_or_else(tokens::public, |kept| kept.hook_token.clone()),
        hook_secret: sealed.ok_or_else(|| AppError::internal(&"a secret could not be sealed"))?,
    })
}
