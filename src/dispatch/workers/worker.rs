//! A worker: one task, one connection, one message after another, each marked before its
//! content leaves.
//!
//! With pipelining, one round trip carries a message's content and the next one's envelope. The
//! next one's mark is asked for as soon as the one before is answered, and written together with
//! that answer: while one message is under way, the mark of the following one reaches the disk. So
//! at most two messages of a connection are `attempting` at a time.
//!
//! A server that takes so many messages over one connection and no more says so to the next one. That
//! one goes on over a fresh connection, at once and with its mark.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    prepared_send::{BuiltMessage, Job},
    queue::Queue,
    retry,
};
use crate::{
    channels::{
        Outcome,
        email::smtp::{Account, Connection, Envelope, Lost, Offered, Reply, Scope, Step},
    },
    dispatch::{
        circuit_breaker::{CircuitBreaker, Generation},
        connection_limit::{ConnectionLimit, Met},
        outcome_rows::{settled, settlement},
        rate_limit::slots::SlotPool,
        status_writer::{Mark, StatusWriter},
    },
    failpoints::{Point, hit},
    time::Clock,
};

/// A connection with nothing to do is closed after this long.
const IDLE: Duration = Duration::from_secs(20);

/// A connection that brought no answer at all twice running is followed by a wait that grows from
/// this.
const FRUITLESS: Duration = Duration::from_millis(100);

/// A mark is believed for so long.
const FRESH: Duration = Duration::from_secs(1);

/// Before a broken worker is replaced: it may break again.
const REPLACEMENT: Duration = Duration::from_secs(1);

/// What all workers share.
#[derive(Clone, Debug)]
pub(crate) struct Worker {
    pub(crate) account: Account,
    pub(crate) base_url: String,
    pub(crate) clock: Clock,
    pub(crate) status_writer: StatusWriter,
    pub(crate) breaker: Arc<CircuitBreaker>,
    pub(crate) limit: Arc<ConnectionLimit>,
    /// What waits between attempts are multiplied with.
    pub(crate) retry_scale: f64,
    pub(crate) jobs: Arc<Queue>,
    pub(crate) slots: Arc<SlotPool>,
}

/// A message on this connection: offered, and to be marked before it is sent.
struct InTransit {
    job: Job,
    built: BuiltMessage,
    generation: Generation,
}

/// The message that goes first over a connection.
struct First {
    current: InTransit,
    /// Set when the connection before met its end at this message.
    moved: Option<Moved>,
}

#[derive(Clone, Copy)]
struct Moved {
    /// Since when it is marked.
    marked: Instant,
    met: Met,
}

/// What a connection has carried.
#[derive(Default)]
struct Run {
    /// The server answered anything, or was given no reason to.
    answered: bool,
    /// Goes on over another connection.
    moves: Option<First>,
}

/// What an offer has come to.
enum Ready {
    /// The content may go out.
    Goes,
    /// What became of it has been noted.
    Noted,
    /// It is the connection that takes no more.
    Moves(Moved),
}

impl Worker {
    /// Carries until the queue is closed and empty, or it is to retire. A worker that breaks is
    /// replaced; what it had in hand is taken over like that of any sender that fell silent, when
    /// its lease has run out.
    pub(crate) async fn run_supervised(self, retire: CancellationToken) {
        while let Err(error) = tokio::spawn(self.clone().run(retire.clone())).await {
            tracing::error!(error = %error, "a worker broke; another takes its place");
            tokio::time::sleep(REPLACEMENT).await;
        }
    }

    async fn run(self, retire: CancellationToken) {
        let mut connection: Option<Connection> = None;
        let mut moves: Option<First> = None;
        let mut fruitless = 0;
        loop {
            let first = match moves.take() {
                Some(first) if retire.is_cancelled() || self.breaker.is_open() => {
                    self.give_back(&first.current, "the connection was at its end").await;
                    continue;
                }
                Some(first) => first,
                None => {
                    let next = tokio::select! {
                        biased;
                        () = retire.cancelled() => None,
                        next = self.next_job(&mut connection) => next,
                    };
                    let Some(job) = next else { break };
                    if self.breaker.is_open() {
                        // The dispatcher is about to give its lease back.
                        continue;
                    }
                    let Some(current) = self.build(job).await else { continue };
                    First { current, moved: None }
                }
            };
            let fresh = connection.is_none();
            let generation = first.current.generation;
            let Some(open) = self.open(&mut connection, &first.current).await else {
                continue;
            };
            let run = self.deliver_while_open(open, first, &retire).await;
            // Servers close idle connections; one that closes new ones is in trouble.
            if fresh && !run.answered {
                self.breaker.cut_off(generation);
            }
            moves = run.moves;
            let is_at_its_end = moves.is_some() || self.limit.is_reached(open.taken(), Instant::now());
            if let Some(old) = connection.take_if(|c| is_at_its_end || !c.is_open()) {
                old.quit().await;
            }
            // A server that hangs up on every offer is not asked as fast as we can.
            fruitless = if run.answered { 0 } else { fruitless + 1 };
            if fruitless > 1 {
                tokio::time::sleep(retry::jittered(FRUITLESS * (1 << fruitless.min(5)))).await;
            }
        }
        if let Some(connection) = connection {
            connection.quit().await;
        }
    }

