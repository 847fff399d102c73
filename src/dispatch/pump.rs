//! The pump: finds what is due, leases it in batches, hands it to the carriers, ends sends whose
//! people all have an outcome, and takes over from senders that fell silent.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    DRAIN,
    carrier::Carriers,
    connection_limit::ConnectionLimit,
    crew::Crew,
    domain_store,
    domains::Lines,
    fault_points::{Point, reach},
    hand::Hand,
    keeper,
    lease::{Going, Lease},
    ledger::{self, Ledger},
    load::{Job, Loaded, Shelf},
    moments::Moments,
    pace::LEAD,
    queue::Queue,
    store::{self, Ticket, Whose},
    tenure::LOOK,
    trouble::Trouble,
};
use crate::{
    auth::tokens,
    channels::email::{events::Provider, smtp::Account},
    db::{Backend, in_time},
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
/// Between two turns of which the first found nothing to do and the next may.
const BREATH: Duration = Duration::from_millis(10);
/// Longest sleep with nothing to do.
pub(super) const TICK: Duration = Duration::from_secs(1);
/// Longest sleep while somebody waits for a domain's limit: what goes is leased further ahead.
const LINE: Duration = Duration::from_millis(100);
/// The database is given so long for one step. The longest is giving up a send to a million.
const PATIENCE_WITH_DATABASE: Duration = Duration::from_secs(600);

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

pub(super) struct Pump {
    pub(super) state: AppState,
    /// This run of this process: leases carry it.
    pub(super) owner: String,
    shelf: Shelf,
    pub(super) hand: Hand,
    pub(super) trouble: Arc<Trouble>,
    settled: Arc<Notify>,
    /// None: the outbox is the provider.
    pub(super) crew: Option<Crew>,
    /// Names the mail account in the database.
    pub(super) account: String,
    /// Whose it is, where that is known.
    pub(super) provider: Option<Provider>,
    /// Messages a second, over all instances.
    pub(super) rate: Option<i64>,
    /// Messages a second to one domain, over all instances.
    pub(super) domain_rate: Option<i64>,
    /// Who waits for a domain's limit.
    pub(super) lines: Lines,
    /// When the account's limits were last asked for.
    pub(super) asked: Option<Instant>,
    /// When it may send, where there is a rate.
    pub(super) moments: Arc<Moments>,
    pub(super) renewed: Instant,
    /// The send that had the last turn.
    last: i64,
}

/// See [`super::run`].
pub(crate) async fn run(state: AppState, stop: CancellationToken) {
    let settled = Arc::new(Notify::new());
    let trouble = Arc::new(Trouble::default());
    let (ledger, ledger_task) = ledger::open(state.db.clone(), state.clock.clone(), Arc::clone(&settled));
    let moments = Arc::new(Moments::default());
    let crew = crew(&state, ledger, &trouble, &moments);
    let mut pump = Pump {
        owner: tokens::public(),
        shelf: Shelf::default(),
        hand: Hand::default(),
        trouble,
        settled,
        crew,
        account: state.settings.smtp.as_ref().map(Account::key).unwrap_or_default(),
        provider: None,
        rate: None,
        domain_rate: None,
        lines: Lines::default(),
        asked: None,
        moments,
        renewed: Instant::now(),
        last: 0,
        state,
    };
    tracing::info!(owner = %pump.owner, "the dispatcher begins");
    pump.begin(&stop).await;
    while !stop.is_cancelled() {
        // Without carriers nobody writes to it.
        if pump.crew.is_some() && ledger_task.is_finished() {
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
                () = pump.moments.ran_short() => {}
                () = tokio::time::sleep(wait.min(TICK)) => {}
            }
        }
    }
    pump.moments.close();
    let crew = pump.crew.take();
    let drained = async {
        if let Some(crew) = crew {
            crew.finish().await;
        }
        let _ = ledger_task.await;
    };
    tokio::select! {
        () = drained => {}
        () = pump.keep_renewing() => {}
        () = tokio::time::sleep(DRAIN) => {
            tracing::warn!("messages were still on the wire at the end; they will show as unconfirmed");
        }
    }
    if let Err(error) = pump.put_back_refused().await {
        tracing::warn!(error = %error, "refusals that were everybody's could not be taken back");
    }
    pump.release().await;
}

