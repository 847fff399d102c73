//! `kill -9`, and the moments it comes at. Most are chosen by looking at the rows, because pure
//! chance hardly ever meets the few milliseconds that matter; what a kill really hit is counted
//! afterwards, from the rows it left.

use std::time::{Duration, Instant};

use super::{Error, proxy::Mode, round::Round, rows_queries, worker::Worker};

/// How long a moment is waited for before it is taken as it comes.
const WAIT_TIMEOUT: Duration = Duration::from_secs(10);

/// When somebody is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Whatever it is doing: also before it has begun.
    Any,
    /// The rows say that it is attempting something.
    Attempting,
    /// Its content has arrived and the answer to the dot is held back.
    DotHeld,
    /// Its content, or its offer, is stuck on the wire.
    WireHeld,
}

impl Moment {
    pub const ALL: [Moment; 4] = [Moment::Any, Moment::Attempting, Moment::DotHeld, Moment::WireHeld];

    /// What it is called in the table.
    pub fn name(self) -> &'static str {
        match self {
            Moment::Any => "kill at any moment",
            Moment::Attempting => "kill when its rows say it attempts",
            Moment::DotHeld => "kill before the answer to the dot",
            Moment::WireHeld => "kill with content on the wire",
        }
    }
}

impl Round<'_> {
    /// Kills one at this moment, and another is hired.
    pub(super) async fn kill(&mut self, moment: Moment) -> Result<(), Error> {
        self.totals.did(moment.name());
        let at = match moment {
            Moment::Any => {
                self.pause(0, 1200).await;
                self.any_worker()
            }
            Moment::Attempting => self.somebody_attempting().await?,
            Moment::DotHeld => {
                self.harness.sink.hold_answers();
                self.somebody_attempting().await?
            }
            Moment::WireHeld => self.somebody_on_the_wire().await?,
        };
        if moment != Moment::Any {
            self.pause(0, 12).await;
        }
        let worker = self.workers.swap_remove(at);
        self.kill_this(worker).await?;
        self.harness.sink.release_answers();
        if moment == Moment::WireHeld {
            // What was on the wire arrives without its sender, or never.
            if self.rng.percent(50) {
                self.harness.proxy.cut();
            }
            self.harness.proxy.set_mode(Mode::Pass);
        }
        if self.rng.percent(30) {
            self.pause(10, 700).await;
        }
        self.hire_one()
    }

    /// Kills this one and looks at what it leaves.
    pub(super) async fn kill_this(&mut self, worker: Worker) -> Result<(), Error> {
        let owner = worker.owner().map(str::to_owned);
        worker.kill().await?;
        self.totals.kills += 1;
        self.may_be_unknown += 2 * self.harness.connections;
        if let Some(owner) = owner {
            let left = rows_queries::attempting(&self.harness.db, &owner).await?;
            self.totals.kills_attempting += u64::from(left > 0);
            if left > 2 * self.harness.connections {
                let words = format!(
                    "a kill left {left} attempting on {} connections",
                    self.harness.connections
                );
                self.totals.wrong(words);
            }
        }
        Ok(())
    }

    /// The place of a worker that is attempting something: any, when nobody is for too long.
    pub(super) async fn somebody_attempting(&mut self) -> Result<usize, Error> {
        let begin = Instant::now();
        while begin.elapsed() < WAIT_TIMEOUT {
            let busy = rows_queries::busy_owners(&self.harness.db).await?;
            let is_busy = |worker: &Worker| worker.owner().is_some_and(|owner| busy.iter().any(|b| b == owner));
            let places: Vec<usize> = (0..self.workers.len())
                .filter(|at| self.workers.get(*at).is_some_and(is_busy))
                .collect();
            if let Some(at) = places.get(self.rng.place(places.len())) {
                return Ok(*at);
            }
            if !self.supply().await? {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(self.any_worker())
    }

    /// The same, with the wire dead in the middle of it.
    async fn somebody_on_the_wire(&mut self) -> Result<usize, Error> {
        let begin = Instant::now();
        loop {
            let at = self.somebody_attempting().await?;
            self.harness.proxy.set_mode(Mode::Dead);
            self.pause(1, 5).await;
            let owner = self.workers.get(at).and_then(Worker::owner);
            let attempting = match owner {
                Some(owner) => rows_queries::attempting(&self.harness.db, owner).await?,
                None => 0,
            };
            if attempting > 0 || begin.elapsed() > WAIT_TIMEOUT {
                return Ok(at);
            }
            self.harness.proxy.set_mode(Mode::Pass);
        }
    }
}
