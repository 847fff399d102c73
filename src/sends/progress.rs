//! How far a send is.

use super::{
    model::{Progress, ProgressRow, SendState},
    rules::existing,
    stalled,
};
use crate::{auth::guard::Ctx, communications, error::AppError, stores};

/// How far a send is, for the page that polls.
pub async fn progress(ctx: &Ctx, send_id: i64) -> Result<Progress, AppError> {
    let send = existing(ctx.db(), ctx.store(), send_id).await?;
    let store_row = stores::store::find(ctx.db(), ctx.store())
        .await?
        .ok_or(AppError::NotFound)?;
    let tally = communications::store::tally(ctx.db(), ctx.store(), send_id).await?;
    let newest = communications::people::newest(ctx.db(), ctx.store(), send_id).await?;
    let zone = store_row.zone();
    Ok(Progress {
        state: send.state,
        tally,
        hold_seconds: match send.state {
            SendState::Holding => (send.hold_until - ctx.now).num_seconds().max(0),
            _ => 0,
        },
        paused: send.paused_at.is_some(),
        stalled: stalled::is_stalled(&ctx.state, &send, ctx.now).await?,
        again_at: send.resume_at.map(|at| crate::time::clock_seconds(at, zone)),
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
