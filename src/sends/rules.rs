//! Starting a send.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};

use super::{
    attempts, campaign_queries,
    freezing::{Freezing, Frozen, freeze},
    model::SendKind,
    queries::{self, SendRecord},
    words,
};
use crate::{
    audit,
    context::ctx::Ctx,
    db::{Db, Tx},
    error::AppError,
    failpoints::{Point, hit},
    ids::StoreId,
    messages,
    recipients::model::{Earlier, RecipientFilter},
    stores::model::Store,
    text::grouped,
};

/// What a blank field reads instead, by the field's key.
pub type Fallbacks = BTreeMap<String, String>;

/// Send now, on a campaign.
#[derive(Clone, Debug)]
pub struct StartCampaign {
    pub campaign_id: i64,
    /// The version somebody was shown: another one is not sent. Nothing: as it stands.
    pub version: Option<i64>,
    /// Once per form shown: the same token twice is one send.
    pub token: String,
    /// Leave out whoever an earlier send of this campaign reached.
    pub skip_already: bool,
    /// The count that was on the page.
    pub shown_count: Option<i64>,
}

/// Send now, without a campaign.
#[derive(Clone, Debug)]
pub struct StartBulk {
    pub subject: String,
    pub body: String,
    pub fallbacks: Fallbacks,
    pub filter: RecipientFilter,
    pub token: String,
    pub shown_count: Option<i64>,
    /// The first send of this message, when that was given up.
    pub of_send: Option<i64>,
    /// Leave out whoever that send, or what followed it, reached.
    pub skip_already: bool,
}

/// What came of pressing Send now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    Sending {
        send_id: i64,
    },
    /// This form was sent before: here is what came of it. Nothing was sent again.
    AlreadyDone {
        send_id: i64,
    },
    /// Nobody to send to; a campaign is a draft again.
    NoRecipients,
}

/// Who presses, and when.
#[derive(Clone, Debug)]
pub struct Initiator {
    pub store: Store,
    pub name: String,
    pub now: DateTime<Utc>,
    /// Seconds in which it can be undone.
    pub undo_seconds: i64,
}

impl Initiator {
    /// The person behind a request.
    pub async fn of(ctx: &Ctx) -> Result<Self, AppError> {
        let store = ctx.shop().await?.clone();
        let undo_seconds = ctx
            .state
            .settings
            .undo_seconds
            .unwrap_or(store.undo_seconds)
            .clamp(0, 120);
        Ok(Self {
            store,
            name: ctx.actor.name.clone(),
            now: ctx.now,
            undo_seconds,
        })
    }

    pub(crate) fn hold_until(&self) -> DateTime<Utc> {
        self.now + Duration::seconds(self.undo_seconds)
    }
}

/// Claims a campaign, freezes its message and its audience, and leaves the rest to the
/// dispatcher. All of it or nothing.
pub async fn start_campaign(ctx: &Ctx, what: StartCampaign) -> Result<Started, AppError> {
    let initiator = Initiator::of(ctx).await?;
    let started = start_campaign_as(ctx.db(), &initiator, &what).await?;
    ctx.state.wake.notify_one();
    Ok(started)
}

