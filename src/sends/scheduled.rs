//! A campaign that goes out by itself: what the scheduler does when it is due.

use chrono::{DateTime, Utc};

use super::{
    audience_snapshot, campaign_queries,
    drift::is_large,
    freezing::{Freezing, Frozen, freeze},
    queries::Scheduled,
    rules::{Initiator, StartCampaign, Started, already_done},
    words,
};
use crate::{
    audit,
    db::{Db, Tx},
    error::AppError,
    failpoints::{Point, hit},
    recipients::model::Earlier,
    text::grouped,
};

/// Once per campaign and moment: whoever fires it, and however often, it is one send.
pub fn token(campaign: i64, scheduled_at: DateTime<Utc>) -> String {
    format!("planned-{campaign}-{}", scheduled_at.timestamp_micros())
}

/// [`super::rules::start_campaign_as`] for a campaign that is due. Nothing when it is not due any more:
/// another instance or a person was faster.
pub async fn start_scheduled(
    db: &Db,
    initiator: &Initiator,
    what: &StartCampaign,
    scheduled: &Scheduled,
) -> Result<Option<Started>, AppError> {
    let (store, now) = (&initiator.store, initiator.now);
    let shown = audience_snapshot::number(db, store.id, &what.token)
        .await?
        .or(what.shown_count);
    hit(Point::BeforeFire);
    let mut tx = db.begin().await?;
    let Some(campaign) = campaign_queries::claim_due(&mut tx, store.id, what.campaign_id, scheduled.at, now).await?
    else {
        return Ok(None);
    };
    let Some(frozen) = Frozen::of_campaign(&campaign, what, Some(scheduled))? else {
        return Err(AppError::invalid("rt-all", "Nobody has been chosen to get it"));
    };
    hit(Point::FireClaimed);
    let not_again = what.skip_already.then_some(Earlier::Campaign(campaign.id));
    match freeze(&mut tx, db, initiator, &frozen, not_again).await? {
        Freezing::Written { send_id, audience } => {
            let summary = format!(
                "Started sending “{}” on schedule to {}",
                campaign.name,
                words::people(audience.will_send)
            );
            let after =
                serde_json::json!({ "send": send_id, "scheduled_at": scheduled.at, "late_by": scheduled.late_by });
            note(
                &mut tx,
                initiator,
                "campaign.send_started",
                campaign.id,
                summary,
                Some(after),
            )
            .await?;
            if let Some(shown) = shown.filter(|shown| is_large(*shown, audience.will_send)) {
                let summary = format!(
                    "“{}” went to {} customers, and {} were shown when it was scheduled",
                    campaign.name,
                    grouped(audience.will_send),
                    grouped(shown)
                );
                note(&mut tx, initiator, "campaign.drifted", campaign.id, summary, None).await?;
            }
            hit(Point::FireWritten);
            tx.commit().await?;
            hit(Point::AfterFire);
            Ok(Some(Started::Sending { send_id }))
        }
        Freezing::TokenUsed => {
            drop(tx);
            already_done(db, store.id, &what.token).await.map(Some)
        }
        Freezing::Nobody => {
            drop(tx);
            hit(Point::BeforeFireNobody);
            let mut tx = db.begin().await?;
            if !campaign_queries::campaign_without_recipients(&mut tx, store.id, campaign.id, Some(scheduled.at), now)
                .await?
            {
                return Ok(None);
            }
            let summary = format!(
                "“{}” was due and had nobody to go to: it is a draft again",
                campaign.name
            );
            let after = serde_json::json!({ "scheduled_at": scheduled.at });
            note(
                &mut tx,
                initiator,
                "campaign.no_recipients",
                campaign.id,
                summary,
                Some(after),
            )
            .await?;
            hit(Point::FireNobodyWritten);
            tx.commit().await?;
            hit(Point::AfterFireNobody);
            Ok(Some(Started::NoRecipients))
        }
    }
}

async fn note(
    tx: &mut Tx,
    initiator: &Initiator,
    action: &'static str,
    campaign: i64,
    summary: String,
    after: Option<serde_json::Value>,
) -> sqlx::Result<()> {
    let entry = audit::Entry {
        actor: "Loupe",
        action,
        subject: "campaign",
        subject_id: Some(campaign),
        summary,
        before: None,
        after,
    };
    audit::record(tx, initiator.store.id, entry, initiator.now).await
}
