//! Planned campaigns, and schedulers to fire them.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::task::JoinHandle;

use tokio_util::sync::CancellationToken;

use loupe::{
    context::AppState,
    db::Db,
    on_db, on_tx,
    recipients::model::RecipientFilter,
    scheduler,
    sends::queries::{self as sends, SendRecord},
    stores::model::Store,
    time::Clock,
};

/// A campaign planned by Priya for a moment.
pub async fn planned(db: &Db, store: &Store, name: &str, filter: &RecipientFilter, at: DateTime<Utc>) -> i64 {
    let id = super::sending::draft(db, store, name, filter).await;
    plan(db, id, at).await;
    id
}

/// Plans a campaign for a moment, its clock time in UTC.
pub async fn plan(db: &Db, campaign: i64, at: DateTime<Utc>) {
    let mut tx = db.begin().await.expect("a transaction");
    on_tx!(&mut tx, |conn| sqlx::query(
        "update campaigns set status = 'scheduled', scheduled_at = $2, scheduled_local = $3, scheduled_zone = 'UTC',
                updated_by = 'Priya Nair' where id = $1"
    )
    .bind(campaign)
    .bind(at)
    .bind(at.format("%Y-%m-%dT%H:%M:%S%.f").to_string())
    .execute(&mut *conn)
    .await
    .map(|_| ()))
    .expect("a plan");
    tx.commit().await.expect("a commit");
}

/// A running scheduler.
pub struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    pub fn start(state: &AppState) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(scheduler::run(state.clone(), stop.clone()));
        Self { stop, task }
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.expect("the scheduler stops");
    }
}

/// What a campaign's row says.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Row {
    pub status: String,
    pub hold: Option<String>,
    pub problem: Option<String>,
    pub scheduled_at: Option<DateTime<Utc>>,
    pub scheduled_local: Option<String>,
}

pub async fn row(db: &Db, campaign: i64) -> Row {
    on_db!(db, |pool| sqlx::query_as(
        "select status, hold, problem, scheduled_at, scheduled_local from campaigns where id = $1"
    )
    .bind(campaign)
    .fetch_one(pool)
    .await)
    .expect("a campaign")
}

/// Runs a scheduler until a campaign is neither on schedule nor anything else than wanted.
pub async fn run_until(state: &AppState, campaign: i64, wanted: impl Fn(&Row) -> bool) -> Row {
    let running = Running::start(state);
    let row = wait_for(&state.db, campaign, wanted).await;
    running.stop().await;
    row
}

/// Waits until a campaign is as wanted; half a minute at most.
pub async fn wait_for(db: &Db, campaign: i64, wanted: impl Fn(&Row) -> bool) -> Row {
    let begin = Instant::now();
    loop {
        let now = row(db, campaign).await;
        if wanted(&now) {
            return now;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "still {now:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The sends of a campaign.
pub async fn sends_of(db: &Db, store: &Store, campaign: i64) -> Vec<SendRecord> {
    sends::of_campaign(db, store.id, campaign).await.expect("a read")
}

/// A second process on the same database: its own clock and state.
pub fn another_process(state: &AppState, clock: Clock) -> AppState {
    AppState::new(state.db.clone(), clock, (*state.settings).clone())
}

/// The audit lines of a campaign, oldest first: who, what, and in words.
pub async fn audit(db: &Db, campaign: i64) -> Vec<(String, String, String)> {
    on_db!(db, |pool| sqlx::query_as(
        "select actor, action, summary from audit_events where subject = 'campaign' and subject_id = $1 order by id"
    )
    .bind(campaign)
    .fetch_all(pool)
    .await)
    .expect("the log")
}
