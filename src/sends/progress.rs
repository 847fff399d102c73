//! How far a send is.

use chrono::{DateTime, Utc};

use super::{
    model::{Progress, ProgressRow, SendState},
    queries::SendRecord,
    rules::existing,
    stalled,
};
use crate::{
    context::{AppState, ctx::Ctx},
    error::AppError,
    mail_accounts::account_queries,
    messages::{self, goes, model::Tally},
    text::grouped,
};

/// How far a send is, for the page that polls.
pub async fn progress(ctx: &Ctx, send_id: i64) -> Result<Progress, AppError> {
    let send = existing(ctx.db(), ctx.store(), send_id).await?;
    let tally = numbers(ctx, &send).await?;
    let newest = messages::people::newest(ctx.db(), ctx.store(), send_id).await?;
    let zone = ctx.shop().await?.zone();
    Ok(Progress {
        state: send.state,
        tally,
        hold_seconds: match send.state {
            SendState::Holding => (send.hold_until - ctx.now).num_seconds().max(0),
            _ => 0,
        },
        paused: send.paused_at.is_some(),
        stalled: stalled::is_stalled(&ctx.state, &send, ctx.now).await?,
        waits: waits(&ctx.state, &send, ctx.now).await?,
        again_at: send.resume_at.map(|at| crate::time::clock_seconds(at, zone)),
        replies_to: send.replies_to().to_owned(),
        problem: send.problem,
        newest: newest
            .into_iter()
            .map(|row| ProgressRow {
                message_id: row.message_id,
                customer_id: row.customer_id,
                why: row.why(),
                name: row.name,
                address: row.address.unwrap_or_default(),
                state: row.state,
                at: row
                    .settled_at
                    .map(|at| crate::time::clock_seconds(at, zone))
                    .unwrap_or_default(),
            })
            .collect(),
    })
}

/// The numbers of a send; of one that is done, those of its campaign over all goes.
async fn numbers(ctx: &Ctx, send: &SendRecord) -> sqlx::Result<Tally> {
    match (send.state, send.campaign_id) {
        (SendState::Done, Some(campaign)) => {
            let goes = goes::of_campaign(ctx.db(), ctx.store(), campaign).await?;
            goes::total(ctx.db(), campaign, &goes, ctx.now).await
        }
        _ => messages::tallies::of_send(ctx.db(), ctx.store(), send.id).await,
    }
}

/// Why some of a send wait although nothing is in their way: the limit to one domain.
pub async fn waits(state: &AppState, send: &SendRecord, now: DateTime<Utc>) -> sqlx::Result<Option<String>> {
    let account = match send.state {
        SendState::Sending => state.settings.smtp.as_ref(),
        _ => None,
    };
    let Some(account) = account else { return Ok(None) };
    let Some(rate) = account_queries::limits(&state.db, &account.key()).await?.domain_rate else {
        return Ok(None);
    };
    let next = crate::messages::queries::domain_wait::next_in_line(&state.db, send.id, now).await?;
    let count = |domain: &str| next.iter().filter(|other| *other == domain).count();
    let Some(most) = next.iter().max_by_key(|domain| count(domain)) else {
        return Ok(None);
    };
    let who = match count(most) == next.len() {
        true => format!("{most} gets"),
        false => format!("{most} and others get"),
    };
    let messages = match rate {
        1 => "1 message".to_owned(),
        _ => format!("{} messages", grouped(rate)),
    };
    Ok(Some(format!("{who} {messages} a second at most, so some wait.")))
}
