//! The scheduler: sends by itself what was planned, when it is due.
//!
//! What it promises:
//!
//! * A campaign is fired once, however many schedulers look at it: the claim is one guarded
//!   statement that finds it still `scheduled` for that very moment.
//! * It looks every second and sleeps no longer than until the next one is due.
//! * What it could not send in time is never sent silently later than the store allows: it stays
//!   `scheduled`, held, and the pages say so.
//! * It shows that it is alive: a heartbeat in the database, on every page, and on `/readyz`.
//! * Put back in time, it fires nothing until the clock has caught up.
//!
//! It only starts sends. Everything after that is [`crate::dispatch`].

mod clock_watch;
pub mod heartbeat;
mod late;
mod queries;
pub mod start_due;
pub mod zones;

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use futures::StreamExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use clock_watch::ClockWatch;

use start_due::DueResult;

use heartbeat::Heartbeat;

use crate::{
    context::AppState,
    customers::{self, import::upload},
    db::{Tx, with_timeout},
    error::AppError,
    sends::{audience_snapshot, contacts, provider_events, reconcile, unconfirmed},
    tokens,
};
pub use late::{Lateness, words as late_words};

/// Longest sleep with nothing to do.
const TICK_INTERVAL: Duration = Duration::from_secs(1);
/// Campaigns looked at in one go.
const BATCH: i64 = 256;
/// Campaigns started at the same time.
const AT_ONCE: usize = 8;
/// One turn is given so long: a database that does not answer must not be waited for without end.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(600);
/// Between two looks at what time settles.
const CLEANUP_INTERVAL: Duration = Duration::from_secs(600);
/// Between two looks at what was on the wire when its send ended.
const RECONCILE_INTERVAL: Duration = Duration::from_secs(10);
/// Sets of tags removed in one look: on SQLite nothing else is written meanwhile.
const SETS: i64 = 500;
/// After so many failures that are our own, a campaign waits for a person.
const TRIES: u32 = 5;

/// Holds back everything that is due already, of every store: what a copy may have sent in its
/// former life.
pub async fn hold_all_due(tx: &mut Tx, words: &str, now: DateTime<Utc>) -> sqlx::Result<u64> {
    queries::hold_all_due(tx, words, now).await
}

struct Scheduler {
    state: AppState,
    heartbeat: Heartbeat,
    clock: ClockWatch,
    start_due: start_due::Since,
    /// Where to begin in the list, so that several schedulers do not all reach for the same one.
    offset: usize,
    /// When old business is looked at next.
    tidy_at: Instant,
    /// When sends that ended too early to know everything are looked at next.
    tie_up_at: Instant,
    /// Campaigns that could not be started, and when they are tried again.
    later: HashMap<i64, (u32, Instant)>,
}

