//! One round: everything is well, then things are done to it, then it must all come right.

use std::{
    collections::HashSet,
    path::Path,
    time::{Duration, Instant},
};

use loupe::db::Backend;

use super::{
    Error,
    actions::{self, Action},
    cluster::Cluster,
    disk::SmallDisk,
    faults,
    harness::{Harness, Size},
    proxy::Mode,
    rng::Rng,
    rows_queries,
    totals::{self, Totals},
    watch::Watch,
    worker::Worker,
};

/// How long it may take to come right, once nothing is done to it any more.
const WAIT_TIMEOUT: Duration = Duration::from_secs(120);

/// So often at most is tried what comes to nothing.
const TRIES: usize = 3;

/// Messages a second in some rounds; without a limit thousands go out.
const RATE: u64 = 200;

/// A round being played.
#[derive(Debug)]
pub struct Round<'a> {
    pub(super) harness: Harness,
    pub(super) workers: Vec<Worker>,
    pub(super) started: usize,
    pub(super) rng: Rng,
    pub(super) cluster: Option<&'a Cluster>,
    pub(super) disk: Option<SmallDisk>,
    pub(super) totals: Totals,
    /// How many messages may be unknown because of what we did to the workers.
    pub(super) may_be_unknown: u64,
    rate: Option<u64>,
    /// Messages that waited when their customer had said no.
    pub(super) unwanted: HashSet<i64>,
    watch: Watch,
    pressed: HashSet<i64>,
}

/// Plays one round and answers what happened; what went wrong is in it.
pub async fn play(backend: Backend, cluster: Option<&Cluster>, seed: u64, folder: &Path) -> Result<Totals, Error> {
    let mut rng = Rng::new(seed);
    let data = folder.join("data");
    std::fs::create_dir(&data)?;
    let hand = actions::hand(backend, cluster.is_some_and(Cluster::can_stop), seed);
    let disk = hand
        .contains(&Action::NoRoom)
        .then(|| SmallDisk::mount(&data))
        .flatten();
    let url = match (backend, cluster) {
        (Backend::Postgres, Some(cluster)) => cluster.schema(&format!("r{seed}")).await?,
        _ => format!("sqlite://{}", data.join("loupe.db").display()),
    };
    let size = Size {
        people: usize::try_from(rng.between(40, 100))?,
        campaigns: rng.between(4, 6),
        connections: rng.between(2, 6),
        rate: seed.is_multiple_of(4).then_some(RATE),
    };
    let lease_seconds = 2;
    let rules = faults::rules(seed, &mut rng);
    let harness = Harness::build(&url, folder, size, rules, lease_seconds).await?;
    harness.proxy.set_latency(Duration::from_millis(rng.between(0, 3)));
    let watch = Watch::begin(harness.db.clone(), harness.store.id, lease_seconds);
    let mut round = Round {
        harness,
        workers: Vec::new(),
        started: 0,
        rng,
        cluster,
        disk,
        totals: Totals {
            rounds: 1,
            ..Totals::default()
        },
        may_be_unknown: 0,
        rate: size.rate,
        unwanted: HashSet::new(),
        watch,
        pressed: HashSet::new(),
    };
    round.press(2).await?;
    let workers = if backend == Backend::Sqlite {
        1
    } else {
        round.rng.between(2, 4)
    };
    for _ in 0..workers {
        round.hire_one()?;
    }
    for action in hand {
        round.see_to(action).await?;
    }
    round.come_right().await?;
    round.end().await
}

