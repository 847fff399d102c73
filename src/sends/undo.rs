//! The time to undo: taking a send back in it, or ending it at once.

use super::{
    campaign_queries, ending,
    model::{SendKind, SendState},
    queries,
    rules::existing,
};
use crate::{
    context::ctx::Ctx,
    db::in_tx,
    error::AppError,
    failpoints::{Point, hit},
};

/// What Undo could still do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undone {
    /// Nothing went out.
    InTime,
    /// It had already started.
    TooLate,
}

/// Takes a send back while nothing has gone out: its campaign is a draft again.
pub async fn undo(ctx: &Ctx, send_id: i64) -> Result<Undone, AppError> {
    let send = existing(ctx.db(), ctx.store(), send_id).await?;
    hit(Point::BeforeUndo);
    let (holding, cancelled) = (SendState::Holding, SendState::Cancelled);
    let (mut tx, is_undone) = in_tx(ctx.db(), async |mut tx| {
        let is_undone = queries::change_state(&mut tx, send.id, holding, cancelled, Some(ctx.now), None).await?;
        if is_undone {
            crate::messages::queries::cancel::cancel_unsent(&mut tx, send.id, ctx.now).await?;
        }
        Ok((tx, is_undone))
    })
    .await?;
    if !is_undone {
        return Ok(Undone::TooLate);
    }
    if let Some(campaign) = send.campaign_id {
        campaign_queries::campaign_to_draft(&mut tx, campaign, None, ctx.now).await?;
    }
    let summary = format!("Took back “{}” before anything went out", send.label);
    ending::log(&mut tx, &send, &ctx.actor.name, "send.undone", summary, ctx.now).await?;
    hit(Point::UndoWritten);
    tx.commit().await?;
    hit(Point::AfterUndo);
    Ok(Undone::InTime)
}

/// Ends the time to undo now.
pub async fn send_immediately(ctx: &Ctx, send_id: i64) -> Result<(), AppError> {
    let send = existing(ctx.db(), ctx.store(), send_id).await?;
    hit(Point::BeforeHurry);
    let mut tx = ctx.db().begin().await?;
    if queries::end_hold(&mut tx, ctx.store(), send_id, ctx.now).await? {
        let summary = format!("Sent “{}” without waiting for the time to undo", send.label);
        ending::log(&mut tx, &send, &ctx.actor.name, "send.hurried", summary, ctx.now).await?;
        hit(Point::HurryWritten);
    }
    tx.commit().await?;
    hit(Point::AfterHurry);
    ctx.state.wake.notify_one();
    Ok(())
}

/// Where the person goes after Undo.
pub async fn after_undo(ctx: &Ctx, send_id: i64, undone: Undone) -> Result<String, AppError> {
    let send = existing(ctx.db(), ctx.store(), send_id).await?;
    let ok = match undone {
        Undone::InTime => "undone",
        Undone::TooLate => "too-late",
    };
    Ok(match (send.kind, undone) {
        (SendKind::Bulk, Undone::InTime) => format!("/marketing/bulk-email?ok={ok}"),
        _ => format!("{}?ok={ok}", send.page()),
    })
}