/// [`start_campaign`] for whoever presses.
pub async fn start_campaign_as(db: &Db, initiator: &Initiator, what: &StartCampaign) -> Result<Started, AppError> {
    let (store, now) = (&initiator.store, initiator.now);
    if let Some(before) = queries::by_token(db, store.id, &what.token).await? {
        return Ok(Started::AlreadyDone { send_id: before.id });
    }
    hit(Point::BeforeClaim);
    let mut tx = db.begin().await?;
    let claimed =
        campaign_queries::claim_campaign(&mut tx, store.id, what.campaign_id, what.version, &initiator.name, now)
            .await?;
    let Some(campaign) = claimed else {
        drop(tx);
        return Err(why_not_claimed(db, store.id, what).await?.into_error());
    };
    let Some(frozen) = Frozen::of_campaign(&campaign, what, None)? else {
        return Err(AppError::invalid("rt-all", "Choose who this is for"));
    };
    let not_again = what.skip_already.then_some(Earlier::Campaign(campaign.id));
    hit(Point::ClaimWritten);
    match freeze(&mut tx, db, initiator, &frozen, not_again).await? {
        Freezing::Written { send_id, audience } => {
            let people = words::people(audience.will_send);
            let summary = format!("Started sending “{}” to {people}", campaign.name);
            note(
                &mut tx,
                initiator,
                "campaign.send_started",
                Some(campaign.id),
                summary,
                send_id,
            )
            .await?;
            hit(Point::FreezeWritten);
            tx.commit().await?;
            hit(Point::AfterFreeze);
            Ok(Started::Sending { send_id })
        }
        Freezing::TokenUsed => {
            drop(tx);
            already_done(db, store.id, &what.token).await
        }
        Freezing::Nobody => {
            drop(tx);
            hit(Point::BeforeNobody);
            let mut tx = db.begin().await?;
            campaign_queries::campaign_without_recipients(&mut tx, store.id, campaign.id, None, now).await?;
            let summary = format!("“{}” had nobody to go to and is a draft", campaign.name);
            note(
                &mut tx,
                initiator,
                "campaign.no_recipients",
                Some(campaign.id),
                summary,
                0,
            )
            .await?;
            hit(Point::NobodyWritten);
            tx.commit().await?;
            hit(Point::AfterNobody);
            Ok(Started::NoRecipients)
        }
    }
}

/// Sends one message straight away, without a campaign.
pub async fn start_bulk(ctx: &Ctx, what: StartBulk) -> Result<Started, AppError> {
    let initiator = Initiator::of(ctx).await?;
    let started = start_bulk_as(ctx.db(), &initiator, &what).await?;
    ctx.state.wake.notify_one();
    Ok(started)
}

/// [`start_bulk`] for whoever presses.
pub async fn start_bulk_as(db: &Db, initiator: &Initiator, what: &StartBulk) -> Result<Started, AppError> {
    let store = &initiator.store;
    if let Some(before) = queries::by_token(db, store.id, &what.token).await? {
        return Ok(Started::AlreadyDone { send_id: before.id });
    }
    // Only a bulk email of this store can be followed.
    let of_send = match what.of_send {
        Some(id) => queries::find(db, store.id, id)
            .await?
            .filter(|send| send.kind == SendKind::Bulk)
            .map(|send| send.of_send.unwrap_or(send.id)),
        None => None,
    };
    hit(Point::BeforeBulk);
    let mut tx = db.begin().await?;
    if let Some(first) = of_send {
        attempts::refuse_another(&mut tx, db, store.id, first).await?;
    }
    let not_again = of_send.filter(|_| what.skip_already).map(Earlier::Send);
    let frozen = Frozen {
        campaign: None,
        of_send,
        kind: SendKind::Bulk,
        label: "Bulk email",
        subject: &what.subject,
        body: &what.body,
        fallbacks: what.fallbacks.clone(),
        filter: what.filter.clone(),
        token: &what.token,
        shown_count: what.shown_count,
        scheduled: None,
    };
    match freeze(&mut tx, db, initiator, &frozen, not_again).await? {
        Freezing::Written { send_id, audience } => {
            let summary = format!(
                "Started sending a bulk email, “{}”, to {}",
                what.subject,
                words::people(audience.will_send)
            );
            note(&mut tx, initiator, "bulk.send_started", None, summary, send_id).await?;
            hit(Point::BulkWritten);
            tx.commit().await?;
            hit(Point::AfterBulk);
            Ok(Started::Sending { send_id })
        }
        Freezing::TokenUsed => {
            drop(tx);
            already_done(db, store.id, &what.token).await
        }
        Freezing::Nobody => Ok(Started::NoRecipients),
    }
}

/// Why nothing follows yet: nobody knows whether those people have it.
pub(crate) const STILL_ON_THEIR_WAY: &str =
    "The last messages of the earlier try are still on their way. Try again in a minute.";