impl Round<'_> {
    /// Does a thing until it has happened: what came too late, or to nothing, is done once more.
    async fn see_to(&mut self, action: Action) -> Result<(), Error> {
        let before = self.totals.times(action.name());
        for _ in 0..TRIES {
            if !self.supply().await? {
                // Everything has been sent already, and this was to happen in the middle of it.
                self.harness.one_more_campaign().await;
                self.supply().await?;
            }
            self.watch.disturb();
            self.commit(action).await?;
            self.watch.disturb();
            if self.totals.times(action.name()) > before {
                break;
            }
        }
        Ok(())
    }

    /// Starts another worker with the usual orders.
    pub(super) fn hire_one(&mut self) -> Result<(), Error> {
        self.started += 1;
        self.workers.push(Worker::start(&self.harness.orders, self.started)?);
        Ok(())
    }

    pub(super) fn any_worker(&mut self) -> usize {
        self.rng.place(self.workers.len())
    }

    /// Waits for so many milliseconds, by the dice.
    pub(super) async fn pause(&mut self, least: u64, most: u64) {
        let micros = self.rng.between(1000 * least, 1000 * most);
        tokio::time::sleep(Duration::from_micros(micros)).await;
    }

    /// Sees to it that something is being sent. False when all has been.
    pub(super) async fn supply(&mut self) -> Result<bool, Error> {
        let sending = rows_queries::campaigns(&self.harness.db, self.harness.store.id, "sending").await?;
        Ok(!sending.is_empty() || self.press(1).await? > 0 || !self.harness.drafts().await?.is_empty())
    }

    /// Sends so many drafts: also what was given back, as a person would.
    async fn press(&mut self, most: usize) -> Result<usize, Error> {
        let begun = self.harness.press_some(most).await?;
        for campaign in &begun {
            self.totals.pressed_again += u64::from(!self.pressed.insert(*campaign));
        }
        Ok(begun.len())
    }

    /// Nothing is done any more: every campaign has to end in `sent`.
    async fn come_right(&mut self) -> Result<(), Error> {
        self.harness.proxy.set_mode(Mode::Pass);
        self.harness.proxy.set_latency(Duration::ZERO);
        self.harness.sink.set_rules(Vec::new());
        self.harness.clock.catch_up()?;
        let begin = Instant::now();
        loop {
            self.workers.retain_mut(Worker::is_running);
            if self.workers.is_empty() {
                self.hire_one()?;
            }
            let store = self.harness.store.id;
            // What a dead one left of a send that was given back is settled when its lease has
            // run out, however soon everything else is done.
            if rows_queries::campaigns(&self.harness.db, store, "sending")
                .await?
                .is_empty()
                && self.press(usize::MAX).await? == 0
                && rows_queries::open_sends(&self.harness.db, store).await? == 0
                && rows_queries::in_hand(&self.harness.db).await? == 0
                && !rows_queries::any_to_note(&self.harness.db).await?
            {
                return Ok(());
            }
            if begin.elapsed() > WAIT_TIMEOUT {
                let states = rows_queries::states(&self.harness.db, store).await?;
                self.totals.wrong(format!(
                    "still sending after {WAIT_TIMEOUT:?} without faults: {states:?}"
                ));
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Whoever was frozen, or whose wire was, may have had a message on each connection whose moment had
    /// come: these arrive at once.
    fn keeps_to_the_rate(&mut self) {
        let Some(rate) = self.rate else { return };
        self.totals.did(totals::WITH_A_RATE);
        let held_up = self.harness.connections * self.started as u64;
        let fullest = self.harness.sink.fullest_second() as u64;
        if fullest > rate + held_up {
            self.totals
                .wrong(format!("{fullest} messages within a second, {rate} were allowed"));
        }
    }

    /// Ends the workers and compares the rows with the mail server.
    async fn end(mut self) -> Result<Totals, Error> {
        for worker in self.workers.drain(..) {
            let log = worker.log().display().to_string();
            let begun = worker.owner().is_some();
            let code = worker.end().await?;
            if code != Some(0) && begun {
                self.totals
                    .wrong(format!("the last orderly stop ended with {code:?}: {log}"));
            }
        }
        self.keeps_to_the_rate();
        for seen in self.watch.end() {
            self.totals.wrong(seen);
        }
        let verdict = self.harness.examine().await?;
        let struck = self.harness.sink.faults();
        for (fault, times) in &struck {
            self.totals.did_times(fault, *times);
        }
        if verdict.unknown_after_crash > self.may_be_unknown {
            self.totals.wrong(format!(
                "{} unknown after crashes, at most {} were to be",
                verdict.unknown_after_crash, self.may_be_unknown
            ));
        }
        let unanswered = faults::unanswered(&struck) + self.harness.proxy.cuts();
        if verdict.unknown_unanswered > unanswered {
            self.totals.wrong(format!(
                "{} unknown without an answer, the wire and the server account for {unanswered}",
                verdict.unknown_unanswered
            ));
        }
        // What a person has settled was one or the other.
        let unknown = verdict.unknown_after_crash + verdict.unknown_unanswered + verdict.treated;
        if unknown > self.may_be_unknown + unanswered {
            self.totals.wrong(format!(
                "{unknown} unknown or settled by a person, at most {} were to be",
                self.may_be_unknown + unanswered
            ));
        }
        for message in &self.unwanted {
            let state = rows_queries::state_of(&self.harness.db, *message).await?;
            if !matches!(state.as_str(), "skipped" | "cancelled") {
                self.totals
                    .wrong(format!("message {message} is {state}; its customer had said no before"));
            }
        }
        let mut drafts = rows_queries::campaigns(&self.harness.db, self.harness.store.id, "draft").await?;
        drafts.retain(|campaign| !self.harness.given_up.contains(campaign));
        if !self.harness.drafts().await?.is_empty() {
            self.totals.wrong(format!("campaigns {drafts:?} ended as drafts"));
        }
        let sent = rows_queries::campaigns(&self.harness.db, self.harness.store.id, "sent").await?;
        self.totals.did_times(totals::SENT, sent.len() as u64);
        self.totals
            .did_times(totals::STOPPED, self.harness.given_up.len() as u64);
        self.totals.did_times(totals::NOBODY_LEFT, drafts.len() as u64);
        self.totals.verdict.add(&verdict);
        self.harness.db.close().await;
        Ok(self.totals)
    }
}
