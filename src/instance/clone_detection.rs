//! Noticing a copy, and confirming it.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{
    fingerprint::{self, Fingerprint, note_life},
    queries,
};
use crate::{
    audit, backup,
    context::{AppState, ctx::Ctx, send_gate::Why},
    db::{Db, Tx},
    error::AppError,
    failpoints::{Point, hit},
    scheduler,
    sends::{self, ending, model::SendState},
};

/// How often a passive process asks whether somebody confirmed on another one.
const DOUBT_INTERVAL: Duration = Duration::from_secs(1);
/// How often one that sends asks whether it still may.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);

/// What was being sent when a backup was made, in the words of its campaign.
const GIVEN_BACK: &str = "It was being sent when this copy of the database was made. Some of it may have gone out.";
/// What was due when a copy is confirmed.
const MAY_HAVE_GONE: &str = "This is a copy of the database: it may have gone out already.";

/// Finds out whether this is the database that sent last, and tells the guard. A new database
/// makes itself at home. Call it at the start, before anything sends.
pub async fn settle(state: &AppState) -> sqlx::Result<Option<Why>> {
    let why = look(&state.db, state.clock.now()).await?;
    match why {
        Some(why) => state.send_gate.close(why),
        None => state.send_gate.set(None),
    }
    Ok(why)
}

async fn look(db: &Db, now: DateTime<Utc>) -> sqlx::Result<Option<Why>> {
    let here = Fingerprint::of(db).await?;
    let here = json(&here)?;
    let known = crate::context::installation::get(db, queries::HOME).await?;
    if known.is_none()
        && crate::context::installation::get(db, queries::RESTORED)
            .await?
            .is_none()
    {
        let mut tx = db.begin().await?;
        crate::context::installation::put_first(&mut tx, queries::HOME, &here).await?;
        let note = note_life(&mut tx, now).await?;
        tx.commit().await?;
        note.keep(db).await;
        return Ok(None);
    }
    let why = doubts(db).await?;
    // The same place, of which a former version told less.
    if why.is_none() && known.as_ref() != Some(&here) {
        let mut tx = db.begin().await?;
        crate::context::installation::put(&mut tx, queries::HOME, &here).await?;
        tx.commit().await?;
    }
    Ok(why)
}

/// Why this may not be the database that sent last.
async fn doubts(db: &Db) -> sqlx::Result<Option<Why>> {
    match is_elsewhere(db).await? {
        None if fingerprint::is_older(db).await? => Ok(Some(Why::Older)),
        why => Ok(why),
    }
}

/// The part of it that can be asked at any time. (The note beside an SQLite file and what is inside
/// are not written at the same moment.)
async fn is_elsewhere(db: &Db) -> sqlx::Result<Option<Why>> {
    if crate::context::installation::get(db, queries::RESTORED)
        .await?
        .is_some()
    {
        return Ok(Some(Why::Restored));
    }
    // What can't be read was written by another program: ask.
    let known = crate::context::installation::get(db, queries::HOME).await?;
    let known: Option<Fingerprint> = known.and_then(|text| serde_json::from_str(&text).ok());
    let here = Fingerprint::of(db).await?;
    let is_same = known.is_some_and(|known| known.is_same_place(&here));
    Ok((!is_same).then_some(Why::Elsewhere))
}

fn json(home: &Fingerprint) -> sqlx::Result<String> {
    serde_json::to_string(home).map_err(|e| sqlx::Error::Encode(Box::new(e)))
}

/// Looks again for as long as the process lives: the database can become another one under it, and
/// somebody can confirm it on another instance. A database that does not answer says nothing.
pub async fn watch(state: AppState) {
    tokio::select! {
        () = state.db.until_replaced() => {
            state.send_gate.end();
            state.db.give_up(state.clock.now()).await;
        }
        () = keep_looking(&state) => {}
    }
}

