//! The one writer of message states: whatever has gathered from all connections is written in
//! one transaction, so that the durable mark before each message costs a few disk flushes per
//! batch, not one per person.

use std::{collections::HashSet, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::Instant,
};

use super::workers::in_flight::InFlightGuard;
use crate::{
    db::{Db, dialect::json, with_timeout},
    failpoints::{Point, hit},
    messages::queries::{
        late,
        leases::{self, LeaseToken},
        settle::{self, Settled},
    },
    time::Clock,
};

/// Most requests in one transaction.
const MOST: usize = 1024;

/// Wait before trying again when the database does not answer; grows to the second.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// The database is given so long for one transaction.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Debug)]
enum Request {
    Mark(LeaseToken, oneshot::Sender<Option<Instant>>),
    Settle(Settled, Arc<InFlightGuard>),
}

/// How the workers talk to the status writer. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct StatusWriter {
    requests: mpsc::Sender<Request>,
    db: Db,
}

/// A mark that has been asked for.
#[derive(Debug)]
pub(crate) struct Mark(oneshot::Receiver<Option<Instant>>);

impl Mark {
    /// A mark that has been written at this moment.
    pub(crate) fn written_before(at: Instant) -> Self {
        let (answer, marked) = oneshot::channel();
        // Its receiver is here.
        let _ = answer.send(Some(at));
        Self(marked)
    }

    /// Waits until it is durable; answers since when. None: the message is not ours to send any
    /// more.
    pub(crate) async fn written(self) -> Option<Instant> {
        // Without an answer the status writer is closed, or it could not write.
        self.0.await.unwrap_or(None)
    }
}

impl StatusWriter {
    /// Asks for a message to be marked as being attempted. It is written after whatever was asked
    /// for before, or together with it.
    pub(crate) async fn mark(&self, token: LeaseToken) -> Mark {
        let (answer, marked) = oneshot::channel();
        if self.requests.send(Request::Mark(token, answer)).await.is_err() {
            tracing::error!("a mark was asked for after the status writer was closed");
        }
        Mark(marked)
    }

    /// Whether a marked message may still go out, as [`StatusWriter::mark`] judged it at its time. Not when
    /// the database does not say.
    pub(crate) async fn still_deliverable(&self, token: LeaseToken) -> bool {
        let asked = with_timeout(TRANSACTION_TIMEOUT, leases::still_deliverable(&self.db, token)).await;
        asked.unwrap_or_else(|error| {
            tracing::warn!(error = %error, "whether a message still goes out could not be asked");
            false
        })
    }

    /// Notes an outcome. It is written with the next transaction; until then its message stays in
    /// hand.
    pub(crate) async fn settle(&self, outcome: Settled, in_flight: Arc<InFlightGuard>) {
        if self.requests.send(Request::Settle(outcome, in_flight)).await.is_err() {
            tracing::error!("an outcome came after the status writer was closed");
        }
    }
}

/// Starts the status writer; it ends when every handle is gone and all is written. `settled` is told
/// after every transaction that held outcomes.
pub(crate) fn open(db: Db, clock: Clock, settled: Arc<Notify>) -> (StatusWriter, tokio::task::JoinHandle<()>) {
    let (requests, inbox) = mpsc::channel(4 * MOST);
    let task = tokio::spawn(run(db.clone(), clock, inbox, settled));
    (StatusWriter { requests, db }, task)
}

async fn run(db: Db, clock: Clock, mut inbox: mpsc::Receiver<Request>, settled: Arc<Notify>) {
    let mut batch = Vec::with_capacity(MOST);
    let mut let_go = 0;
    while inbox.recv_many(&mut batch, MOST).await > 0 {
        collect_batch(&mut inbox, &mut batch, let_go).await;
        let mut marks = Vec::new();
        let mut outcomes = Vec::new();
        let mut guards = Vec::new();
        for request in batch.drain(..) {
            match request {
                // A worker that broke meanwhile does not send.
                Request::Mark(_, answer) if answer.is_closed() => {}
                Request::Mark(token, answer) => marks.push((token, answer)),
                Request::Settle(outcome, in_flight) => {
                    outcomes.push(outcome);
                    guards.push(in_flight);
                }
            }
        }
        let tokens: Vec<LeaseToken> = marks.iter().map(|(token, _)| *token).collect();
        let (marked, missed) = write_until_written(&db, &clock, &tokens, &outcomes).await;
        let now = Instant::now();
        let_go = marks.len();
        for (token, answer) in marks {
            // A worker that has gone away does not send; its mark becomes unconfirmed in time.
            let _ = answer.send(marked.contains(&token.id).then_some(now));
        }
        if !missed.is_empty() {
            write_late_until_written(&db, &clock, &missed).await;
        }
        if !outcomes.is_empty() {
            settled.notify_one();
        }
    }
}

/// The last transaction has let so many connections go on at once. Whoever can ask again without
/// waiting for a mail server does so first: one flush of the disk then serves them all, where the
/// first to ask would have had one for itself. When as many have asked already, the disk has waited
/// long enough.
async fn collect_batch(inbox: &mut mpsc::Receiver<Request>, batch: &mut Vec<Request>, let_go: usize) {
    let is_mark = |request: &Request| matches!(request, Request::Mark(..));
    let mut marks = batch.iter().filter(|request| is_mark(request)).count();
    while marks < let_go.max(1) {
        tokio::task::yield_now().await;
        let before = batch.len();
        while batch.len() < MOST
            && let Ok(request) = inbox.try_recv()
        {
            marks += usize::from(is_mark(&request));
            batch.push(request);
        }
        if batch.len() == before || batch.len() == MOST {
            return;
        }
    }
}