/// The carriers, none at work yet. Without a mail server there are none.
fn crew(state: &AppState, ledger: Ledger, trouble: &Arc<Trouble>, moments: &Arc<Moments>) -> Option<Crew> {
    let account = state.settings.smtp.clone()?;
    let jobs = Arc::new(Queue::new());
    tokio::spawn(Arc::clone(&jobs).tell_the_time());
    Some(Crew::new(Carriers {
        account,
        base_url: state.settings.base_url.clone(),
        clock: state.clock.clone(),
        ledger,
        trouble: Arc::clone(trouble),
        limit: Arc::new(ConnectionLimit::default()),
        retry_scale: state.settings.retry_scale,
        jobs,
        moments: Arc::clone(moments),
    }))
}

impl Pump {
    /// At start: the installation's id for Message-IDs, and whatever a former process left.
    async fn begin(&mut self, stop: &CancellationToken) {
        let whose = match self.state.db.backend() {
            Backend::Sqlite => Whose::EverybodyElses,
            Backend::Postgres => Whose::Expired,
        };
        while !stop.is_cancelled() {
            let done: Result<(), AppError> = async {
                // Every lease notes it.
                crate::instance::id(&self.state.db).await?;
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
        in_time(PATIENCE_WITH_DATABASE, self.look_after_leases()).await?;
        in_time(PATIENCE_WITH_DATABASE, self.make_up_moments()).await?;
        in_time(PATIENCE_WITH_DATABASE, self.put_back_refused()).await?;
        if let Some(verdict) = self.trouble.verdict() {
            return in_time(PATIENCE_WITH_DATABASE, self.deal_with(&verdict)).await;
        }
        let open = in_time(PATIENCE_WITH_DATABASE, self.open_now()).await?;
        self.shelf.keep_only(&open);
        let sends = i64::try_from(open.len()).unwrap_or(SENDS);
        let share = (BATCH / sends.max(1)).max(SMALLEST_SHARE);
        let (mut leased, mut first) = (false, None);
        for send in &open {
            if stop.is_cancelled() || self.trouble.has_verdict() {
                break;
            }
            if send.state == SendState::Holding && !self.end_hold(send).await? {
                continue;
            }
            let is_paused = send.paused_at.is_some() && !self.trouble.works_for(send.id);
            if send.paused_at.is_some() && !is_paused {
                self.trouble_is_over(send).await?;
            }
            // In doubt one goes ahead, and only its answer lets the others follow.
            let limit = match (self.trouble.is_suspect(), is_paused) {
                (true, _) if self.hand.is_empty() => 1,
                (false, true) if !self.hand.has_any_of(send.id) => 1,
                (false, false) => share,
                _ => continue,
            };
            match self.work_on(send, limit, stop).await? {
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
            return Ok(BREATH);
        }
        let next = sends::store::next_hold(&self.state.db, self.state.clock.now()).await?;
        let until = next.and_then(|at| (at - self.state.clock.now()).to_std().ok());
        let wait = until.unwrap_or(TICK).max(BREATH);
        Ok(match self.lines.are_open(Instant::now()) {
            true => wait.min(LINE),
            false => wait,
        })
    }

    async fn look_after_leases(&mut self) -> sqlx::Result<()> {
        // First: after a stall, what is still ours must not be taken for somebody else's.
        self.renew_when_due().await?;
        if store::any_expired(&self.state.db).await? {
            self.recover(Whose::Expired).await?;
        }
        Ok(())
    }

    async fn open_now(&mut self) -> sqlx::Result<Vec<Send>> {
        self.follow_limits().await?;
        sends::store::open_now(&self.state.db, self.state.clock.now(), self.last, SENDS).await
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

    /// Leases a batch of one send, or ends it when nobody is left.
    async fn work_on(&mut self, send: &Send, limit: i64, stop: &CancellationToken) -> Result<Work, AppError> {
        match in_time(PATIENCE_WITH_DATABASE, self.take(send, limit)).await? {
            Taken::Jobs(jobs) => {
                self.hand_over(jobs, stop).await?;
                Ok(Work::Leased)
            }
            Taken::No(work) => Ok(work),
        }
    }

    async fn take(&mut self, send: &Send, limit: i64) -> Result<Taken, AppError> {
        let load = match self.shelf.get(send.id) {
            Some(load) => load,
            None => {
                let store = stores::store::find(&self.state.db, send.store_id).await?;
                let prepared = store
                    .ok_or(AppError::NotFound)
                    .and_then(|store| self.shelf.add(send, &store));
                match prepared {
                    Ok(load) => load,
                    Err(error) => {
                        tracing::error!(send.id = send.id, error = %error, "a send cannot be prepared");
                        self.end(send, Some("The message could not be prepared.")).await?;
                        return Ok(Taken::No(Work::Nothing));
                    }
                }
            }
        };
        let now = self.state.clock.now();
        let (open, due) = store::next_due(&self.state.db, send.id).await?;
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
                self.give_up_repeats(send.id, now).await?;
            }
            let work = if looked_at == 0 { Work::Nothing } else { Work::PutOff };
            return Ok(Taken::No(work));
        }
        Ok(Taken::Jobs(going.into_iter().map(|one| self.job(one, &load)).collect()))
    }

    fn job(&self, going: Going, load: &Arc<Loaded>) -> Job {
        let Going { row, moment, domain } = going;
        Job {
            hold: self.hand.take(
                Ticket {
                    id: row.id,
                    epoch: row.epoch,
                },
                row.send_id,
            ),
            row,
            load: Arc::clone(load),
            provider: self.provider,
            moment,
            domain,
        }
    }

    async fn hand_over(&mut self, jobs: Vec<Job>, stop: &CancellationToken) -> Result<(), AppError> {
        let Some((queue, connections)) = self.crew.as_ref().map(|crew| (crew.queue(), crew.len())) else {
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
            if self.trouble.has_verdict() || stop.is_cancelled() {
                return Ok(());
            }
            let room = match job.moment {
                // What waits there may still be stopped, or turn out to be somebody who said no; it only
                // has to last until the next ones are leased.
                Some(moment) => connections.max(moment.within(LEAD)),
                None => QUEUE,
            };
            // Else the queue does: others must not wait for a domain's moment.
            if let Some(moment) = job.moment.filter(|_| job.domain.is_none()) {
                self.wait_for(moment).await?;
            }
            let mut back = queue.offer(job, room);
            while let Some(job) = back {
                // The carriers are busy or the provider is down: the leases must not run out
                // meanwhile, and giving up must still be possible.
                tokio::select! {
                    () = queue.emptied() => {}
                    () = self.moments.ran_short() => self.make_up_moments().await?,
                    () = tokio::time::sleep(LOOK) => {}
                }
                if stop.is_cancelled() {
                    return Ok(());
                }
                if self.trouble.has_verdict() {
                    queue.clear();
                    return Ok(());
                }
                self.renew_when_due().await?;
                back = queue.offer(job, room);
            }
        }
        Ok(())
    }

    pub(super) async fn end(&self, send: &Send, problem: Option<&str>) -> sqlx::Result<()> {
        let now = self.state.clock.now();
        if problem.is_none() && self.queue_repeats(send.id, now).await? {
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
        reach(before);
        let mut tx = self.state.db.begin().await?;
        let ended = match problem {
            None => ending::finish(&mut tx, send, now).await?,
            Some(words) => ending::revert(&mut tx, send, words, now).await?,
        };
        if ended {
            reach(written);
        }
        if self.domain_rate.is_some() {
            domain_store::forget(&mut tx, &self.account, true).await?;
        }
        tx.commit().await?;
        self.trouble.forget(send.id);
        if ended {
            reach(after);
            tracing::info!(send.id = send.id, given_up = problem.is_some(), "send ended");
        }
        Ok(())
    }
}
