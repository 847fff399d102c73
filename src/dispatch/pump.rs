//! The pump: finds what is due, leases it in batches, hands it to the carriers, ends sends whose
//! people all have an outcome, and takes over from senders that fell silent.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    carrier::Carriers,
    fault_points::{Point, reach},
    hand::Hand,
    keeper,
    ledger::{self, Ledger, json},
    load::{Job, Shelf},
    queue::Queue,
    retry,
    store::{self, Ticket, Whose},
    trouble::{Trouble, Verdict},
};
use crate::{
    auth::tokens,
    db::Backend,
    error::AppError,
    sends::{self, ending, model::SendState, store::Send},
    server::AppState,
    stores,
};

/// Messages leased at a time, for all sends of a turn together.
const BATCH: i64 = 256;
/// At least so many for each of them.
const SMALLEST_SHARE: i64 = 16;
/// Sends that get a turn at a time; the next turn begins with the one after.
const SENDS: i64 = 64;
/// Leased messages waiting for a carrier, at most.
const QUEUE: usize = 256;
/// How long a full queue is waited for at a time.
const PATIENCE: Duration = Duration::from_millis(250);
/// Between two turns of which the first found nothing to do and the next may.
const BREATH: Duration = Duration::from_millis(10);
/// Longest sleep with nothing to do.
const TICK: Duration = Duration::from_secs(1);
/// How long a send waits after trouble, the first time; it doubles up to the longest.
const FIRST_PAUSE: chrono::Duration = chrono::Duration::seconds(15);
const LONGEST_PAUSE: chrono::Duration = chrono::Duration::minutes(5);
/// Trouble that lasts longer gives the campaign back.
const PATIENCE_WITH_PROVIDER: chrono::Duration = chrono::Duration::minutes(60);
/// How long a stop waits for what is on the wire.
const DRAIN: Duration = Duration::from_secs(30);

struct Pump {
    state: AppState,
    /// This run of this process: leases carry it.
    owner: String,
    id_key: String,
    shelf: Shelf,
    hand: Hand,
    trouble: Arc<Trouble>,
    settled: Arc<Notify>,
    /// None: the outbox is the provider.
    jobs: Option<Arc<Queue>>,
    renewed: Instant,
    /// The send that had the last turn.
    last: i64,
}

/// See [`super::run`].
pub(crate) async fn run(state: AppState, stop: CancellationToken) {
    let settled = Arc::new(Notify::new());
    let trouble = Arc::new(Trouble::default());
    let (ledger, ledger_task) = ledger::open(state.db.clone(), state.clock.clone(), Arc::clone(&settled));
    let (jobs, carriers) = start_carriers(&state, &ledger, &trouble);
    drop(ledger);
    let mut pump = Pump {
        owner: tokens::public(),
        id_key: String::new(),
        shelf: Shelf::default(),
        hand: Hand::default(),
        trouble,
        settled,
        jobs,
        renewed: Instant::now(),
        last: 0,
        state,
    };
    tracing::info!(owner = %pump.owner, "the dispatcher begins");
    pump.begin(&stop).await;
    while !stop.is_cancelled() {
        // Without carriers nobody writes to it.
        if pump.jobs.is_some() && ledger_task.is_finished() {
            tracing::error!("the ledger broke: nothing can be sent");
            break;
        }
        let wait = match pump.turn(&stop).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::error!(error = %error, "the dispatcher could not go on; trying again");
                TICK
            }
        };
        if !wait.is_zero() {
            tokio::select! {
                () = stop.cancelled() => {}
                () = pump.state.wake.notified() => {}
                () = pump.settled.notified() => {}
                () = tokio::time::sleep(wait.min(TICK)) => {}
            }
        }
    }
    if let Some(queue) = pump.jobs.take() {
        queue.close();
    }
    let drained = async {
        for carrier in carriers {
            let _ = carrier.await;
        }
        let _ = ledger_task.await;
    };
    if timeout(DRAIN, drained).await.is_err() {
        tracing::warn!("messages were still on the wire at the end; they will show as unconfirmed");
    }
    pump.release().await;
}

fn start_carriers(
    state: &AppState,
    ledger: &Ledger,
    trouble: &Arc<Trouble>,
) -> (Option<Arc<Queue>>, Vec<tokio::task::JoinHandle<()>>) {
    let Some(account) = state.settings.smtp.clone() else {
        return (None, Vec::new());
    };
    let queue = Arc::new(Queue::new(QUEUE));
    let count = account.connections;
    let carriers = Carriers {
        account,
        base_url: state.settings.base_url.clone(),
        clock: state.clock.clone(),
        ledger: ledger.clone(),
        trouble: Arc::clone(trouble),
        retry_scale: state.settings.retry_scale,
        jobs: Arc::clone(&queue),
    };
    let tasks = (0..count)
        .map(|_| tokio::spawn(carriers.clone().keep_carrying()))
        .collect();
    (Some(queue), tasks)
}