/// Outcomes must not be lost while this process lives: they are tried again until the database
/// takes them. Marks that may or may not have been written count as not written, so nothing is
/// sent on their strength. Answers what was marked, and the outcomes that found their message
/// taken over.
async fn write_until_written(
    db: &Db,
    clock: &Clock,
    tokens: &[LeaseToken],
    outcomes: &[Settled],
) -> (HashSet<i64>, Vec<Settled>) {
    let mut wait = FIRST_WAIT;
    let mut tokens = tokens;
    loop {
        match with_timeout(TRANSACTION_TIMEOUT, write(db, clock, tokens, outcomes)).await {
            Ok(written) => return written,
            Err(error) => {
                tracing::warn!(error = %error, outcomes = outcomes.len(), "the status writer could not be written; trying again");
                tokens = &[];
                if outcomes.is_empty() {
                    return (HashSet::new(), Vec::new());
                }
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }
    }
}

async fn write(
    db: &Db,
    clock: &Clock,
    tokens: &[LeaseToken],
    outcomes: &[Settled],
) -> sqlx::Result<(HashSet<i64>, Vec<Settled>)> {
    if tokens.is_empty() && outcomes.is_empty() {
        return Ok((HashSet::new(), Vec::new()));
    }
    if !tokens.is_empty() {
        hit(Point::BeforeMark);
    }
    if !outcomes.is_empty() {
        hit(Point::BeforeOutcome);
    }
    let (settled, asked) = (json(outcomes)?, json(tokens)?);
    let now = clock.now();
    // The rule: nothing has to be tried again.
    let [settled_now, marked_now] = if outcomes.iter().all(|o| o.state != "queued") {
        settle::settle_and_mark(db, outcomes, &settled, &asked, now).await?
    } else {
        let mut tx = db.begin().await?;
        crate::messages::queries::locks::hold_sends(&mut tx, &settled).await?;
        let settled_now = settle::settle(&mut tx, &settled, now).await?;
        if outcomes.iter().any(|o| o.state == "rejected") {
            settle::remember_bounces(&mut tx, &settled, now).await?;
        }
        hit(Point::OutcomeWritten);
        let marked_now = leases::mark_attempting(&mut tx, &asked, now).await?;
        if marked_now > 0 {
            hit(Point::MarkWritten);
        }
        tx.commit().await?;
        [settled_now, marked_now]
    };
    if marked_now > 0 {
        hit(Point::AfterMark);
    }
    if !outcomes.is_empty() {
        hit(Point::AfterOutcome);
    }
    let missed = match settled_now < count(outcomes) {
        true => missed(db, &settled, outcomes).await?,
        false => Vec::new(),
    };
    let marked = match marked_now < count(tokens) {
        true => marked(db, &asked, now).await?,
        false => tokens.iter().map(|token| token.id).collect(),
    };
    Ok((marked, missed))
}

/// Which outcomes found their message taken over.
async fn missed(db: &Db, settled: &str, outcomes: &[Settled]) -> sqlx::Result<Vec<Settled>> {
    let ids: HashSet<i64> = late::unsettled(db, settled).await?.into_iter().collect();
    Ok(outcomes.iter().filter(|o| ids.contains(&o.id)).cloned().collect())
}

/// Which marks were written, when some were not; says of the others why they do not go out.
async fn marked(db: &Db, asked: &str, now: DateTime<Utc>) -> sqlx::Result<HashSet<i64>> {
    hit(Point::BeforeUnmarked);
    let mut tx = db.begin().await?;
    let marked = leases::attempting(&mut tx, asked).await?;
    leases::settle_unmarked(&mut tx, asked, now).await?;
    hit(Point::UnmarkedWritten);
    tx.commit().await?;
    hit(Point::AfterUnmarked);
    Ok(marked.into_iter().collect())
}

fn count<T>(rows: &[T]) -> u64 {
    u64::try_from(rows.len()).unwrap_or(u64::MAX)
}

/// Outcomes of messages that were taken over meanwhile: what recovery had to call `unconfirmed` is
/// known after all. In a transaction of its own, because it locks the sends.
async fn write_late_until_written(db: &Db, clock: &Clock, missed: &[Settled]) {
    let mut wait = FIRST_WAIT;
    loop {
        let written = with_timeout(TRANSACTION_TIMEOUT, async {
            let rows = json(missed)?;
            hit(Point::BeforeLate);
            let mut tx = db.begin().await?;
            let written = crate::dispatch::late_outcomes::settle_late(&mut tx, &rows, clock.now()).await?;
            hit(Point::LateWritten);
            tx.commit().await?;
            hit(Point::AfterLate);
            Ok::<_, sqlx::Error>(written)
        })
        .await;
        match written {
            Ok(written) => {
                tracing::info!(
                    outcomes = missed.len(),
                    written,
                    "outcomes came after their messages were taken over"
                );
                return;
            }
            Err(error) => {
                tracing::warn!(error = %error, "late outcomes could not be written; trying again");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }
    }
}
