//! A carrier: one task, one connection, one message after another, each marked before its
//! content leaves.
//!
//! With pipelining, one round trip carries a message's content and the next one's envelope. The
//! next one's mark is asked for as soon as the one before is answered, and written together with
//! that answer: while one message is under way, the mark of the following one reaches the disk. So
//! at most two messages of a connection are `attempting` at a time.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    fault_points::{Point, reach},
    ledger::{Ledger, Mark},
    load::{Built, Job},
    moments::Moments,
    outcome_store::Settled,
    queue::Queue,
    retry,
    trouble::{Round, Trouble},
};
use crate::{
    channels::{
        Outcome,
        email::smtp::{Account, Connection, Envelope, Lost, Offered, Step},
    },
    db::dialect::moment_text,
    time::Clock,
};

/// A connection with nothing to do is closed after this long.
const IDLE: Duration = Duration::from_secs(20);

/// A connection that brought no answer at all twice running is followed by a wait that grows from
/// this.
const FRUITLESS: Duration = Duration::from_millis(100);

/// A mark is believed for so long.
const FRESH: Duration = Duration::from_secs(1);

/// Before a broken carrier is replaced: it may break again.
const REPLACEMENT: Duration = Duration::from_secs(1);

/// What all carriers share.
#[derive(Clone, Debug)]
pub(crate) struct Carriers {
    pub(crate) account: Account,
    pub(crate) base_url: String,
    pub(crate) clock: Clock,
    pub(crate) ledger: Ledger,
    pub(crate) trouble: Arc<Trouble>,
    /// What waits between attempts are multiplied with.
    pub(crate) retry_scale: f64,
    pub(crate) jobs: Arc<Queue>,
    pub(crate) moments: Arc<Moments>,
}

/// A message on this connection: offered, and to be marked before it is sent.
struct Current {
    job: Job,
    built: Built,
    round: Round,
}

impl Carriers {
    /// Carries until the queue is closed and empty, or it is to retire. A carrier that breaks is
    /// replaced; what it had in hand is taken over like that of any sender that fell silent, when
    /// its lease has run out.
    pub(crate) async fn keep_carrying(self, retire: CancellationToken) {
        while let Err(error) = tokio::spawn(self.clone().carry(retire.clone())).await {
            tracing::error!(error = %error, "a carrier broke; another takes its place");
            tokio::time::sleep(REPLACEMENT).await;
        }
    }

    async fn carry(self, retire: CancellationToken) {
        let mut connection: Option<Connection> = None;
        let mut fruitless = 0;
        loop {
            let next = tokio::select! {
                biased;
                () = retire.cancelled() => None,
                next = self.next_job(&mut connection) => next,
            };
            let Some(first) = next else { break };
            if self.trouble.has_verdict() {
                // The pump is about to give its lease back.
                continue;
            }
            let Some(first) = self.build(first).await else { continue };
            let fresh = connection.is_none();
            let round = first.round;
            let Some(open) = self.open(&mut connection, &first).await else {
                continue;
            };
            let answered = self.carry_run(open, first, &retire).await;
            // Servers close idle connections; one that closes new ones is in trouble.
            if fresh && !answered {
                self.trouble.cut_off(round);
            }
            if connection.as_ref().is_some_and(|c| !c.is_open()) {
                connection = None;
            }
            // A server that hangs up on every offer is not asked as fast as we can.
            fruitless = if answered { 0 } else { fruitless + 1 };
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

    async fn build(&self, job: Job) -> Option<Current> {
        let round = self.trouble.round();
        match job.build(&self.base_url, self.clock.now()) {
            Ok(built) => Some(Current { job, built, round }),
            Err(why) => {
                self.ledger
                    .settle(settled(&job, "failed", None, Some(why)), Arc::clone(&job.hold))
                    .await;
                None
            }
        }
    }

    /// The open connection, or none: then the job has been given back.
    async fn open<'c>(&self, slot: &'c mut Option<Connection>, first: &Current) -> Option<&'c mut Connection> {
        if slot.is_none() {
            match Connection::open(&self.account).await {
                Ok(connection) => *slot = Some(connection),
                Err(problem) => {
                    tracing::warn!(problem = %problem, "no connection to the mail server");
                    self.trouble.failed(first.round, &problem);
                    self.give_back(first, &problem.to_string()).await;
                    tokio::time::sleep(self.trouble.wait()).await;
                    return None;
                }
            }
        }
        slot.as_mut()
    }

