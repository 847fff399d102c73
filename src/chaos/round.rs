//! One round: everything is well, then things are done to it, then it must all come right.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use loupe::db::Backend;

use super::{
    Error,
    cluster::Cluster,
    dice::Dice,
    disk::SmallDisk,
    faults,
    house::{House, Size},
    proxy::Mode,
    rows_sql,
    totals::Totals,
    watch::Watch,
    worker::{Orders, Worker},
};

/// How long it may take to come right, once nothing is done to it any more.
const PATIENCE: Duration = Duration::from_secs(90);

struct Round<'a> {
    house: House,
    workers: Vec<Worker>,
    started: usize,
    dice: Dice,
    cluster: Option<&'a Cluster>,
    disk: Option<SmallDisk>,
    watch: Watch,
    totals: Totals,
    /// How many messages may be unknown because of what we did to the workers.
    may_be_unknown: u64,
}

/// Plays one round and answers what happened; what went wrong is in it.
pub async fn play(backend: Backend, cluster: Option<&Cluster>, seed: u64, folder: &Path) -> Result<Totals, Error> {
    let mut dice = Dice::new(seed);
    let data = folder.join("data");
    std::fs::create_dir(&data)?;
    let disk = (backend == Backend::Sqlite && dice.percent(25))
        .then(|| SmallDisk::mount(&data))
        .flatten();
    let url = match (backend, cluster) {
        (Backend::Postgres, Some(cluster)) => cluster.schema(&format!("r{seed}")).await?,
        _ => format!("sqlite://{}", data.join("loupe.db").display()),
    };
    let size = Size {
        people: usize::try_from(dice.between(60, 160))?,
        campaigns: dice.between(1, 3),
        connections: dice.between(2, 6),
    };
    let lease_seconds = 2;
    let house = House::build(&url, folder, size, faults::rules(&mut dice), lease_seconds).await?;
    house.proxy.set_latency(Duration::from_millis(dice.between(0, 3)));
    let watch = Watch::begin(house.db.clone(), house.store.id, lease_seconds);
    let mut round = Round {
        house,
        workers: Vec::new(),
        started: 0,
        dice,
        cluster,
        disk,
        watch,
        totals: Totals {
            rounds: 1,
            ..Totals::default()
        },
        may_be_unknown: 0,
    };
    round.house.press_all().await?;
    let workers = if backend == Backend::Sqlite {
        1
    } else {
        round.dice.between(2, 4)
    };
    for _ in 0..workers {
        let orders = round.house.orders.clone();
        round.hire(&orders)?;
    }
    let things = round.dice.between(3, 7);
    for _ in 0..things {
        if !round.aim().await? {
            break;
        }
        round.do_something().await?;
    }
    round.come_right().await?;
    round.end().await
}