    /// The next job; closes an idle connection while waiting.
    async fn next_job(&self, connection: &mut Option<Connection>) -> Option<Job> {
        if connection.is_some() {
            match tokio::time::timeout(IDLE, self.jobs.next()).await {
                Ok(job) => return job,
                Err(_) => {
                    if let Some(idle) = connection.take() {
                        idle.quit().await;
                    }
                }
            }
        }
        self.jobs.next().await
    }

    async fn build(&self, job: Job) -> Option<InTransit> {
        let generation = self.breaker.generation();
        match job.build(&self.base_url, self.clock.now()) {
            Ok(built) => Some(InTransit { job, built, generation }),
            Err(why) => {
                self.status_writer
                    .settle(settled(&job, "failed", None, Some(why)), Arc::clone(&job.in_flight))
                    .await;
                None
            }
        }
    }

    /// The open connection, or none: then the job has been given back.
    async fn open<'c>(&self, slot: &'c mut Option<Connection>, first: &InTransit) -> Option<&'c mut Connection> {
        if slot.is_none() {
            match Connection::open(&self.account).await {
                Ok(connection) => *slot = Some(connection),
                Err(problem) => {
                    tracing::warn!(problem = %problem, "no connection to the mail server");
                    self.breaker.failed(first.generation, &problem);
                    self.give_back(first, &problem.to_string()).await;
                    tokio::time::sleep(self.breaker.wait()).await;
                    return None;
                }
            }
        }
        slot.as_mut()
    }

    /// Carries messages over one connection for as long as there are any and it stays open.
    async fn deliver_while_open(&self, connection: &mut Connection, first: First, retire: &CancellationToken) -> Run {
        let mut run = Run::default();
        hit(Point::BeforeOffer);
        let First { current, mut moved } = first;
        let mark = match moved {
            Some(Moved { marked, .. }) => Mark::written_before(marked),
            None => self.status_writer.mark(current.job.token()).await,
        };
        let mut ahead = Some((current, mark));
        while let Some((first, mark)) = ahead.take() {
            if !connection.is_open() {
                self.give_back(&first, "the connection was lost").await;
                return run;
            }
            let offer = envelope(&first);
            let (offered, marked) = tokio::join!(connection.offer(&offer), mark.written());
            run.answered |= match &offered {
                Ok(Offered::Refused { .. }) => true,
                // A mark that was refused is not the server's fault.
                Ok(Offered::Ready) => marked.is_none(),
                Err(_) => false,
            };
            hit(Point::AfterOffer);
            match self.is_ready(connection, &first, offered, marked).await {
                Ready::Goes => {}
                Ready::Noted => continue,
                Ready::Moves(moved) => return self.move_on(run, first, moved, None).await,
            }
            if let Some(moved) = moved.take() {
                self.limit.learn(moved.met, Instant::now());
            }
            let mut current = first;
            ahead = self.try_next(connection, retire).await;
            loop {
                hit(Point::BeforeContent);
                let next_envelope = ahead.as_ref().map(|(next, _)| envelope(next));
                let sent = connection.send(&current.built.bytes, next_envelope.as_ref()).await;
                hit(Point::AfterContent);
                if let Err(lost) = sent {
                    self.report(&current, lost.into()).await;
                    break;
                }
                let delivered = connection.settle().await;
                hit(Point::AfterAnswer);
                run.answered |= !matches!(delivered.outcome, Outcome::NotSent { .. } | Outcome::Unconfirmed { .. });
                let outcome = self.unless_at_its_end(connection, delivered.outcome);
                self.report(&current, outcome).await;
                let Some((next, mark)) = ahead.take() else { break };
                ahead = self.try_next(connection, retire).await;
                let offered = delivered.next.unwrap_or(Err(Lost::NotSent {
                    why: "the connection was lost".to_owned(),
                }));
                match self.is_ready(connection, &next, offered, mark.written().await).await {
                    Ready::Goes => current = next,
                    Ready::Noted => break,
                    Ready::Moves(moved) => return self.move_on(run, next, moved, ahead.take()).await,
                }
            }
        }
        run
    }

    /// Ends a run whose connection takes no more, at this message. The one behind it goes back to the
    /// queue.
    async fn move_on(&self, run: Run, current: InTransit, moved: Moved, behind: Option<(InTransit, Mark)>) -> Run {
        if let Some((behind, _)) = behind {
            self.give_back(&behind, "the connection was at its end").await;
        }
        let moves = Some(First {
            current,
            moved: Some(moved),
        });
        Run { moves, ..run }
    }

    /// The message after the one on the connection, if there is one at hand and the connection will
    /// take it, and its mark.
    async fn try_next(&self, connection: &Connection, retire: &CancellationToken) -> Option<(InTransit, Mark)> {
        let with_this_one = connection.taken() + 1;
        if retire.is_cancelled() || self.breaker.is_open() || self.limit.is_reached(with_this_one, Instant::now()) {
            return None;
        }
        let next = self.build(self.jobs.try_next()?).await?;
        let mark = self.status_writer.mark(next.job.token()).await;
        Some((next, mark))
    }

    /// Whether a message's content may go out now.
    async fn is_ready(
        &self,
        connection: &mut Connection,
        current: &InTransit,
        offered: Result<Offered, Lost>,
        marked: Option<Instant>,
    ) -> Ready {
        match offered {
            Ok(Offered::Ready) => {
                // Somebody else's by now, or the mark could not be written; or it would be lost on a
                // server in trouble.
                let goes = marked.is_some()
                    && self.wait_for_slot(&current.job).await
                    && self.still_deliverable(current, marked).await
                    && !self.breaker.is_open();
                if goes {
                    return Ready::Goes;
                }
                connection.withdraw();
                self.give_back(current, "it was not its time any more").await;
            }
            Ok(Offered::Refused { at, reply }) => {
                if let Some(marked) = marked
                    && reply.is_connection_limit(connection.taken())
                {
                    let met = met(connection, &reply);
                    return Ready::Moves(Moved { marked, met });
                }
                self.refused(current, at, &reply).await;
            }
            Err(lost) => self.report(current, lost.into()).await,
        }
        Ready::Noted
    }

    /// Notes a refusal. To `MAIL` it is about our address, unless it says that it is the account.
    async fn refused(&self, current: &InTransit, at: Step, reply: &Reply) {
        let is_sender =
            at == Step::Mail && reply.is_permanent() && !matches!(reply.scope(), Scope::Account | Scope::Connection);
        if !is_sender {
            return self.report(current, reply.refusal()).await;
        }
        let from = &current.job.prepared.send.from_email;
        self.breaker
            .sender_refused(current.generation, from, &reply.to_string());
        self.give_back(current, &reply.to_string()).await;
    }

    /// An answer to a message's content that says in words that the connection takes no more: it is
    /// not this message's. Known from now on, so that the message does not meet it again.
    fn unless_at_its_end(&self, connection: &Connection, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Deferred { reply, .. } | Outcome::Rejected { reply, .. }
                if connection.taken() > 0 && Scope::of(&reply) == Scope::Connection =>
            {
                let met = Met {
                    taken: connection.taken(),
                    in_words: true,
                };
                self.limit.learn(met, Instant::now());
                Outcome::NotSent { why: reply }
            }
            outcome => outcome,
        }
    }

    /// Waits for a slot of the account. With a limit for each domain the queue has done that.
    async fn wait_for_slot(&self, job: &Job) -> bool {
        match (job.slot, &job.domain) {
            (Some(_), None) => self.slots.next().await,
            _ => true,
        }
    }

    /// Whether a mark holds. One that is a little old was written while another message waited for
    /// its answer: somebody may have opted out since, or stopped the send.
    async fn still_deliverable(&self, current: &InTransit, marked: Option<Instant>) -> bool {
        match marked {
            None => false,
            Some(at) if at.elapsed() < FRESH => true,
            Some(_) => self.status_writer.still_deliverable(current.job.token()).await,
        }
    }

    async fn give_back(&self, current: &InTransit, why: &str) {
        self.report(current, Outcome::NotSent { why: why.to_owned() }).await;
    }

    async fn report(&self, current: &InTransit, outcome: Outcome) {
        let job = &current.job;
        let outcome = self.breaker.saw(current.generation, job.tried(), outcome);
        let now = self.clock.now();
        self.status_writer
            .settle(
                settlement(job, outcome, now, self.retry_scale),
                Arc::clone(&job.in_flight),
            )
            .await;
    }
}

fn envelope(current: &InTransit) -> Envelope<'_> {
    Envelope {
        from: &current.job.prepared.from,
        to: &current.built.to,
    }
}

fn met(connection: &Connection, reply: &Reply) -> Met {
    Met {
        taken: connection.taken(),
        in_words: reply.scope() == Scope::Connection,
    }
}