    /// Carries messages over one connection for as long as there are any and it stays open. True
    /// when the server answered anything, or was given no reason to.
    async fn carry_run(&self, connection: &mut Connection, first: Current, retire: &CancellationToken) -> bool {
        let mut answered = false;
        reach(Point::BeforeOffer);
        let mark = self.ledger.mark(first.job.ticket()).await;
        let mut ahead = Some((first, mark));
        while let Some((first, mark)) = ahead.take() {
            if !connection.is_open() {
                self.give_back(&first, "the connection was lost").await;
                return answered;
            }
            let offer = envelope(&first);
            let (offered, marked) = tokio::join!(connection.offer(&offer), mark.written());
            answered |= match &offered {
                Ok(Offered::Refused { .. }) => true,
                // A mark that was refused is not the server's fault.
                Ok(Offered::Ready) => marked.is_none(),
                Err(_) => false,
            };
            reach(Point::AfterOffer);
            if !self.is_ready(connection, &first, offered, marked).await {
                continue;
            }
            let mut current = first;
            ahead = self.next_at_hand(retire).await;
            loop {
                reach(Point::BeforeContent);
                let next_envelope = ahead.as_ref().map(|(next, _)| envelope(next));
                let sent = connection.send(&current.built.bytes, next_envelope.as_ref()).await;
                reach(Point::AfterContent);
                if let Err(lost) = sent {
                    self.note(&current, lost.into()).await;
                    break;
                }
                let delivered = connection.settle().await;
                reach(Point::AfterAnswer);
                answered |= !matches!(delivered.outcome, Outcome::NotSent { .. } | Outcome::Unknown { .. });
                self.note(&current, delivered.outcome).await;
                let Some((next, mark)) = ahead.take() else { break };
                ahead = self.next_at_hand(retire).await;
                let offered = delivered.next.unwrap_or(Err(Lost::NotSent {
                    why: "the connection was lost".to_owned(),
                }));
                if !self.is_ready(connection, &next, offered, mark.written().await).await {
                    break;
                }
                current = next;
            }
        }
        answered
    }

    /// The message after the one on the connection, if there is one at hand, and its mark.
    async fn next_at_hand(&self, retire: &CancellationToken) -> Option<(Current, Mark)> {
        if retire.is_cancelled() || self.trouble.has_verdict() {
            return None;
        }
        let next = self.build(self.jobs.at_hand()?).await?;
        let mark = self.ledger.mark(next.job.ticket()).await;
        Some((next, mark))
    }

    /// Whether a message's content may go out now; else what became of it has been noted.
    async fn is_ready(
        &self,
        connection: &mut Connection,
        current: &Current,
        offered: Result<Offered, Lost>,
        marked: Option<Instant>,
    ) -> bool {
        match offered {
            Ok(Offered::Ready) => {
                // Somebody else's by now, or the mark could not be written; or it would be lost on a
                // server in trouble.
                let goes = marked.is_some()
                    && self.may_go_now(&current.job).await
                    && self.still_goes(current, marked).await
                    && !self.trouble.has_verdict();
                if !goes {
                    connection.withdraw();
                    self.give_back(current, "it was not its time any more").await;
                }
                goes
            }
            Ok(Offered::Refused { at, reply }) => {
                if at == Step::Mail && reply.is_permanent() {
                    let from = &current.job.load.send.from_email;
                    self.trouble.sender_refused(current.round, from, &reply.to_string());
                    self.give_back(current, &reply.to_string()).await;
                } else {
                    self.note(current, reply.refusal()).await;
                }
                false
            }
            Err(lost) => {
                self.note(current, lost.into()).await;
                false
            }
        }
    }

    /// Waits for a moment of the account. With a limit for each domain the queue has done that.
    async fn may_go_now(&self, job: &Job) -> bool {
        match (job.moment, &job.domain) {
            (Some(_), None) => self.moments.next().await,
            _ => true,
        }
    }

    /// Whether a mark holds. One that is a little old was written while another message waited for
    /// its answer: somebody may have opted out since, or stopped the send.
    async fn still_goes(&self, current: &Current, marked: Option<Instant>) -> bool {
        match marked {
            None => false,
            Some(at) if at.elapsed() < FRESH => true,
            Some(_) => self.ledger.still_goes(current.job.ticket()).await,
        }
    }

    async fn give_back(&self, current: &Current, why: &str) {
        self.note(current, Outcome::NotSent { why: why.to_owned() }).await;
    }

    async fn note(&self, current: &Current, outcome: Outcome) {
        let job = &current.job;
        self.trouble.saw(current.round, job.row.send_id, &outcome);
        let now = self.clock.now();
        self.ledger
            .settle(written_down(job, outcome, now, self.retry_scale), Arc::clone(&job.hold))
            .await;
    }
}

fn envelope(current: &Current) -> Envelope<'_> {
    Envelope {
        from: &current.job.load.from,
        to: &current.built.to,
    }
}

fn settled(job: &Job, state: &'static str, code: Option<u16>, reply: Option<String>) -> Settled {
    Settled {
        id: job.row.id,
        epoch: job.row.epoch,
        state,
        code: code.map(i64::from),
        reply,
        next_at: None,
        refund: 0,
    }
}

/// What the row says after an attempt.
fn written_down(job: &Job, outcome: Outcome, now: chrono::DateTime<chrono::Utc>, scale: f64) -> Settled {
    match outcome {
        Outcome::Accepted { reply } => settled(job, "accepted", None, Some(reply)),
        Outcome::Rejected { code, reply } => settled(job, "rejected", Some(code), Some(reply)),
        Outcome::Unknown { why } => settled(job, "unknown", None, Some(why)),
        Outcome::NotSent { why } => Settled {
            next_at: Some(moment_text(now)),
            refund: 1,
            ..settled(job, "queued", None, Some(why))
        },
        Outcome::Deferred {
            code,
            reply,
            retry_after,
        } => {
            // Ids are as good as dice for spreading retries.
            let spread = f64::from(u32::try_from(job.row.id % 1000).unwrap_or(0)) / 1000.0;
            match retry::wait_after(job.row.attempts + 1, retry_after, spread) {
                Some(wait) => Settled {
                    next_at: Some(moment_text(now + wait.mul_f64(scale))),
                    ..settled(job, "queued", Some(code), Some(reply))
                },
                None => settled(job, "failed", Some(code), Some(reply)),
            }
        }
    }
}
