//! How a send ends: everyone has an outcome, or it is given up and what went out stays recorded.

use chrono::{DateTime, Utc};

use super::{
    campaign_queries, contacts,
    model::SendState,
    queries::{self, SendRecord},
    words,
};
use crate::{
    audit,
    db::Tx,
    messages::{
        self,
        model::Tally,
        queries::cancel::{cancel_unsent, has_pending},
    },
    text::grouped,
};

/// Ends a send whose people all have an outcome; its campaign is `sent`. False when somebody
/// still waits, or it has ended already.
pub async fn finish(tx: &mut Tx, send: &SendRecord, now: DateTime<Utc>) -> sqlx::Result<bool> {
    // Somebody may be put into its queue again at this moment.
    crate::messages::queries::locks::lock_send(tx, send.id).await?;
    if has_pending(tx, send.id).await? {
        return Ok(false);
    }
    if !queries::change_state(tx, send.id, SendState::Sending, SendState::Done, Some(now), None).await? {
        return Ok(false);
    }
    let tally = close(tx, send, now).await?;
    let summary = format!(
        "Finished “{}”: {} sent, {} failed, {} skipped",
        send.label,
        grouped(tally.sent),
        grouped(tally.failed),
        grouped(tally.skipped)
    );
    log(tx, send, "Loupe", "send.finished", summary, now).await?;
    Ok(true)
}

/// Ends a send that nobody goes on with: what went out stays recorded, the rest is not sent, its
/// campaign is `sent`. False when it was not sending any more.
pub async fn finish_as_it_is(tx: &mut Tx, send: &SendRecord, actor: &str, now: DateTime<Utc>) -> sqlx::Result<bool> {
    if !queries::change_state(tx, send.id, SendState::Sending, SendState::Done, Some(now), None).await? {
        return Ok(false);
    }
    let unsent = cancel_unsent(tx, send.id, now).await?;
    let tally = close(tx, send, now).await?;
    let summary = format!(
        "Marked “{}” as finished: {} sent, {} failed, {unsent} not sent",
        send.label,
        grouped(tally.sent),
        grouped(tally.failed),
    );
    log(tx, send, actor, "send.finished", summary, now).await?;
    Ok(true)
}

/// What a send that is done leaves behind: its numbers on the campaign, the day on the customers.
async fn close(tx: &mut Tx, send: &SendRecord, now: DateTime<Utc>) -> sqlx::Result<Tally> {
    contacts::begin(tx, send.id).await?;
    if let Some(campaign) = send.campaign_id {
        campaign_queries::lock(tx, campaign).await?;
        let all = messages::goes::total_in(tx, campaign).await?;
        campaign_queries::campaign_to_sent(tx, campaign, all.sent, all.failed, now).await?;
    }
    messages::tallies::of_send_in(tx, send.id).await
}

/// Gives a send up by itself; see [`revert_by`].
pub async fn revert(tx: &mut Tx, send: &SendRecord, problem: &str, now: DateTime<Utc>) -> sqlx::Result<bool> {
    revert_by(tx, send, "Loupe", problem, now).await
}

/// Gives a send up: what went out stays recorded, the rest is cancelled, its campaign is a draft
/// again with the reason. False when it was not sending any more.
pub async fn revert_by(
    tx: &mut Tx,
    send: &SendRecord,
    actor: &str,
    problem: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    if !queries::change_state(
        tx,
        send.id,
        SendState::Sending,
        SendState::Reverted,
        Some(now),
        Some(problem),
    )
    .await?
    {
        return Ok(false);
    }
    let unsent = cancel_unsent(tx, send.id, now).await?;
    contacts::begin(tx, send.id).await?;
    if let Some(campaign) = send.campaign_id {
        campaign_queries::campaign_to_draft(tx, campaign, Some(problem), now).await?;
    }
    let summary = format!(
        "Stopped sending “{}” with {} still to go: {problem}",
        send.label,
        words::people(i64::try_from(unsent).unwrap_or(i64::MAX))
    );
    log(tx, send, actor, "send.reverted", summary, now).await?;
    Ok(true)
}

/// Notes that a send waits for the provider.
pub async fn log_pause(tx: &mut Tx, send: &SendRecord, problem: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    let summary = format!("Paused “{}”, trying again by itself: {problem}", send.label);
    log(tx, send, "Loupe", "send.paused", summary, now).await
}

/// After late answers to these messages of a send: who got one has been written to, and the numbers on
/// the campaign of a send that has ended are those of its rows again. The caller holds the send's row.
pub async fn count_late(tx: &mut Tx, send: i64, messages: &[i64]) -> sqlx::Result<()> {
    contacts::note(tx, messages).await?;
    count_again(tx, send).await
}

/// After answers that came while a send ended: the same for whatever they were.
pub(crate) async fn count_anew(tx: &mut Tx, send: i64) -> sqlx::Result<()> {
    contacts::begin(tx, send).await?;
    count_again(tx, send).await
}

/// The numbers on the campaign of a send, if it is sent by now, are those of its rows again: over all its
/// goes, whichever had the late answer.
async fn count_again(tx: &mut Tx, send: i64) -> sqlx::Result<()> {
    let Some(campaign) = campaign_queries::sent_by(tx, send).await? else {
        return Ok(());
    };
    campaign_queries::lock(tx, campaign).await?;
    let all = messages::goes::total_in(tx, campaign).await?;
    campaign_queries::write_numbers(tx, campaign, all.sent, all.failed).await
}

pub(crate) async fn log(
    tx: &mut Tx,
    send: &SendRecord,
    actor: &str,
    action: &'static str,
    summary: String,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let entry = audit::Entry {
        actor,
        action,
        subject: if send.campaign_id.is_some() { "campaign" } else { "send" },
        subject_id: send.campaign_id.or(Some(send.id)),
        summary,
        before: None,
        after: Some(serde_json::json!({ "send": send.id })),
    };
    audit::record(tx, send.store_id, entry, now).await
}
