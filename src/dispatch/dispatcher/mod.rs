//! The dispatcher: finds what is due, leases it in batches, hands it to the workers, ends sends whose
//! people all have an outcome, and takes over from senders that fell silent.

pub mod idempotent_retry;
pub mod lease;
pub mod lease_renewal;
pub mod limit_refresh;
pub mod outbox_transport;
pub mod provider_outage;

use std::{sync::Arc, time::Duration};

use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    DRAIN,
    circuit_breaker::CircuitBreaker,
    connection_limit::ConnectionLimit,
    dispatcher::{
        lease::{Going, Lease},
        lease_renewal::RENEWAL_CHECK_INTERVAL,
    },
    rate_limit::{account::LEAD, domain::DomainQueues, slots::SlotPool},
    status_writer::{self, StatusWriter},
    workers::{
        in_flight::InFlight,
        pool::WorkerPool,
        prepared_send::{Job, PreparedCache, PreparedSend},
        queue::Queue,
        worker::Worker,
    },
};
use crate::{
    channels::email::{events::Provider, smtp::Account},
    context::AppState,
    db::{Backend, with_timeout},
    error::AppError,
    failpoints::{Point, hit},
    mail_accounts::domain_queries,
    messages::queries::{
        leases::{self, LeaseToken},
        recover::ReapScope,
    },
    sends::{self, ending, model::SendState, queries::SendRecord},
    stores,
};

/// Messages leased at a time, for all sends of a turn together.
const BATCH: i64 = 256;
/// At least so many for each of them.
const SMALLEST_SHARE: i64 = 16;
/// Sends that get a turn at a time; the next turn begins with the one after.
const SENDS: i64 = 64;
/// Leased messages waiting for a worker, at most.
const QUEUE: usize = 256;
/// Between two turns of which the first found nothing to do and the next may.
const YIELD_INTERVAL: Duration = Duration::from_millis(10);
/// Longest sleep with nothing to do.
pub(crate) const TICK_INTERVAL: Duration = Duration::from_secs(1);
/// Longest sleep while somebody waits for a domain's limit: what goes is leased further ahead.
const DOMAIN_QUEUE_INTERVAL: Duration = Duration::from_millis(100);
/// The database is given so long for one step. The longest is giving up a send to a million.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(600);

/// What came of a send's turn.
enum Work {
    Leased,
    /// All that was looked at waits for its domain's limit.
    PutOff,
    Nothing,
    /// The account's rate is used up for so long.
    UsedUp(Duration),
}

/// What there is of a send to hand over.
enum Taken {
    Jobs(Vec<Job>),
    No(Work),
}

pub(crate) struct Dispatcher {
    pub(crate) state: AppState,
    /// This run of this process: leases carry it.
    pub(crate) owner: String,
    prepared: PreparedCache,
    pub(crate) in_flight: InFlight,
    pub(crate) breaker: Arc<CircuitBreaker>,
    settled: Arc<Notify>,
    /// None: the outbox is the provider.
    pub(crate) pool: Option<WorkerPool>,
    /// Names the mail account in the database.
    pub(crate) account: String,
    /// Whose it is, where that is known.
    pub(crate) provider: Option<Provider>,
    /// Messages a second, over all instances.
    pub(crate) rate: Option<i64>,
    /// Messages a second to one domain, over all instances.
    pub(crate) domain_rate: Option<i64>,
    /// Who waits for a domain's limit.
    pub(crate) domain_queues: DomainQueues,
    /// When the account's limits were last asked for.
    pub(crate) asked: Option<Instant>,
    /// When it may send, where there is a rate.
    pub(crate) slots: Arc<SlotPool>,
    pub(crate) renewed: Instant,
    /// The send that had the last turn.
    last: i64,
}

