//! The sign of life: written by every scheduler, read by every page. A scheduler that does not find its
//! own last one knows that the database went back to an earlier state.

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;

use super::queries;
use crate::{
    context::{AppState, send_gate::Why},
    db::{Db, Tx},
    instance,
};

/// How often it is written: twice a minute.
const EVERY: Duration = Duration::seconds(30);
/// Silent for longer, a scheduler counts as gone.
const STALE: Duration = Duration::minutes(2);
/// After so long a gone scheduler is forgotten.
const FORGOTTEN: Duration = Duration::days(1);

/// What a scheduler is doing.
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
pub enum SchedulerStatus {
    Running,
    Paused,
}

impl SchedulerStatus {
    /// Asks the database for a recent sign of life of any scheduler.
    pub async fn load(state: &AppState, now: DateTime<Utc>) -> sqlx::Result<Self> {
        if state.send_gate.is_passive() {
            return Ok(SchedulerStatus::Paused);
        }
        let alive = queries::alive(&state.db, now - STALE, now + STALE).await?;
        Ok(if alive.contains(&State::Running) {
            SchedulerStatus::Running
        } else {
            SchedulerStatus::Paused
        })
    }

    pub fn is_running(self) -> bool {
        self == SchedulerStatus::Running
    }

    /// The line at the foot of every page.
    pub fn words(self) -> &'static str {
        match self {
            SchedulerStatus::Running => "Scheduled sends: running",
            SchedulerStatus::Paused => "Scheduled sends: paused",
        }
    }
}

/// How long ago any scheduler last showed life; nothing when none ever did.
pub async fn silence(db: &Db, now: DateTime<Utc>) -> sqlx::Result<Option<Duration>> {
    Ok(queries::newest_heartbeat(db).await?.map(|at| (now - at).abs()))
}

/// Whether a scheduler silent for so long counts as gone.
pub fn is_gone(silence: Duration) -> bool {
    silence > STALE
}

/// How many campaigns are due and wait for a scheduler, and since when the longest does.
pub async fn waiting(db: &Db, now: DateTime<Utc>) -> sqlx::Result<(i64, Option<DateTime<Utc>>)> {
    queries::waiting(db, now).await
}

/// One scheduler's own heart.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    name: String,
    started_at: DateTime<Utc>,
    last: Option<(State, DateTime<Utc>)>,
    /// The one in the database cannot be older than this.
    least: Option<DateTime<Utc>>,
}

/// What came of writing a sign of life.
enum Written {
    Done,
    /// The last one is not there.
    WentBack,
}

impl Heartbeat {
    pub(crate) fn new(name: String, started_at: DateTime<Utc>) -> Self {
        Self {
            name,
            started_at,
            last: None,
            least: None,
        }
    }

    /// Writes a sign of life when one is due, or when it says something new. A failure is only
    /// logged: the next turn tries again.
    pub(crate) async fn say(&mut self, state: &AppState, what: State) {
        if state.send_gate.is_replaced() {
            return;
        }
        let now = state.clock.now();
        let recent = |(said, at): (State, DateTime<Utc>)| said == what && (now - at).abs() < EVERY;
        if self.last.is_some_and(recent) {
            return;
        }
        match self.write(&state.db, what, now).await {
            Ok(Written::Done) => (self.last, self.least) = (Some((what, now)), Some(now)),
            Ok(Written::WentBack) => {
                (self.last, self.least) = (None, None);
                state.send_gate.close(Why::Older);
            }
            Err(error) => {
                // It may be there all the same.
                self.least = self.least.map(|least| least.min(now));
                tracing::warn!(error = %error, "the scheduler's sign of life could not be written");
            }
        }
    }

    /// Whether the database does not know of the last sign of life. One that was silent for long may
    /// have been forgotten.
    async fn went_back(&self, tx: &mut Tx, now: DateTime<Utc>) -> sqlx::Result<bool> {
        let (Some((_, last)), Some(least)) = (self.last, self.least) else {
            return Ok(false);
        };
        Ok(match queries::last_heartbeat(tx, &self.name).await? {
            // Databases keep no shorter times.
            Some(found) => found.timestamp_micros() < least.timestamp_micros(),
            None => (now - last).abs() < FORGOTTEN,
        })
    }

    async fn write(&self, db: &Db, what: State, now: DateTime<Utc>) -> sqlx::Result<Written> {
        let mut tx = db.begin().await?;
        if self.went_back(&mut tx, now).await? {
            // So that every other instance hears of it, and this one after a restart.
            instance::mark_restored(&mut tx, now).await?;
            tx.commit().await?;
            return Ok(Written::WentBack);
        }
        if self.last.is_none() {
            queries::forget(&mut tx, "", now - FORGOTTEN).await?;
        }
        queries::record_heartbeat(&mut tx, &self.name, what, self.started_at, now).await?;
        let note = match what {
            // A copy must not overwrite what tells it apart.
            State::Copy => None,
            State::Running | State::Clock => Some(instance::note_life(&mut tx, now).await?),
        };
        tx.commit().await?;
        if let Some(note) = note {
            note.keep(db).await;
        }
        Ok(Written::Done)
    }

    /// The last thing a scheduler does: pages need not wait two minutes to say that it is gone.
    pub(crate) async fn stop(&self, db: &Db) {
        let gone: sqlx::Result<()> = async {
            let mut tx = db.begin().await?;
            queries::forget(&mut tx, &self.name, DateTime::UNIX_EPOCH).await?;
            tx.commit().await
        }
        .await;
        if let Err(error) = gone {
            tracing::warn!(error = %error, "the scheduler could not sign off");
        }
    }
}