/// Fires what is due until `stop` is cancelled. On a copy of a database it waits until an owner
/// has confirmed it.
pub async fn run(state: AppState, stop: CancellationToken) {
    let started_at = state.clock.now();
    let name = tokens::public();
    let offset = name.bytes().map(usize::from).sum();
    let mut scheduler = Scheduler {
        heartbeat: Heartbeat::new(name, started_at),
        clock: ClockWatch::default(),
        start_due: start_due::Since {
            started_at,
            active_at: started_at,
        },
        offset,
        later: HashMap::new(),
        tidy_at: Instant::now(),
        tie_up_at: Instant::now(),
        state,
    };
    scheduler.go_active(&stop).await;
    while !stop.is_cancelled() {
        if scheduler.state.send_gate.is_passive() {
            scheduler.go_active(&stop).await;
            continue;
        }
        let wait = match with_timeout(DATABASE_TIMEOUT, scheduler.tick()).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::error!(error = %error, "the scheduler could not go on; trying again");
                TICK_INTERVAL
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = scheduler.state.schedule_changed.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
    scheduler.heartbeat.stop(&scheduler.state.db).await;
}

impl Scheduler {
    /// Waits while this is an unconfirmed copy, then looks after what a newer program or a gone
    /// scheduler left.
    async fn go_active(&mut self, stop: &CancellationToken) {
        let send_gate = Arc::clone(&self.state.send_gate);
        while send_gate.is_passive() && !stop.is_cancelled() {
            self.heartbeat.say(&self.state, heartbeat::State::Copy).await;
            tokio::select! {
                () = stop.cancelled() => return,
                () = send_gate.until_active() => {}
                () = tokio::time::sleep(TICK_INTERVAL) => {}
            }
        }
        self.start_due.active_at = self.state.clock.now();
        while !stop.is_cancelled() {
            match zones::recompute(&self.state.db, self.state.clock.now()).await {
                Ok(0) => return,
                Ok(moved) => {
                    tracing::info!(moved, "planned times follow the new rules of their time zones");
                    return;
                }
                Err(error) => tracing::error!(error = %error, "the scheduler could not start; trying again"),
            }
            tokio::time::sleep(TICK_INTERVAL).await;
        }
    }

    /// Fires everything that is due. Answers how long there is nothing to do.
    async fn tick(&mut self) -> Result<Duration, AppError> {
        let now = self.state.clock.now();
        if let Some(behind) = self.clock.behind(now) {
            self.heartbeat.say(&self.state, heartbeat::State::Clock).await;
            return Ok(behind.to_std().unwrap_or(TICK_INTERVAL).min(TICK_INTERVAL));
        }
        self.heartbeat.say(&self.state, heartbeat::State::Running).await;
        if self.state.send_gate.is_passive() {
            return Ok(Duration::ZERO);
        }
        self.reconcile_ended().await;
        self.tidy(now).await;
        let mut due = queries::due(&self.state.db, now, BATCH).await?;
        let full = due.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
        let asleep = Instant::now();
        due.retain(|d| self.later.get(&d.id).is_none_or(|(_, at)| *at <= asleep));
        if !due.is_empty() {
            let begin = self.offset % due.len();
            due.rotate_left(begin);
            self.start_all_due(due).await;
            if full {
                return Ok(Duration::ZERO);
            }
        }
        if self.note_contacts().await {
            return Ok(Duration::ZERO);
        }
        self.until_next().await
    }

    /// When customers were last written to. True when there is more to note: what falls due meanwhile goes
    /// first.
    async fn note_contacts(&self) -> bool {
        contacts::go_on(&self.state.db).await.unwrap_or_else(|error| {
            tracing::warn!(error = %error, "when customers were last written to could not be noted; trying again");
            false
        })
    }

    /// What came after the end of a send.
    async fn reconcile_ended(&mut self) {
        if self.tie_up_at > Instant::now() {
            return;
        }
        self.tie_up_at = Instant::now() + RECONCILE_INTERVAL;
        match reconcile::reconcile_ended(&self.state.db).await {
            Ok(0) => {}
            Ok(sends) => tracing::info!(sends, "what was on the wire when these sends ended is written down"),
            Err(error) => tracing::warn!(error = %error, "sends that ended could not be looked at again"),
        }
    }

    /// What time settles by itself. Nothing is due more exactly than this is looked at.
    async fn tidy(&mut self, now: DateTime<Utc>) {
        if self.tidy_at > Instant::now() {
            return;
        }
        self.tidy_at = Instant::now() + CLEANUP_INTERVAL;
        match unconfirmed::settle_old(&self.state.db, now).await {
            Ok(0) => {}
            Ok(settled) => tracing::info!(settled, "treated as sent what was never answered"),
            Err(error) => tracing::warn!(error = %error, "old business could not be looked at"),
        }
        if let Err(error) = audience_snapshot::forget_old(&self.state.db, now).await {
            tracing::warn!(error = %error, "what was shown long ago could not be forgotten");
        }
        if let Err(error) = customers::queries::sweep_sets(&self.state.db, SETS).await {
            tracing::warn!(error = %error, "sets of tags that nobody is in could not be removed");
        }
        if let Err(error) = upload::forget_old(&self.state.db, now).await {
            tracing::warn!(error = %error, "old uploads could not be removed");
        }
        if let Err(error) = provider_events::forget_tokens(&self.state.db, now).await {
            tracing::warn!(error = %error, "old tokens of the mail provider could not be forgotten");
        }
    }

    async fn start_all_due(&mut self, due: Vec<queries::Due>) {
        let (state, since) = (&self.state, self.start_due);
        let outcomes: Vec<(i64, DueResult)> = futures::stream::iter(due)
            .map(|d| async move { (d.id, start_due::start_due(state, &d, since).await) })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        for (id, outcome) in outcomes {
            match outcome {
                DueResult::Settled => {
                    self.later.remove(&id);
                }
                DueResult::Failed(error) => self.put_off(id, &error).await,
            }
        }
    }

    /// Our own failure: tried again ever later, and in the end left to a person.
    async fn put_off(&mut self, id: i64, error: &AppError) {
        let tries = self.later.get(&id).map_or(0, |(tries, _)| *tries) + 1;
        tracing::warn!(campaign.id = id, tries, error = %error, "a due campaign could not be started");
        if tries >= TRIES && start_due::hold_back(&self.state, id, &error.to_string()).await.is_ok() {
            self.later.remove(&id);
            return;
        }
        let pause = TICK_INTERVAL * 2u32.pow(tries.min(6));
        self.later.insert(id, (tries, Instant::now() + pause));
    }

    async fn until_next(&self) -> Result<Duration, AppError> {
        let next: Option<DateTime<Utc>> = queries::next_due(&self.state.db, self.state.clock.now()).await?;
        let wait = next.and_then(|at| (at - self.state.clock.now()).to_std().ok());
        Ok(wait.unwrap_or(TICK_INTERVAL).min(TICK_INTERVAL))
    }
}