impl Round<'_> {
    fn hire(&mut self, orders: &Orders) -> Result<(), Error> {
        self.started += 1;
        self.workers.push(Worker::start(orders, self.started)?);
        Ok(())
    }

    /// Waits until a message is being attempted. False when there is nothing more to send.
    async fn aim(&mut self) -> Result<bool, Error> {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(8) {
            if rows_sql::attempting(&self.house.db, None).await.unwrap_or(0) > 0 {
                let wait = self.dice.between(0, 12_000);
                tokio::time::sleep(Duration::from_micros(wait)).await;
                return Ok(true);
            }
            let sending = rows_sql::campaigns(&self.house.db, self.house.store.id, "sending").await;
            if sending.is_ok_and(|sending| sending.is_empty()) {
                return Ok(false);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(true)
    }

    async fn do_something(&mut self) -> Result<(), Error> {
        self.watch.disturb();
        let on_postgres = self.cluster.is_some();
        let can_stop = self.cluster.is_some_and(Cluster::can_stop);
        match self.dice.between(0, 99) {
            0..56 => self.kill().await?,
            56..62 => self.freeze().await?,
            62..67 => self.end_one().await?,
            67..74 => {
                self.house.proxy.cut();
                self.totals.did("wire cut");
            }
            74..78 => self.wire_goes_dead().await?,
            78..80 => self.server_goes_away().await?,
            80..82 => self.secure_connection_is_missing().await?,
            82..92 if on_postgres => {
                let broken = rows_sql::terminate_some(&self.house.db).await?;
                self.totals
                    .did_times("database connections broken", broken.unsigned_abs());
            }
            92..97 if can_stop => self.database_goes_away().await?,
            82..97 if self.disk.is_some() => self.disk_is_full().await?,
            82..90 if !on_postgres => self.file_is_full().await?,
            _ => self.kill().await?,
        }
        self.watch.disturb();
        Ok(())
    }

    fn any_worker(&mut self) -> usize {
        self.dice.place(self.workers.len())
    }

    /// `kill -9`, and another is hired.
    async fn kill(&mut self) -> Result<(), Error> {
        let at = self.any_worker();
        let worker = self.workers.swap_remove(at);
        // With several, take one that has something in hand.
        let owner = worker.owner();
        if let Some(owner) = &owner {
            let begin = Instant::now();
            while begin.elapsed() < Duration::from_millis(400)
                && rows_sql::attempting(&self.house.db, Some(owner)).await.unwrap_or(0) == 0
            {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        worker.kill().await?;
        self.after_a_kill(owner).await?;
        if self.dice.percent(30) {
            let wait = self.dice.between(10, 700);
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        let orders = self.house.orders.clone();
        self.hire(&orders)
    }

    async fn after_a_kill(&mut self, owner: Option<String>) -> Result<(), Error> {
        self.totals.kills += 1;
        self.may_be_unknown += 2 * self.house.connections;
        if let Some(owner) = owner {
            let left = rows_sql::attempting(&self.house.db, Some(&owner)).await?.unsigned_abs();
            self.totals.kills_attempting += u64::from(left > 0);
            if left > 2 * self.house.connections {
                let words = format!(
                    "a kill left {left} attempting on {} connections",
                    self.house.connections
                );
                self.totals.wrong(words);
            }
        }
        Ok(())
    }

    /// Stopped for longer than its lease, then woken up: others have taken over meanwhile.
    async fn freeze(&mut self) -> Result<(), Error> {
        let at = self.any_worker();
        let Some(worker) = self.workers.get(at) else {
            return Ok(());
        };
        let Some(owner) = worker.owner() else { return Ok(()) };
        worker.signal("STOP").await?;
        self.totals.did("stopped for longer than the lease");
        self.may_be_unknown += 2 * self.house.connections;
        let held = rows_sql::held(&self.house.db, &owner).await?;
        if self.cluster.is_none() {
            // Its lock holds: a second one on the same file is refused.
            let second = Worker::start(&self.house.orders, 1000 + self.started)?;
            if second.ends(Duration::from_secs(10)).await? == Some(0) {
                self.totals.wrong("two processes worked on one SQLite file".to_owned());
            }
            self.totals.did("second process refused");
        }
        let beyond = self.dice.between(300, 1500);
        tokio::time::sleep(Duration::from_secs(self.house.orders.lease_seconds) + Duration::from_millis(beyond)).await;
        if held > 0 && rows_sql::held(&self.house.db, &owner).await? == 0 {
            self.totals.did("  and taken over before it woke up");
        }
        if let Some(worker) = self.workers.get(at) {
            worker.signal("CONT").await?;
        }
        Ok(())
    }

    /// An orderly end in the middle: nothing stays behind.
    async fn end_one(&mut self) -> Result<(), Error> {
        let at = self.any_worker();
        let worker = self.workers.swap_remove(at);
        let owner = worker.owner();
        match worker.end().await? {
            Some(0) => self.totals.did("orderly stop"),
            // It had not got as far as listening for the signal.
            _ if owner.is_none() => {}
            other => self.totals.wrong(format!("an orderly stop ended with {other:?}")),
        }
        if let Some(owner) = owner {
            let held = rows_sql::held(&self.house.db, &owner).await?;
            if held > 0 {
                self.totals.wrong(format!("an orderly stop left {held} leases behind"));
            }
        }
        let orders = self.house.orders.clone();
        self.hire(&orders)
    }

    /// Half-open: nothing gets through, nobody is told, then it is cut.
    async fn wire_goes_dead(&mut self) -> Result<(), Error> {
        self.house.proxy.set_mode(Mode::Dead);
        let wait = self.dice.between(200, 2500);
        tokio::time::sleep(Duration::from_millis(wait)).await;
        self.house.proxy.cut();
        self.house.proxy.set_mode(Mode::Pass);
        self.totals.did("wire dead, then cut");
        Ok(())
    }

    async fn server_goes_away(&mut self) -> Result<(), Error> {
        self.house.proxy.set_mode(Mode::Gone);
        self.house.proxy.cut();
        let wait = self.dice.between(200, 1500);
        tokio::time::sleep(Duration::from_millis(wait)).await;
        self.house.proxy.set_mode(Mode::Pass);
        self.totals.did("mail server away");
        Ok(())
    }

    /// A worker that insists on a secure connection the server does not offer.
    async fn secure_connection_is_missing(&mut self) -> Result<(), Error> {
        let at = self.any_worker();
        let worker = self.workers.swap_remove(at);
        let owner = worker.owner();
        worker.kill().await?;
        self.after_a_kill(owner).await?;
        let mut orders = self.house.orders.clone();
        orders.smtp.push_str("&tls=starttls");
        self.hire(&orders)?;
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(4) {
            if self.workers.last().is_some_and(|worker| worker.says("STARTTLS")) {
                self.totals.did("no STARTTLS");
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let wait = self.dice.between(0, 300);
        tokio::time::sleep(Duration::from_millis(wait)).await;
        if let Some(worker) = self.workers.pop() {
            worker.kill().await?;
        }
        let orders = self.house.orders.clone();
        self.hire(&orders)
    }

    async fn database_goes_away(&mut self) -> Result<(), Error> {
        let Some(cluster) = self.cluster else { return Ok(()) };
        cluster.stop().await?;
        self.may_be_unknown += 2 * self.house.connections * (self.workers.len() as u64);
        let wait = self.dice.between(100, 3500);
        tokio::time::sleep(Duration::from_millis(wait)).await;
        if self.dice.percent(30) && !self.workers.is_empty() {
            let at = self.any_worker();
            let worker = self.workers.swap_remove(at);
            worker.kill().await?;
            self.totals.kills += 1;
            self.may_be_unknown += 2 * self.house.connections;
        }
        cluster.begin().await?;
        self.totals.did("database stopped and started");
        if self.workers.is_empty() {
            let orders = self.house.orders.clone();
            self.hire(&orders)?;
        }
        Ok(())
    }

    async fn disk_is_full(&mut self) -> Result<(), Error> {
        if let Some(disk) = &self.disk {
            disk.fill();
        }
        self.wait_for_trouble("disk full").await;
        let kill = self.dice.percent(40);
        if kill && let Some(worker) = self.workers.pop() {
            let owner = worker.owner();
            worker.kill().await?;
            self.after_a_kill(owner).await?;
        }
        if let Some(disk) = &self.disk {
            disk.make_room();
        }
        if kill {
            let orders = self.house.orders.clone();
            self.hire(&orders)?;
        }
        Ok(())
    }

    /// The same for whoever may not mount: the worker may not write large files.
    async fn file_is_full(&mut self) -> Result<(), Error> {
        let Some(worker) = self.workers.pop() else {
            return Ok(());
        };
        let owner = worker.owner();
        worker.kill().await?;
        self.after_a_kill(owner).await?;
        let mut orders = self.house.orders.clone();
        orders.file_blocks = Some(self.dice.between(200, 900));
        self.hire(&orders)?;
        self.wait_for_trouble("file may not grow").await;
        if let Some(worker) = self.workers.pop() {
            let owner = worker.owner();
            worker.kill().await?;
            self.after_a_kill(owner).await?;
        }
        let orders = self.house.orders.clone();
        self.hire(&orders)
    }

    async fn wait_for_trouble(&mut self, what: &'static str) {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(4) {
            let noticed = self.workers.last().is_some_and(|w| {
                w.says("could not be written") || w.says("could not go on") || w.says("could not start")
            });
            if noticed {
                self.totals.did(what);
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let more = self.dice.between(0, 500);
        tokio::time::sleep(Duration::from_millis(more)).await;
    }

    /// Nothing is done any more: every campaign has to end in `sent`.
    async fn come_right(&mut self) -> Result<(), Error> {
        self.house.proxy.set_mode(Mode::Pass);
        self.house.proxy.set_latency(Duration::ZERO);
        self.house.sink.set_rules(Vec::new());
        let begin = Instant::now();
        loop {
            let orders = self.house.orders.clone();
            self.workers.retain_mut(Worker::is_running);
            if self.workers.is_empty() {
                self.hire(&orders)?;
            }
            let store = self.house.store.id;
            if rows_sql::campaigns(&self.house.db, store, "sending").await?.is_empty() {
                // What the mail server's absence gave back is started again, by a person.
                let again = self.house.press_all().await?;
                if again == 0 {
                    return Ok(());
                }
                self.totals.pressed_again += again as u64;
            }
            if begin.elapsed() > PATIENCE {
                let states = rows_sql::states(&self.house.db, store).await?;
                self.totals
                    .wrong(format!("still sending after {PATIENCE:?} without faults: {states:?}"));
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
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
        for seen in self.watch.end() {
            self.totals.wrong(seen);
        }
        let verdict = self.house.examine().await?;
        let struck = self.house.sink.faults();
        for (fault, times) in &struck {
            self.totals.did_times(fault, *times);
        }
        if verdict.unknown_after_crash > self.may_be_unknown {
            self.totals.wrong(format!(
                "{} unknown after crashes, at most {} were to be",
                verdict.unknown_after_crash, self.may_be_unknown
            ));
        }
        let unanswered = faults::unanswered(&struck) + self.house.proxy.cuts();
        if verdict.unknown_unanswered > unanswered {
            self.totals.wrong(format!(
                "{} unknown without an answer, the wire and the server account for {unanswered}",
                verdict.unknown_unanswered
            ));
        }
        self.totals.verdict.add(&verdict);
        self.house.db.close().await;
        Ok(self.totals)
    }
}
