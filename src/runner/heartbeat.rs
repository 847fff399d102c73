//! The sign of life: written by every runner, read by every page.

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;

use super::store;
use crate::{db::Db, instance, server::AppState};

/// How often it is written: twice a minute.
const EVERY: Duration = Duration::seconds(30);
/// Silent for longer, a runner counts as gone.
const STALE: Duration = Duration::minutes(2);
/// After so long a gone runner is forgotten.
const FORGOTTEN: Duration = Duration::days(1);

/// What a runner is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum State {
    Running,
    /// Nothing is sent until an owner confirms that this is not a copy.
    Copy,
    /// The clock was put back; nothing is fired until it has caught up.
    Clock,
}

/// Whether planned sends go out by themselves now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulse {
    Running,
    Paused,
}

impl Pulse {
    /// Asks the database for a recent sign of life of any runner.
    pub async fn feel(state: &AppState, now: DateTime<Utc>) -> sqlx::Result<Self> {
        if state.guard.is_passive() {
            return Ok(Pulse::Paused);
        }
        let alive = store::alive(&state.db, now - STALE, now + STALE).await?;
        Ok(if alive.contains(&State::Running) {
            Pulse::Running
        } else {
            Pulse::Paused
        })
    }

    pub fn is_running(self) -> bool {
        self == Pulse::Running
    }

    /// The line at the foot of every page.
    pub fn words(self) -> &'static str {
        match self {
            Pulse::Running => "Scheduled sends: running",
            Pulse::Paused => "Scheduled sends: paused",
        }
    }
}

/// How long ago any runner last showed life; nothing when none ever did.
pub async fn silence(db: &Db, now: DateTime<Utc>) -> sqlx::Result<Option<Duration>> {
    Ok(store::newest_beat(db).await?.map(|at| (now - at).abs()))
}

/// Whether a runner silent for so long counts as gone.
pub fn is_gone(silence: Duration) -> bool {
    silence > STALE
}

/// How many campaigns are due and wait for a runner, and since when the longest does.
pub async fn waiting(db: &Db, now: DateTime<Utc>) -> sqlx::Result<(i64, Option<DateTime<Utc>>)> {
    store::waiting(db, now).await
}

/// One runner's own heart.
#[derive(Debug)]
pub(super) struct Heart {
    name: String,
    started_at: DateTime<Utc>,
    last: Option<(State, DateTime<Utc>)>,
}

impl Heart {
    pub(super) fn new(name: String, started_at: DateTime<Utc>) -> Self {
        Self {
            name,
            started_at,
            last: None,
        }
    }

    /// Writes a sign of life when one is due, or when it says something new. A failure is only
    /// logged: the next turn tries again.
    pub(super) async fn say(&mut self, state: &AppState, what: State) {
        let now = state.clock.now();
        let recent = |(said, at): (State, DateTime<Utc>)| said == what && (now - at).abs() < EVERY;
        if self.last.is_some_and(recent) {
            return;
        }
        match self.write(&state.db, what, now).await {
            Ok(()) => self.last = Some((what, now)),
            Err(error) => tracing::warn!(error = %error, "the runner's sign of life could not be written"),
        }
    }

    async fn write(&self, db: &Db, what: State, now: DateTime<Utc>) -> sqlx::Result<()> {
        let mut tx = db.begin().await?;
        if self.last.is_none() {
            store::forget(&mut tx, "", now - FORGOTTEN).await?;
        }
        store::beat(&mut tx, &self.name, what, self.started_at, now).await?;
        let note = match what {
            // A copy must not overwrite what tells it apart.
            State::Copy => None,
            State::Running | State::Clock => Some(instance::note_life(&mut tx, now).await?),
        };
        tx.commit().await?;
        if let Some(note) = note {
            note.keep(db).await;
        }
        Ok(())
    }

    /// The last thing a runner does: pages need not wait two minutes to say that it is gone.
    pub(super) async fn stop(&self, db: &Db) {
        let gone: sqlx::Result<()> = async {
            let mut tx = db.begin().await?;
            store::forget(&mut tx, &self.name, DateTime::UNIX_EPOCH).await?;
            tx.commit().await
        }
        .await;
        if let Err(error) = gone {
            tracing::warn!(error = %error, "the runner could not sign off");
        }
    }
}