/// See [`super::run`].
pub(crate) async fn run(state: AppState, stop: CancellationToken) {
    let settled = Arc::new(Notify::new());
    let breaker = Arc::new(CircuitBreaker::default());
    let (status_writer, writer_task) = status_writer::open(state.db.clone(), state.clock.clone(), Arc::clone(&settled));
    let slots = Arc::new(SlotPool::default());
    let pool = pool(&state, status_writer, &breaker, &slots);
    let mut dispatcher = Dispatcher {
        owner: crate::tokens::public(),
        prepared: PreparedCache::default(),
        in_flight: InFlight::default(),
        breaker,
        settled,
        pool,
        account: state.settings.smtp.as_ref().map(Account::key).unwrap_or_default(),
        provider: None,
        rate: None,
        domain_rate: None,
        domain_queues: DomainQueues::default(),
        asked: None,
        slots,
        renewed: Instant::now(),
        last: 0,
        state,
    };
    tracing::info!(owner = %dispatcher.owner, "the dispatcher begins");
    dispatcher.begin(&stop).await;
    while !stop.is_cancelled() {
        // Without workers nobody writes to it.
        if dispatcher.pool.is_some() && writer_task.is_finished() {
            tracing::error!("the status writer broke: nothing can be sent");
            break;
        }
        let wait = match dispatcher.tick(&stop).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::error!(error = %error, "the dispatcher could not go on; trying again");
                TICK_INTERVAL
            }
        };
        if !wait.is_zero() {
            tokio::select! {
                () = stop.cancelled() => {}
                () = dispatcher.state.wake.notified() => {}
                () = dispatcher.settled.notified() => {}
                () = dispatcher.slots.slots_wanted() => {}
                () = tokio::time::sleep(wait.min(TICK_INTERVAL)) => {}
            }
        }
    }
    dispatcher.slots.close();
    let pool = dispatcher.pool.take();
    let drained = async {
        if let Some(pool) = pool {
            pool.finish().await;
        }
        let _ = writer_task.await;
    };
    tokio::select! {
        () = drained => {}
        () = dispatcher.keep_renewing() => {}
        () = tokio::time::sleep(DRAIN) => {
            tracing::warn!("messages were still on the wire at the end; they will show as unconfirmed");
        }
    }
    if let Err(error) = dispatcher.put_back_refused().await {
        tracing::warn!(error = %error, "refusals that were everybody's could not be taken back");
    }
    dispatcher.release().await;
}

/// The workers, none at work yet. Without a mail server there are none.
fn pool(
    state: &AppState,
    status_writer: StatusWriter,
    breaker: &Arc<CircuitBreaker>,
    slots: &Arc<SlotPool>,
) -> Option<WorkerPool> {
    let account = state.settings.smtp.clone()?;
    let jobs = Arc::new(Queue::new());
    tokio::spawn(Arc::clone(&jobs).wake_when_due());
    Some(WorkerPool::new(Worker {
        account,
        base_url: state.settings.base_url.clone(),
        clock: state.clock.clone(),
        status_writer,
        breaker: Arc::clone(breaker),
        limit: Arc::new(ConnectionLimit::default()),
        retry_scale: state.settings.retry_scale,
        jobs,
        slots: Arc::clone(slots),
    }))
}

impl Dispatcher {
    /// At start: the installation's id for Message-IDs, and whatever a former process left.
    async fn begin(&mut self, stop: &CancellationToken) {
        let whose = match self.state.db.backend() {
            Backend::Sqlite => ReapScope::AllOthers,
            Backend::Postgres => ReapScope::Expired,
        };
        while !stop.is_cancelled() {
            let done: Result<(), AppError> = async {
                // Every lease notes it.
                crate::context::installation::id(&self.state.db).await?;
                Ok(self.recover(whose).await?)
            }
            .await;
            match done {
                Ok(()) => return,
                Err(error) => tracing::error!(error = %error, "the dispatcher could not start; trying again"),
            }
            tokio::time::sleep(TICK_INTERVAL).await;
        }
    }

