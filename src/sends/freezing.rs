//! What a send says and to whom, written down for ever in the transaction that starts it.

use super::{
    campaign_queries::Claimed,
    model::SendKind,
    queries::{self, NewSend, Scheduled},
    rules::{Fallbacks, Initiator, StartCampaign},
};
use crate::{
    db::{Db, Tx},
    error::{AppError, Problem},
    recipients::{
        self,
        model::{Audience, Earlier, RecipientFilter},
    },
    rendering,
    stores::model::Store,
};

/// What is about to be written down for ever.
pub(crate) struct Frozen<'a> {
    pub campaign: Option<i64>,
    pub of_send: Option<i64>,
    pub kind: SendKind,
    pub label: &'a str,
    pub subject: &'a str,
    pub body: &'a str,
    pub fallbacks: Fallbacks,
    pub filter: RecipientFilter,
    pub token: &'a str,
    pub shown_count: Option<i64>,
    pub scheduled: Option<&'a Scheduled>,
}

impl<'a> Frozen<'a> {
    /// What a claimed campaign says. Nothing while nobody has been chosen to get it.
    pub fn of_campaign(
        campaign: &'a Claimed,
        what: &'a StartCampaign,
        scheduled: Option<&'a Scheduled>,
    ) -> Result<Option<Self>, AppError> {
        let Some(filter) = &campaign.filter else {
            return Ok(None);
        };
        Ok(Some(Self {
            campaign: Some(campaign.id),
            of_send: None,
            kind: SendKind::Campaign,
            label: &campaign.name,
            subject: &campaign.subject,
            body: &campaign.body,
            fallbacks: serde_json::from_str(&campaign.fallbacks)?,
            filter: serde_json::from_str(filter)?,
            token: &what.token,
            shown_count: what.shown_count,
            scheduled,
        }))
    }
}

/// What came of writing it down.
pub(crate) enum Freezing {
    Written {
        send_id: i64,
        audience: Audience,
    },
    TokenUsed,
    /// The transaction must be dropped.
    Nobody,
}

/// Writes a send down, with a row for each person of its audience.
pub(crate) async fn freeze(
    tx: &mut Tx,
    db: &Db,
    initiator: &Initiator,
    what: &Frozen<'_>,
    not_again: Option<Earlier>,
) -> Result<Freezing, AppError> {
    let store = &initiator.store;
    check_message(store, initiator, what)?;
    let fallbacks = serde_json::to_string(&what.fallbacks)?;
    let filter = serde_json::to_string(&what.filter)?;
    let words = recipients::words::today(db, store.id, &what.filter).await?;
    let new = NewSend {
        store: store.id,
        campaign: what.campaign,
        of_send: what.of_send,
        kind: what.kind,
        token: what.token,
        label: what.label,
        subject: what.subject,
        body: what.body,
        fallbacks: &fallbacks,
        filter: &filter,
        audience_words: &words,
        from_name: &store.from_name,
        from_email: &store.from_email,
        reply_to: store.reply_to.as_deref(),
        store_name: &store.name,
        footer: &store.footer,
        signature: &signature(initiator),
        hold_until: initiator.hold_until(),
        shown_count: what.shown_count,
        started_by: &initiator.name,
        started_at: initiator.now,
        scheduled: what.scheduled,
    };
    let Some(send_id) = queries::insert(tx, &new).await? else {
        return Ok(Freezing::TokenUsed);
    };
    let scope = recipients::rules::scope(store, initiator.now, not_again);
    let audience = crate::messages::queries::freeze::freeze(tx, &scope, &what.filter, send_id, initiator.now).await?;
    if audience.will_send == 0 {
        return Ok(Freezing::Nobody);
    }
    Ok(Freezing::Written { send_id, audience })
}

/// The name at the end of a message: whoever sends it, for the store.
fn signature(initiator: &Initiator) -> String {
    format!("{}\n{}", initiator.name, initiator.store.name)
}

fn check_message(store: &Store, initiator: &Initiator, what: &Frozen<'_>) -> Result<(), AppError> {
    let mut problems = Vec::new();
    if what.subject.trim().is_empty() {
        problems.push(Problem::new("subject", "Enter a subject"));
    }
    if what.body.trim().is_empty() {
        problems.push(Problem::new("body", "Enter the message"));
    }
    let source = rendering::Source {
        subject: what.subject,
        body: what.body,
        fallbacks: &what.fallbacks,
        store_name: &store.name,
        footer: &store.footer,
        signature: &signature(initiator),
        lang: LANGUAGE,
    };
    if let Err(found) = rendering::compile(source) {
        problems.extend(found.iter().map(|p| {
            let field = if p.place == rendering::Place::Subject {
                "subject"
            } else {
                "body"
            };
            Problem::new(field, p.to_string())
        }));
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(AppError::Invalid {
            problems,
            kept_at: None,
        })
    }
}

/// The language messages are written in, for screen readers.
pub const LANGUAGE: &str = "en-AU";
