//! A send that stands still although nothing holds it: nobody works on it, nobody has paused it,
//! and what is due has not gone. A person decides how it goes on.

use chrono::{DateTime, Duration, Utc};
use sqlx::AssertSqlSafe;

use super::{
    ending,
    model::SendState,
    queries::{self, SendRecord},
    quiet_hours::{ResumeAction, asks_first},
    rules::existing,
};
use crate::{
    context::{AppState, ctx::Ctx},
    db::{
        Db,
        dialect::{database_micros, database_now},
        in_tx,
    },
    error::AppError,
    failpoints::{Point, hit},
    messages, on_db,
};

/// So long nothing has to happen before a send counts as stalled: longer than any lease.
const STILL: Duration = Duration::minutes(2);

/// Whether a send has stood still for two minutes with nothing in its way.
pub async fn is_stalled(state: &AppState, send: &SendRecord, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let since = now - STILL;
    let held = !send.state.is_open() || send.paused_at.is_some() || send.hold_until > since;
    if held || state.send_gate.is_passive() {
        return Ok(false);
    }
    let signs = signs(&state.db, send.id, since).await?;
    if signs.leased || signs.paced || (signs.queued && !signs.overdue) {
        return Ok(false);
    }
    Ok(!has_moved(&state.db, send.id, since).await?)
}

/// What the rows of a send say about whether it moves.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
struct Signs {
    /// Somebody holds a lease that has not expired.
    leased: bool,
    /// The mail account's rate has been in use, by this send or by others whose turn it was.
    paced: bool,
    /// Somebody still waits for a turn, now or later.
    queued: bool,
    /// Of these, somebody has been due for a while.
    overdue: bool,
}

async fn signs(db: &Db, send: i64, since: DateTime<Utc>) -> sqlx::Result<Signs> {
    let backend = db.backend();
    let sql = format!(
        "select exists (select 1 from messages where +send_id = $1 and lease_until >= {now}) as leased,
                exists (select 1 from provider_accounts where used_until >= {micros} - {still}) as paced,
                exists (select 1 from messages where send_id = $1 and next_at is not null) as queued,
                exists (select 1 from messages where send_id = $1 and next_at <= $2) as overdue",
        now = database_now(backend),
        micros = database_micros(backend),
        still = STILL.as_seconds_f64() * 1e6,
    );
    on_db!(db, |pool| sqlx::query_as(AssertSqlSafe(sql))
        .bind(send)
        .bind(since)
        .fetch_one(pool)
        .await)
}

/// Whether anybody has got an outcome since. Reads every row of the send, so it is asked last.
async fn has_moved(db: &Db, send: i64, since: DateTime<Utc>) -> sqlx::Result<bool> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select exists (select 1 from messages where send_id = $1 and settled_at > $2 and outcome <> 'skipped')"
    )
    .bind(send)
    .bind(since)
    .fetch_one(pool)
    .await)
}

/// Goes on with a stalled send: whoever sends looks at it again. Answers its page, or where it is
/// asked first.
pub async fn go_on(ctx: &Ctx, send_id: i64, quiet_hours_confirmed: bool) -> Result<String, AppError> {
    let send = stalled(ctx, send_id).await?;
    if let Some(question) = asks_first(ctx, &send, &ResumeAction::GoOn, quiet_hours_confirmed).await? {
        return Ok(question);
    }
    hit(Point::BeforeGoOn);
    let mut tx = ctx.db().begin().await?;
    // From now on it has two minutes again.
    queries::restart(&mut tx, send.id, ctx.now).await?;
    let summary = format!("Resumed “{}”, which had stopped by itself", send.label);
    ending::log(&mut tx, &send, &ctx.actor.name, "send.resumed", summary, ctx.now).await?;
    hit(Point::GoOnWritten);
    tx.commit().await?;
    hit(Point::AfterGoOn);
    ctx.state.wake.notify_one();
    Ok(send.page())
}

/// Gives a stalled send up. As long as it has reached nobody its campaign is a draft again; after
/// that it ends as what it is, with what went out recorded.
pub async fn end(ctx: &Ctx, send_id: i64) -> Result<String, AppError> {
    let send = stalled(ctx, send_id).await?;
    hit(Point::BeforeEndStalled);
    let (tx, ended) = in_tx(ctx.db(), async |mut tx| {
        // Whoever fell silent in the middle of a message may have sent it.
        crate::messages::queries::recover::recover(
            &mut tx,
            crate::messages::queries::recover::ReapScope::Expired,
            ctx.now,
        )
        .await?;
        hit(Point::StalledRecovered);
        if send.state == SendState::Holding {
            queries::change_state(&mut tx, send.id, SendState::Holding, SendState::Sending, None, None).await?;
        }
        let tally = messages::tallies::of_send_in(&mut tx, send.id).await?;
        let ended = if tally.reached_nobody() {
            let words = format!("{} took it back after it had stopped.", ctx.actor.first_name());
            ending::revert_by(&mut tx, &send, &ctx.actor.name, &words, ctx.now).await?
        } else {
            ending::finish_as_it_is(&mut tx, &send, &ctx.actor.name, ctx.now).await?
        };
        Ok((tx, ended))
    })
    .await?;
    if !ended {
        return Err(moves_again(&send));
    }
    hit(Point::EndStalledWritten);
    tx.commit().await?;
    hit(Point::AfterEndStalled);
    Ok(send.page())
}

async fn stalled(ctx: &Ctx, send_id: i64) -> Result<SendRecord, AppError> {
    let send = existing(ctx.db(), ctx.store(), send_id).await?;
    if is_stalled(&ctx.state, &send, ctx.now).await? {
        Ok(send)
    } else {
        Err(moves_again(&send))
    }
}

fn moves_again(send: &SendRecord) -> AppError {
    let words = match send.state {
        SendState::Holding | SendState::Sending => "It is sending again.",
        _ => "It has ended meanwhile.",
    };
    AppError::Refused {
        words: words.to_owned(),
        back_to: Some(send.page()),
    }
}