    /// One turn for some of what is open, going round. Answers how long there is nothing to do.
    async fn tick(&mut self, stop: &CancellationToken) -> Result<Duration, AppError> {
        with_timeout(DATABASE_TIMEOUT, self.maintain_leases()).await?;
        with_timeout(DATABASE_TIMEOUT, self.refill_slots()).await?;
        with_timeout(DATABASE_TIMEOUT, self.put_back_refused()).await?;
        if let Some(trip) = self.breaker.trip() {
            return with_timeout(DATABASE_TIMEOUT, self.handle_trip(&trip)).await;
        }
        let open = with_timeout(DATABASE_TIMEOUT, self.open_now()).await?;
        self.prepared.retain(&open);
        let sends = i64::try_from(open.len()).unwrap_or(SENDS);
        let share = (BATCH / sends.max(1)).max(SMALLEST_SHARE);
        let (mut leased, mut first) = (false, None);
        for send in &open {
            if stop.is_cancelled() || self.breaker.is_open() {
                break;
            }
            if send.state == SendState::Holding && !self.end_hold(send).await? {
                continue;
            }
            let is_paused = send.paused_at.is_some() && !self.breaker.works_for(send.id);
            if send.paused_at.is_some() && !is_paused {
                self.resume_after_outage(send).await?;
            }
            // In doubt one goes ahead, and only its answer lets the others follow.
            let limit = match (self.breaker.is_half_open(), is_paused) {
                (true, _) if self.in_flight.is_empty() => 1,
                (false, true) if !self.in_flight.has_any_of(send.id) => 1,
                (false, false) => share,
                _ => continue,
            };
            match self.lease_or_finish(send, limit, stop).await? {
                Work::Leased => {
                    leased = true;
                    first.get_or_insert(send.id);
                }
                Work::PutOff => leased = true,
                Work::Nothing => {}
                // Its turn is the next.
                Work::UsedUp(wait) => return Ok(wait),
            }
            self.last = send.id;
        }
        if let Some(first) = first.filter(|_| self.domain_rate.is_some() && sends < SENDS) {
            // Else what two sends have for one domain would always be the first one's.
            self.last = first;
        }
        if leased {
            return Ok(Duration::ZERO);
        }
        if sends == SENDS {
            return Ok(YIELD_INTERVAL);
        }
        let next = sends::queries::next_hold(&self.state.db, self.state.clock.now()).await?;
        let until = next.and_then(|at| (at - self.state.clock.now()).to_std().ok());
        let wait = until.unwrap_or(TICK_INTERVAL).max(YIELD_INTERVAL);
        Ok(match self.domain_queues.are_open(Instant::now()) {
            true => wait.min(DOMAIN_QUEUE_INTERVAL),
            false => wait,
        })
    }

    async fn maintain_leases(&mut self) -> sqlx::Result<()> {
        // First: after a stall, what is still ours must not be taken for somebody else's.
        self.renew_when_due().await?;
        if crate::messages::queries::recover::any_expired(&self.state.db).await? {
            self.recover(ReapScope::Expired).await?;
        }
        Ok(())
    }

    async fn open_now(&mut self) -> sqlx::Result<Vec<SendRecord>> {
        self.refresh_limits().await?;
        sends::queries::open_now(&self.state.db, self.state.clock.now(), self.last, SENDS).await
    }

    /// The time to undo is over.
    async fn end_hold(&self, send: &SendRecord) -> sqlx::Result<bool> {
        hit(Point::BeforeHoldEnds);
        let mut tx = self.state.db.begin().await?;
        let begun =
            sends::queries::change_state(&mut tx, send.id, SendState::Holding, SendState::Sending, None, None).await?;
        tx.commit().await?;
        hit(Point::AfterHoldEnds);
        Ok(begun)
    }

    /// Leases a batch of one send, or ends it when nobody is left.
    async fn lease_or_finish(
        &mut self,
        send: &SendRecord,
        limit: i64,
        stop: &CancellationToken,
    ) -> Result<Work, AppError> {
        match with_timeout(DATABASE_TIMEOUT, self.take(send, limit)).await? {
            Taken::Jobs(jobs) => {
                self.enqueue(jobs, stop).await?;
                Ok(Work::Leased)
            }
            Taken::No(work) => Ok(work),
        }
    }