async fn keep_looking(state: &AppState) {
    loop {
        let was_passive = state.send_gate.is_passive();
        tokio::time::sleep(if was_passive { DOUBT_INTERVAL } else { CHECK_INTERVAL }).await;
        if was_passive {
            // Somebody has confirmed meanwhile, here or on another instance.
            if let Ok(None) = doubts(&state.db).await {
                state.send_gate.set(None);
            }
        } else if let Ok(Some(why)) = is_elsewhere(&state.db).await {
            state.send_gate.close(why);
        }
    }
}

/// What is wrong inside an SQLite file of which it is not sure that it is the one that was in use here:
/// something else than Loupe may have put it there. Nothing when it is whole.
pub async fn damage(db: &Db) -> sqlx::Result<Option<String>> {
    let Db::Sqlite(pools) = db else { return Ok(None) };
    match queries::is_set_up(db).await {
        Ok(false) => return Ok(None),
        Ok(true) if matches!(doubts(db).await, Ok(None)) => return Ok(None),
        // What cannot be read may be damaged too.
        _ => {}
    }
    let mut connection = pools.read.acquire().await?;
    match backup::faults(&mut connection).await {
        Err(sqlx::Error::Database(error)) => Ok(Some(error.to_string())),
        found => found,
    }
}

/// Leaves a mark in a database that was put back from a backup.
pub async fn mark_restored(tx: &mut Tx, now: DateTime<Utc>) -> sqlx::Result<()> {
    crate::context::installation::put(tx, queries::RESTORED, &now.to_rfc3339()).await
}

/// An owner's word that this database is the one to go on with. What it was sending is given
/// back as drafts, what was due is held, and then it sends again, as another installation than the one
/// it was copied from. Pressing it twice is harmless.
pub async fn confirm(ctx: &Ctx) -> Result<(), AppError> {
    let (state, db, now) = (&ctx.state, ctx.db(), ctx.now);
    if !state.send_gate.is_passive() || doubts(db).await?.is_none() {
        state.send_gate.set(None);
        return Ok(());
    }
    let why = state.send_gate.why();
    let here = Fingerprint::of(db).await?;
    let open = queries::open_sends(db).await?;
    hit(Point::BeforeConfirm);
    let mut tx = db.begin().await?;
    // Whoever held a lease in the former life is gone.
    crate::messages::queries::recover::recover(&mut tx, crate::messages::queries::recover::ReapScope::AllOthers, now)
        .await?;
    for (store_id, id) in &open {
        let Some(send) = sends::queries::find(db, *store_id, *id).await? else {
            continue;
        };
        sends::queries::change_state(&mut tx, send.id, SendState::Holding, SendState::Sending, None, None).await?;
        ending::revert(&mut tx, &send, GIVEN_BACK, now).await?;
    }
    hit(Point::ConfirmGivenBack);
    let held = scheduler::hold_all_due(&mut tx, MAY_HAVE_GONE, now).await?;
    crate::context::installation::put(&mut tx, queries::HOME, &json(&here)?).await?;
    crate::context::installation::remove(&mut tx, queries::RESTORED).await?;
    // The other life goes on counting rows from the same number.
    queries::renew_id(&mut tx).await?;
    let note = note_life(&mut tx, now).await?;
    let entry = audit::Entry {
        actor: &ctx.actor.name,
        action: "instance.confirmed",
        subject: "store",
        subject_id: Some(ctx.store().0),
        summary: "Confirmed that this database is the one that sends".to_owned(),
        before: Some(serde_json::json!({ "why": why.map(Why::words) })),
        after: Some(serde_json::json!({ "given_back": open.len(), "held": held })),
    };
    audit::record(&mut tx, ctx.store(), entry, now).await?;
    hit(Point::ConfirmWritten);
    tx.commit().await?;
    hit(Point::AfterConfirm);
    note.keep(db).await;
    hit(Point::AfterNote);
    tracing::info!(given_back = open.len(), held, "an owner confirmed this database");
    state.send_gate.set(None);
    state.wake.notify_one();
    state.schedule_changed.notify_one();
    Ok(())
}
