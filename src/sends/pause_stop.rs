//! Stopping, pausing and resuming a send by hand.

use super::{
    ending::{self, log},
    model::SendState,
    queries::{self, SendRecord},
    quiet_hours::{ResumeAction, asks_first},
    rules::existing,
};
use crate::{
    context::ctx::Ctx,
    db::in_tx,
    error::AppError,
    failpoints::{Point, hit},
};

/// Stops a send for good: nothing more goes out, what went out stays recorded, its campaign is a
/// draft again. What is on the wire at this moment still gets its outcome. Answers the page that
/// shows what came of it.
pub async fn stop(ctx: &Ctx, send_id: i64) -> Result<String, AppError> {
    let send = sending(ctx, send_id).await?;
    hit(Point::BeforeStop);
    let words = format!("{} stopped it.", ctx.actor.first_name());
    let (tx, stopped) = in_tx(ctx.db(), async |mut tx| {
        let stopped = ending::revert_by(&mut tx, &send, &ctx.actor.name, &words, ctx.now).await?;
        Ok((tx, stopped))
    })
    .await?;
    if !stopped {
        return Err(not_sending(&send));
    }
    hit(Point::StopWritten);
    tx.commit().await?;
    hit(Point::AfterStop);
    Ok(send.page())
}

/// Lets nothing more out until somebody resumes it.
pub async fn pause(ctx: &Ctx, send_id: i64) -> Result<(), AppError> {
    let send = sending(ctx, send_id).await?;
    hit(Point::BeforePause);
    let mut tx = ctx.db().begin().await?;
    let words = format!("{} paused it.", ctx.actor.first_name());
    if !queries::pause(&mut tx, send.id, Some(&ctx.actor.name), &words, None, ctx.now).await? {
        return Err(not_sending(&send));
    }
    let summary = format!("Paused “{}”", send.label);
    log(&mut tx, &send, &ctx.actor.name, "send.paused", summary, ctx.now).await?;
    hit(Point::PauseWritten);
    tx.commit().await?;
    hit(Point::AfterPause);
    Ok(())
}

/// Goes on after a pause, whoever or whatever caused it. Answers the page of the send, or where it is
/// asked first.
pub async fn resume(ctx: &Ctx, send_id: i64, quiet_hours_confirmed: bool) -> Result<String, AppError> {
    let send = sending(ctx, send_id).await?;
    if send.paused_at.is_some()
        && let Some(question) = asks_first(ctx, &send, &ResumeAction::Resume, quiet_hours_confirmed).await?
    {
        return Ok(question);
    }
    hit(Point::BeforeResume);
    let mut tx = ctx.db().begin().await?;
    if queries::resume(&mut tx, ctx.store(), send.id).await? {
        queries::restart(&mut tx, send.id, ctx.now).await?;
        let summary = format!("Resumed “{}”", send.label);
        log(&mut tx, &send, &ctx.actor.name, "send.resumed", summary, ctx.now).await?;
        hit(Point::ResumeWritten);
    }
    tx.commit().await?;
    hit(Point::AfterResume);
    ctx.state.wake.notify_one();
    Ok(send.page())
}

async fn sending(ctx: &Ctx, send_id: i64) -> Result<SendRecord, AppError> {
    let send = existing(ctx.db(), ctx.store(), send_id).await?;
    if send.state == SendState::Sending {
        Ok(send)
    } else {
        Err(not_sending(&send))
    }
}

fn not_sending(send: &SendRecord) -> AppError {
    let words = match send.state {
        SendState::Done => "It has already gone out to everybody.",
        SendState::Holding => "It hasn't started yet: Undo takes it back.",
        _ => "It isn't sending any more.",
    };
    AppError::Refused {
        words: words.to_owned(),
        back_to: Some(send.page()),
    }
}