/// Why a claim found nothing to claim.
enum NotClaimed {
    Gone,
    Changed,
    Sent { campaign: i64 },
    Sending { words: String, campaign: i64 },
}

impl NotClaimed {
    fn into_error(self) -> AppError {
        match self {
            NotClaimed::Gone => AppError::NotFound,
            NotClaimed::Changed => AppError::Conflict,
            NotClaimed::Sent { campaign } => AppError::Locked { campaign },
            NotClaimed::Sending { words, campaign } => AppError::Refused {
                words,
                back_to: Some(format!("/marketing/campaigns/{campaign}")),
            },
        }
    }
}

async fn why_not_claimed(db: &Db, store: StoreId, what: &StartCampaign) -> Result<NotClaimed, AppError> {
    let campaign = what.campaign_id;
    if let Some(version) = what.version
        && campaign_queries::is_another_version(db, store, campaign, version).await?
    {
        return Ok(NotClaimed::Changed);
    }
    let Some(send) = queries::latest_of_campaign(db, store, campaign).await? else {
        return Ok(NotClaimed::Gone);
    };
    if !send.state.is_open() && campaign_queries::is_on_the_wire(db, store, campaign).await? {
        let words = STILL_ON_THEIR_WAY.to_owned();
        return Ok(NotClaimed::Sending { words, campaign });
    }
    if !send.state.is_open() {
        return Ok(NotClaimed::Sent { campaign });
    }
    let words = who_sends(db, &send).await?;
    Ok(NotClaimed::Sending { words, campaign })
}

/// `Priya is already sending this — 145 of 348.`; nothing when nobody is.
pub async fn already_sending(db: &Db, store: StoreId, campaign: i64) -> sqlx::Result<Option<String>> {
    match queries::latest_of_campaign(db, store, campaign).await? {
        Some(send) if send.state.is_open() => who_sends(db, &send).await.map(Some),
        _ => Ok(None),
    }
}

/// Lets a campaign go on from a send without one that was given up, and from what followed it:
/// whoever they reached is left out of it like anybody its own earlier tries reached.
pub async fn go_on_from(tx: &mut Tx, first: &SendRecord, campaign: i64) -> Result<(), AppError> {
    crate::messages::queries::locks::lock_send(tx, first.id).await?;
    if campaign_queries::take_over(tx, first.store_id, first.id, campaign).await? == 0 {
        return Err(AppError::Refused {
            words: "It is being sent, or has become a campaign already.".to_owned(),
            back_to: Some(first.page()),
        });
    }
    Ok(())
}

/// What a form that was used before came to.
pub(crate) async fn already_done(db: &Db, store: StoreId, token: &str) -> Result<Started, AppError> {
    let before = queries::by_token(db, store, token).await?.ok_or(AppError::Conflict)?;
    Ok(Started::AlreadyDone { send_id: before.id })
}

/// A send of this store.
pub(crate) async fn existing(db: &Db, store: StoreId, id: i64) -> Result<SendRecord, AppError> {
    queries::find(db, store, id).await?.ok_or(AppError::NotFound)
}

pub(crate) async fn who_sends(db: &Db, send: &SendRecord) -> sqlx::Result<String> {
    let tally = messages::tallies::of_send(db, send.store_id, send.id).await?;
    Ok(format!(
        "{} is already sending this — {} of {}.",
        send.started_by.split_whitespace().next().unwrap_or("Somebody"),
        grouped(tally.settled()),
        grouped(tally.audience()),
    ))
}

async fn note(
    tx: &mut Tx,
    initiator: &Initiator,
    action: &'static str,
    campaign: Option<i64>,
    summary: String,
    send_id: i64,
) -> sqlx::Result<()> {
    let entry = audit::Entry {
        actor: &initiator.name,
        action,
        subject: if campaign.is_some() { "campaign" } else { "send" },
        subject_id: campaign.or(Some(send_id)),
        summary,
        before: None,
        after: Some(serde_json::json!({ "send": send_id })),
    };
    audit::record(tx, initiator.store.id, entry, initiator.now).await
}