impl Pump {
    /// At start: a key for Message-IDs, and whatever a former process left.
    async fn begin(&mut self, stop: &CancellationToken) {
        let whose = match self.state.db.backend() {
            Backend::Sqlite => Whose::EverybodyElses,
            Backend::Postgres => Whose::Expired,
        };
        while !stop.is_cancelled() {
            let done: Result<(), AppError> = async {
                self.id_key = crate::instance::id(&self.state.db).await?;
                Ok(self.recover(whose).await?)
            }
            .await;
            match done {
                Ok(()) => return,
                Err(error) => tracing::error!(error = %error, "the dispatcher could not start; trying again"),
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// One turn for some of what is open, going round. Answers how long there is nothing to do.
    async fn turn(&mut self, stop: &CancellationToken) -> Result<Duration, AppError> {
        // First: after a stall, what is still ours must not be taken for somebody else's.
        self.renew_when_due().await?;
        if store::any_expired(&self.state.db).await? {
            self.recover(Whose::Expired).await?;
        }
        if let Some(verdict) = self.trouble.verdict() {
            return self.deal_with(&verdict).await;
        }
        self.give_up_on_old_trouble().await?;
        let open = sends::store::open_now(&self.state.db, self.state.clock.now(), self.last, SENDS).await?;
        self.last = open.last().map_or(0, |send| send.id);
        self.shelf.keep_only(&open);
        let sends = i64::try_from(open.len()).unwrap_or(SENDS);
        let share = (BATCH / sends.max(1)).max(SMALLEST_SHARE);
        let mut leased = false;
        for send in &open {
            if stop.is_cancelled() {
                break;
            }
            if send.state == SendState::Holding && !self.end_hold(send).await? {
                continue;
            }
            let is_paused = send.paused_at.is_some() && !self.trouble.works();
            if send.paused_at.is_some() && !is_paused {
                self.trouble_is_over(send).await?;
            }
            let limit = match is_paused || self.trouble.is_suspect() {
                // One goes ahead, and only its answer lets the others follow.
                true if self.hand.is_empty() => 1,
                true => continue,
                false => share,
            };
            leased |= self.work_on(send, limit, stop).await?;
        }
        if leased {
            return Ok(Duration::ZERO);
        }
        if sends == SENDS {
            return Ok(BREATH);
        }
        let next = sends::store::next_hold(&self.state.db, self.state.clock.now()).await?;
        let until = next.and_then(|at| (at - self.state.clock.now()).to_std().ok());
        Ok(until.unwrap_or(TICK).max(BREATH))
    }

    /// The time to undo is over.
    async fn end_hold(&self, send: &Send) -> sqlx::Result<bool> {
        reach(Point::BeforeHoldEnds);
        let mut tx = self.state.db.begin().await?;
        let begun =
            sends::store::change_state(&mut tx, send.id, SendState::Holding, SendState::Sending, None, None).await?;
        tx.commit().await?;
        reach(Point::AfterHoldEnds);
        Ok(begun)
    }

    /// Leases a batch of one send, or ends it when nobody is left. True when something was leased.
    async fn work_on(&mut self, send: &Send, limit: i64, stop: &CancellationToken) -> Result<bool, AppError> {
        let load = match self.shelf.get(send.id) {
            Some(load) => load,
            None => {
                let store = stores::store::find(&self.state.db, send.store_id).await?;
                let prepared = store
                    .ok_or(AppError::NotFound)
                    .and_then(|store| self.shelf.add(send, &store, &self.id_key));
                match prepared {
                    Ok(load) => load,
                    Err(error) => {
                        tracing::error!(send.id = send.id, error = %error, "a send cannot be prepared");
                        self.end(send, Some("The message could not be prepared.")).await?;
                        return Ok(false);
                    }
                }
            }
        };
        let now = self.state.clock.now();
        let (open, due) = store::next_due(&self.state.db, send.id).await?;
        if !open {
            self.end(send, None).await?;
            return Ok(false);
        }
        if due.is_none_or(|at| at > now) {
            return Ok(false);
        }
        reach(Point::BeforeLease);
        let mut tx = self.state.db.begin().await?;
        let lease = self.state.settings.lease_seconds;
        let rows = store::lease(&mut tx, send.id, &self.owner, lease, limit, now).await?;
        reach(Point::LeaseWritten);
        tx.commit().await?;
        reach(Point::AfterLease);
        let jobs: Vec<Job> = rows
            .into_iter()
            .map(|row| Job {
                hold: self.hand.take(Ticket {
                    id: row.id,
                    epoch: row.epoch,
                }),
                row,
                load: Arc::clone(&load),
            })
            .collect();
        let leased = !jobs.is_empty();
        self.hand_over(jobs, stop).await?;
        Ok(leased)
    }

    async fn hand_over(&mut self, jobs: Vec<Job>, stop: &CancellationToken) -> Result<(), AppError> {
        let Some(queue) = self.jobs.clone() else {
            keeper::keep(
                &self.state.db,
                &self.state.settings.base_url,
                &jobs,
                self.state.clock.now(),
            )
            .await?;
            return Ok(());
        };
        for job in jobs {
            let mut back = queue.offer(job);
            while let Some(job) = back {
                // The carriers are busy or the provider is down: the leases must not run out
                // meanwhile, and giving up must still be possible.
                let _ = timeout(PATIENCE, queue.emptied()).await;
                if stop.is_cancelled() {
                    return Ok(());
                }
                if self.trouble.has_verdict() {
                    queue.clear();
                    return Ok(());
                }
                self.renew_when_due().await?;
                back = queue.offer(job);
            }
        }
        Ok(())
    }

    async fn renew_when_due(&mut self) -> sqlx::Result<()> {
        let lease = u64::try_from(self.state.settings.lease_seconds).unwrap_or(30);
        if self.renewed.elapsed() < Duration::from_secs(lease) / 3 {
            return Ok(());
        }
        self.renewed = Instant::now();
        let mut tx = self.state.db.begin().await?;
        let held = json(&self.hand.tickets())?;
        store::renew(&mut tx, &self.owner, &held, self.state.settings.lease_seconds).await?;
        tx.commit().await
    }

    async fn recover(&self, whose: Whose) -> sqlx::Result<()> {
        reach(Point::BeforeRecovery);
        let mut tx = self.state.db.begin().await?;
        let (queued, unknown) = store::recover(&mut tx, whose, self.state.clock.now()).await?;
        if queued + unknown > 0 {
            reach(Point::RecoveryWritten);
        }
        tx.commit().await?;
        if queued + unknown > 0 {
            reach(Point::AfterRecovery);
        }
        if queued + unknown > 0 {
            tracing::warn!(queued, unknown, "took over from a sender that fell silent");
        }
        Ok(())
    }

    async fn end(&mut self, send: &Send, problem: Option<&str>) -> sqlx::Result<()> {
        let now = self.state.clock.now();
        reach(Point::BeforeEnd);
        let mut tx = self.state.db.begin().await?;
        let ended = match problem {
            None => ending::finish(&mut tx, send, now).await?,
            Some(words) => ending::revert(&mut tx, send, words, now).await?,
        };
        if ended {
            reach(Point::EndWritten);
        }
        tx.commit().await?;
        if ended {
            reach(Point::AfterEnd);
            tracing::info!(send.id = send.id, given_up = problem.is_some(), "send ended");
        }
        Ok(())
    }

    /// The provider does not work: what nobody has begun goes back to the queue, and every send is
    /// paused or, when only a person can mend it, given back.
    async fn deal_with(&mut self, verdict: &Verdict) -> Result<Duration, AppError> {
        if let Some(queue) = &self.jobs {
            queue.clear();
        }
        let mut tx = self.state.db.begin().await?;
        store::release(&mut tx, &self.owner).await?;
        tx.commit().await?;
        for send in sends::store::sending(&self.state.db).await? {
            match verdict {
                Verdict::GiveUp(words) => self.end(&send, Some(words)).await?,
                Verdict::Pause(words) => self.pause(&send, words).await?,
            }
        }
        self.trouble.dealt_with();
        Ok(Duration::ZERO)
    }

    /// Everything stays queued and is tried again later.
    async fn pause(&self, send: &Send, words: &str) -> Result<(), AppError> {
        let now = self.state.clock.now();
        if send.resume_at.is_some_and(|at| at > now) {
            return Ok(());
        }
        let since = send.paused_at.map_or(chrono::Duration::zero(), |at| now - at);
        let wait = since.clamp(FIRST_PAUSE, LONGEST_PAUSE).to_std().unwrap_or_default();
        let wait = retry::jittered(wait).mul_f64(self.state.settings.retry_scale);
        let mut tx = self.state.db.begin().await?;
        if sends::store::pause(&mut tx, send.id, None, words, Some(now + wait), now).await? && send.paused_at.is_none()
        {
            ending::log_pause(&mut tx, send, words, now).await?;
        }
        tx.commit().await?;
        tracing::warn!(send.id = send.id, wait = wait.as_secs(), "paused: {words}");
        Ok(())
    }

    async fn trouble_is_over(&self, send: &Send) -> sqlx::Result<()> {
        let mut tx = self.state.db.begin().await?;
        sends::store::resume(&mut tx, send.store_id, send.id).await?;
        tx.commit().await
    }

    /// An hour of trouble is enough: the campaign goes back, with what went out recorded.
    async fn give_up_on_old_trouble(&mut self) -> Result<(), AppError> {
        let before = self.state.clock.now() - PATIENCE_WITH_PROVIDER;
        for send in sends::store::paused_since(&self.state.db, before).await? {
            let words = send.problem.as_deref().unwrap_or("The mail server doesn't work.");
            self.end(&send, Some(&format!("{words} It stayed so for 60 minutes.")))
                .await?;
        }
        Ok(())
    }

    async fn release(&self) {
        let released: sqlx::Result<u64> = async {
            reach(Point::BeforeRelease);
            let mut tx = self.state.db.begin().await?;
            let released = store::release(&mut tx, &self.owner).await?;
            reach(Point::ReleaseWritten);
            tx.commit().await?;
            reach(Point::AfterRelease);
            Ok(released)
        }
        .await;
        if let Err(error) = released {
            tracing::warn!(error = %error, "leases could not be given back; they will expire");
        }
    }
}
