//! Firing one campaign that is due, or holding it back.

use chrono::{DateTime, Utc};

use super::{
    late::{self, Lateness},
    queries::{self, Due, Hold},
};
use crate::{
    audit,
    context::AppState,
    error::AppError,
    failpoints::{Point, hit},
    ids::StoreId,
    sends::{
        queries::Scheduled,
        rules::{Initiator, StartCampaign, Started},
        scheduled::{start_scheduled, token},
    },
    stores, time,
};

/// Since when this scheduler could have fired anything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Since {
    pub started_at: DateTime<Utc>,
    pub active_at: DateTime<Utc>,
}

impl Since {
    /// Why something planned for then was not fired then.
    fn why(self, scheduled_at: DateTime<Utc>) -> &'static str {
        if self.started_at > scheduled_at {
            "Loupe wasn't running."
        } else if self.active_at > scheduled_at {
            "An owner had to confirm this copy first."
        } else {
            "Loupe couldn't send at that time."
        }
    }
}

/// What came of a campaign that was due.
#[derive(Debug)]
pub(crate) enum DueResult {
    /// Started, held, given back, or somebody was faster: nothing more to do.
    Settled,
    Failed(AppError),
}

pub(crate) async fn start_due(state: &AppState, due: &Due, since: Since) -> DueResult {
    match try_start_due(state, due, since).await {
        Ok(()) => DueResult::Settled,
        Err(error) => DueResult::Failed(error),
    }
}

async fn try_start_due(state: &AppState, due: &Due, since: Since) -> Result<(), AppError> {
    let Some(store) = stores::queries::find(&state.db, due.store_id).await? else {
        return Ok(());
    };
    let now = state.clock.now();
    let (late_by, late_why) = match Lateness::of(due.scheduled_at, now, store.late_grace()) {
        Lateness::OnTime { seconds } => (seconds, None),
        Lateness::Late { seconds } => (seconds, Some(since.why(due.scheduled_at))),
        Lateness::Missed { seconds } => {
            let summary = format!(
                "“{}” was due {} and was not sent: {} too late to go by itself",
                due.name,
                time::absolute(due.scheduled_at, store.zone()),
                late::words(seconds)
            );
            return hold(state, due, Hold::Missed, since.why(due.scheduled_at), summary).await;
        }
    };
    let initiator = Initiator {
        store,
        // Whoever planned it signs it.
        name: due.updated_by.clone(),
        now,
        undo_seconds: 0,
    };
    let what = StartCampaign {
        campaign_id: due.id,
        version: None,
        token: token(due.id, due.scheduled_at),
        skip_already: due.skip_already,
        shown_count: due.shown_count,
    };
    let scheduled = Scheduled {
        at: due.scheduled_at,
        late_by,
        late_why,
    };
    match start_scheduled(&state.db, &initiator, &what, &scheduled).await {
        Ok(Some(Started::Sending { send_id })) => {
            tracing::info!(
                campaign.id = due.id,
                send.id = send_id,
                late_by,
                "fired a planned campaign"
            );
            state.wake.notify_one();
            Ok(())
        }
        Ok(Some(Started::NoRecipients)) => {
            tracing::info!(campaign.id = due.id, "a planned campaign had nobody to go to");
            Ok(())
        }
        // Only a database put back by hand gets here: what was sent stays sent.
        Ok(Some(Started::AlreadyDone { .. })) => {
            let summary = format!(
                "“{}” was not sent again: it went out for this very time before",
                due.name
            );
            hold(
                state,
                due,
                Hold::Refused,
                "It went out for this very time before.",
                summary,
            )
            .await
        }
        Ok(None) => Ok(()),
        Err(AppError::Invalid { problems, .. }) => {
            let words: Vec<String> = problems.into_iter().map(|p| with_stop(p.words)).collect();
            let words = words.join(" ");
            let summary = format!("“{}” was due and can't be sent: {words}", due.name);
            hold(state, due, Hold::Refused, &words, summary).await
        }
        Err(other) => Err(other),
    }
}

fn with_stop(mut words: String) -> String {
    if !words.ends_with(['.', '!', '?']) {
        words.push('.');
    }
    words
}

/// Leaves a campaign to a person after failures of our own.
pub(crate) async fn hold_back(state: &AppState, campaign: i64, words: &str) -> Result<(), AppError> {
    let Some(due) = queries::one_due(&state.db, campaign).await? else {
        return Ok(());
    };
    let summary = format!("“{}” was due and could not be sent: {words}", due.name);
    hold(state, &due, Hold::Refused, words, summary).await
}

async fn hold(state: &AppState, due: &Due, hold: Hold, words: &str, summary: String) -> Result<(), AppError> {
    let now = state.clock.now();
    hit(Point::BeforeMissed);
    let mut tx = state.db.begin().await?;
    if !queries::hold(&mut tx, due, hold, words).await? {
        return Ok(());
    }
    let entry = audit::Entry {
        actor: "Loupe",
        action: "campaign.held",
        subject: "campaign",
        subject_id: Some(due.id),
        summary,
        before: None,
        after: Some(serde_json::json!({ "scheduled_at": due.scheduled_at, "hold": hold })),
    };
    let store: StoreId = due.store_id;
    audit::record(&mut tx, store, entry, now).await?;
    hit(Point::MissedWritten);
    tx.commit().await?;
    hit(Point::AfterMissed);
    tracing::warn!(campaign.id = due.id, hold = ?hold, "a planned campaign waits for a person");
    Ok(())
}