    async fn take(&mut self, send: &SendRecord, limit: i64) -> Result<Taken, AppError> {
        let prepared = match self.prepared.get(send.id) {
            Some(prepared) => prepared,
            None => {
                let store = stores::queries::find(&self.state.db, send.store_id).await?;
                let prepared = store
                    .ok_or(AppError::NotFound)
                    .and_then(|store| self.prepared.add(send, &store));
                match prepared {
                    Ok(prepared) => prepared,
                    Err(error) => {
                        tracing::error!(send.id = send.id, error = %error, "a send cannot be prepared");
                        self.end(send, Some("The message could not be prepared.")).await?;
                        return Ok(Taken::No(Work::Nothing));
                    }
                }
            }
        };
        let now = self.state.clock.now();
        let (open, due) = leases::next_due(&self.state.db, send.id).await?;
        if !open {
            self.end(send, None).await?;
            return Ok(Taken::No(Work::Nothing));
        }
        if due.is_none_or(|at| at > now) {
            return Ok(Taken::No(Work::Nothing));
        }
        let (going, looked_at) = match self.lease(send, limit, now).await? {
            Lease::Taken { going, looked_at } => (going, looked_at),
            Lease::UsedUp(wait) => return Ok(Taken::No(Work::UsedUp(wait))),
        };
        if going.is_empty() {
            if looked_at == 0 {
                self.give_up_idempotent_retries(send.id, now).await?;
            }
            let work = if looked_at == 0 { Work::Nothing } else { Work::PutOff };
            return Ok(Taken::No(work));
        }
        Ok(Taken::Jobs(
            going.into_iter().map(|one| self.job(one, &prepared)).collect(),
        ))
    }

    fn job(&self, going: Going, prepared: &Arc<PreparedSend>) -> Job {
        let Going { row, slot, domain } = going;
        Job {
            in_flight: self.in_flight.take(
                LeaseToken {
                    id: row.id,
                    epoch: row.epoch,
                },
                row.send_id,
            ),
            row,
            prepared: Arc::clone(prepared),
            provider: self.provider,
            slot,
            domain,
        }
    }

    async fn enqueue(&mut self, jobs: Vec<Job>, stop: &CancellationToken) -> Result<(), AppError> {
        let Some((queue, connections)) = self.pool.as_ref().map(|pool| (pool.queue(), pool.len())) else {
            outbox_transport::deliver(
                &self.state.db,
                &self.state.settings.base_url,
                &jobs,
                self.state.clock.now(),
            )
            .await?;
            return Ok(());
        };
        for job in jobs {
            if self.breaker.is_open() || stop.is_cancelled() {
                return Ok(());
            }
            let room = match job.slot {
                // What waits there may still be stopped, or turn out to be somebody who said no; it only
                // has to last until the next ones are leased.
                Some(slot) => connections.max(slot.within(LEAD)),
                None => QUEUE,
            };
            // Else the queue does: others must not wait for a domain's slot.
            if let Some(slot) = job.slot.filter(|_| job.domain.is_none()) {
                self.wait_for_slot(slot).await?;
            }
            let mut back = queue.offer(job, room);
            while let Some(job) = back {
                // The workers are busy or the provider is down: the leases must not run out
                // meanwhile, and giving up must still be possible.
                tokio::select! {
                    () = queue.emptied() => {}
                    () = self.slots.slots_wanted() => self.refill_slots().await?,
                    () = tokio::time::sleep(RENEWAL_CHECK_INTERVAL) => {}
                }
                if stop.is_cancelled() {
                    return Ok(());
                }
                if self.breaker.is_open() {
                    queue.clear();
                    return Ok(());
                }
                self.renew_when_due().await?;
                back = queue.offer(job, room);
            }
        }
        Ok(())
    }

    pub(crate) async fn end(&self, send: &SendRecord, problem: Option<&str>) -> sqlx::Result<()> {
        let now = self.state.clock.now();
        if problem.is_none() && self.queue_idempotent_retries(send.id, now).await? {
            return Ok(());
        }
        let [before, written, after] = match problem {
            None => [Point::BeforeEnd, Point::EndWritten, Point::AfterEnd],
            Some(_) => [
                Point::BeforeGivingBack,
                Point::GivingBackWritten,
                Point::AfterGivingBack,
            ],
        };
        hit(before);
        let mut tx = self.state.db.begin().await?;
        let ended = match problem {
            None => ending::finish(&mut tx, send, now).await?,
            Some(words) => ending::revert(&mut tx, send, words, now).await?,
        };
        if ended {
            hit(written);
        }
        if self.domain_rate.is_some() {
            domain_queries::forget(&mut tx, &self.account, true).await?;
        }
        tx.commit().await?;
        self.breaker.forget(send.id);
        if ended {
            hit(after);
            tracing::info!(send.id = send.id, given_up = problem.is_some(), "send ended");
        }
        Ok(())
    }
}
