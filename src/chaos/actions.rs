//! What is done to the workers, the wire, the database and the clock in the middle of sending.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use loupe::{
    consent::{
        model::{Channel, Source, Wish},
        rules::{self as consent, Change},
    },
    db::Backend,
    time::Clock,
};

use super::{
    Error, deal,
    kills::Moment,
    proxy::Mode,
    rng::Rng,
    round::Round,
    rows_queries,
    staff::Press,
    worker::{Orders, Worker},
};

/// One thing that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Kill(Moment),
    /// A person does something to a send.
    Person(Press),
    Freeze,
    EndOne,
    CutWire,
    DeadWire,
    ServerAway,
    NoStartTls,
    ClockJumps,
    OptOuts,
    /// SQLite: the disk is full.
    NoRoom,
    /// PostgreSQL: connections to it break.
    BreakConnections,
    /// PostgreSQL: it is stopped and started.
    DatabaseAway,
}

/// What can be done to any database.
const ANYWHERE: [Action; 8] = [
    Action::Freeze,
    Action::EndOne,
    Action::CutWire,
    Action::DeadWire,
    Action::ServerAway,
    Action::NoStartTls,
    Action::ClockJumps,
    Action::OptOuts,
];

/// Seconds. All jumps of a round together stay below the three days after which what was never
/// answered is treated as sent.
const LONGEST_JUMP: u64 = 24 * 3600;

/// Of each in a round: kills, what people do, and other things. The last are the most kinds, and some
/// happen on one database only: with fewer in a hand a default run would not be dealt enough of each.
const KILLS: u64 = 3;
const PEOPLE: u64 = 2;
const OTHERS: u64 = 4;

impl Action {
    /// What it is called in the table.
    pub fn name(self) -> &'static str {
        match self {
            Action::Kill(moment) => moment.name(),
            Action::Person(press) => press.name(),
            Action::Freeze => "stopped for longer than the lease",
            Action::EndOne => "orderly stop",
            Action::CutWire => "wire cut",
            Action::DeadWire => "wire dead, then cut",
            Action::ServerAway => "mail server away",
            Action::NoStartTls => "no STARTTLS",
            Action::ClockJumps => "clock jumped",
            Action::OptOuts => "opted out while their message waited",
            Action::NoRoom => "no room on the disk",
            Action::BreakConnections => "database connections broken",
            Action::DatabaseAway => "database stopped and started",
        }
    }
}

/// Everything that is done on this database; whether a PostgreSQL is ours to stop.
#[cfg(test)]
pub fn all(backend: Backend, can_stop: bool) -> Vec<Action> {
    let mut actions = on(backend, can_stop);
    actions.extend(Moment::ALL.map(Action::Kill));
    actions.extend(Press::ALL.map(Action::Person));
    actions
}

/// Of that, what neither kills nor is done by a person.
fn on(backend: Backend, can_stop: bool) -> Vec<Action> {
    let mut actions = ANYWHERE.to_vec();
    match backend {
        Backend::Sqlite => actions.push(Action::NoRoom),
        Backend::Postgres => actions.push(Action::BreakConnections),
    }
    if can_stop {
        actions.push(Action::DatabaseAway);
    }
    actions
}

/// What is done in the round with this seed, in order.
pub fn hand(backend: Backend, can_stop: bool, seed: u64) -> Vec<Action> {
    let others = on(backend, can_stop);
    let mut drawn: Vec<Action> = deal::draw(&Moment::ALL.map(Action::Kill), seed, KILLS);
    let mut rng = Rng::new(seed ^ 0xdeed);
    let people = deal::draw(&Press::ALL.map(Action::Person), seed, PEOPLE);
    for action in deal::draw(&others, seed, OTHERS).into_iter().chain(people) {
        drawn.insert(rng.place(drawn.len() + 1), action);
    }
    drawn
}

impl Round<'_> {
    pub(super) async fn commit(&mut self, action: Action) -> Result<(), Error> {
        match action {
            Action::Kill(moment) => self.kill(moment).await,
            Action::Person(press) => self.a_person_presses(press).await,
            Action::Freeze => self.freeze().await,
            Action::EndOne => self.end_one().await,
            Action::CutWire => self.wire_is_cut().await,
            Action::DeadWire => self.wire_goes_dead().await,
            Action::ServerAway => self.server_goes_away().await,
            Action::NoStartTls => self.secure_connection_is_missing().await,
            Action::ClockJumps => self.clock_jumps().await,
            Action::OptOuts => self.some_opt_out().await,
            Action::NoRoom if self.disk.is_some() => self.disk_is_full().await,
            Action::NoRoom => self.file_is_full().await,
            Action::BreakConnections => self.connections_break().await,
            Action::DatabaseAway => self.database_goes_away().await,
        }
    }

    /// Stopped for longer than its lease, then woken up: others have taken over meanwhile.
    async fn freeze(&mut self) -> Result<(), Error> {
        let at = self.somebody_attempting().await?;
        let Some(worker) = self.workers.get(at) else {
            return Ok(());
        };
        let Some(owner) = worker.owner().map(str::to_owned) else {
            return Ok(());
        };
        worker.signal("STOP").await?;
        self.totals.did(Action::Freeze.name());
        self.may_be_unknown += 2 * self.harness.connections;
        let held = rows_queries::held(&self.harness.db, &owner).await?;
        if self.cluster.is_none() {
            // Its lock holds: a second one on the same file is refused.
            let second = Worker::start(&self.harness.orders, 1000 + self.started)?;
            if second.ends(Duration::from_secs(30)).await? == Some(0) {
                self.totals.wrong("two processes worked on one SQLite file".to_owned());
            }
            self.totals.did("second process refused");
        }
        let lease = self.harness.orders.lease_seconds;
        self.pause(1000 * lease + 300, 1000 * lease + 1500).await;
        if held > 0 && rows_queries::held(&self.harness.db, &owner).await? == 0 {
            self.totals.did("  and taken over before it woke up");
        }
        if let Some(worker) = self.workers.get(at) {
            worker.signal("CONT").await?;
        }
        Ok(())
    }

    /// An orderly end in the middle: nothing stays behind.
    async fn end_one(&mut self) -> Result<(), Error> {
        let at = self.somebody_attempting().await?;
        let worker = self.workers.swap_remove(at);
        let owner = worker.owner().map(str::to_owned);
        match worker.end().await? {
            Some(0) => self.totals.did(Action::EndOne.name()),
            // It had not got as far as listening for the signal.
            _ if owner.is_none() => {}
            other => self.totals.wrong(format!("an orderly stop ended with {other:?}")),
        }
        if let Some(owner) = owner {
            let held = rows_queries::held(&self.harness.db, &owner).await?;
            if held > 0 {
                self.totals.wrong(format!("an orderly stop left {held} leases behind"));
            }
        }
        self.hire_one()
    }

    async fn wire_is_cut(&mut self) -> Result<(), Error> {
        self.somebody_attempting().await?;
        self.harness.proxy.cut();
        self.totals.did(Action::CutWire.name());
        Ok(())
    }

    /// Half-open: nothing gets through, nobody is told, then it is cut.
    async fn wire_goes_dead(&mut self) -> Result<(), Error> {
        self.somebody_attempting().await?;
        self.harness.proxy.set_mode(Mode::Dead);
        self.pause(200, 2500).await;
        self.harness.proxy.cut();
        self.harness.proxy.set_mode(Mode::Pass);
        self.totals.did(Action::DeadWire.name());
        Ok(())
    }

    async fn server_goes_away(&mut self) -> Result<(), Error> {
        self.harness.proxy.set_mode(Mode::Gone);
        self.harness.proxy.cut();
        self.pause(200, 1500).await;
        self.harness.proxy.set_mode(Mode::Pass);
        self.totals.did(Action::ServerAway.name());
        Ok(())
    }

    /// A worker that insists on a secure connection the server does not offer.
    async fn secure_connection_is_missing(&mut self) -> Result<(), Error> {
        let at = self.any_worker();
        let worker = self.workers.swap_remove(at);
        self.kill_this(worker).await?;
        let mut orders = self.harness.orders.clone();
        orders.smtp.push_str("&tls=starttls");
        self.instead(&orders, &["STARTTLS"], Action::NoStartTls).await
    }

    /// The workers' clock goes back for a while, then far forward, and stays there.
    async fn clock_jumps(&mut self) -> Result<(), Error> {
        let back = self.rng.between(1, LONGEST_JUMP).cast_signed();
        self.harness.clock.jump_to(TimeDelta::seconds(-back))?;
        self.pause(100, 1500).await;
        let forward = self.rng.between(1, LONGEST_JUMP).cast_signed();
        self.harness.clock.jump_to(TimeDelta::seconds(forward))?;
        self.pause(100, 500).await;
        self.totals.did(Action::ClockJumps.name());
        Ok(())
    }

    /// Some say no; whatever of theirs waits at that moment must never go out.
    async fn some_opt_out(&mut self) -> Result<(), Error> {
        self.somebody_attempting().await?;
        let db = &self.harness.db;
        for customer in rows_queries::waiting_customers(db, 3).await? {
            let mut tx = db.begin().await?;
            let said = Change {
                customer,
                channel: Channel::Email,
                wish: Wish::Withdraw,
                source: Source::Staff,
                evidence: "chaos",
                actor: "Priya Nair",
            };
            consent::change(&mut tx, self.harness.store.id, said, Clock::System.now()).await?;
            tx.commit().await?;
            let mut waiting = rows_queries::messages_to(db, customer, "queued").await?;
            // SQLite has one writer: what is only leased by now can only be marked after it.
            if self.cluster.is_none() {
                waiting.extend(rows_queries::messages_to(db, customer, "leased").await?);
            }
            if !waiting.is_empty() {
                self.totals.did(Action::OptOuts.name());
            }
            self.unwanted.extend(waiting);
        }
        Ok(())
    }

    async fn connections_break(&mut self) -> Result<(), Error> {
        self.somebody_attempting().await?;
        let broken = rows_queries::terminate_some(&self.harness.db).await?;
        self.totals
            .did_times(Action::BreakConnections.name(), broken.unsigned_abs());
        Ok(())
    }

    async fn database_goes_away(&mut self) -> Result<(), Error> {
        let Some(cluster) = self.cluster else { return Ok(()) };
        self.somebody_attempting().await?;
        cluster.stop().await?;
        self.may_be_unknown += 2 * self.harness.connections * (self.workers.len() as u64);
        self.pause(100, 3500).await;
        // Nobody can say what this one leaves: the kill counts as one that hit nothing.
        if self.rng.percent(30) && !self.workers.is_empty() {
            let at = self.any_worker();
            let worker = self.workers.swap_remove(at);
            worker.kill().await?;
            self.totals.kills += 1;
            self.may_be_unknown += 2 * self.harness.connections;
        }
        cluster.begin().await?;
        self.totals.did(Action::DatabaseAway.name());
        if self.workers.is_empty() {
            self.hire_one()?;
        }
        Ok(())
    }

    async fn disk_is_full(&mut self) -> Result<(), Error> {
        self.somebody_attempting().await?;
        if let Some(disk) = &self.disk {
            disk.fill();
        }
        self.wait_for_trouble(&NO_ROOM, Action::NoRoom).await;
        let kill = self.rng.percent(40);
        if kill && let Some(worker) = self.workers.pop() {
            self.kill_this(worker).await?;
        }
        if let Some(disk) = &self.disk {
            disk.make_room();
        }
        if kill { self.hire_one() } else { Ok(()) }
    }

    /// The same for whoever may not mount: the worker may not write large files.
    async fn file_is_full(&mut self) -> Result<(), Error> {
        let Some(worker) = self.workers.pop() else {
            return Ok(());
        };
        self.kill_this(worker).await?;
        let mut orders = self.harness.orders.clone();
        orders.file_blocks = Some(self.rng.between(200, 900));
        self.instead(&orders, &NO_ROOM, Action::NoRoom).await
    }

    /// A worker with other orders, until its log says so and then a little; then it is killed and
    /// a usual one is hired.
    async fn instead(&mut self, orders: &Orders, words: &[&str], action: Action) -> Result<(), Error> {
        self.started += 1;
        self.workers.push(Worker::start(orders, self.started)?);
        self.wait_for_trouble(words, action).await;
        if let Some(worker) = self.workers.pop() {
            self.kill_this(worker).await?;
        }
        self.hire_one()
    }

    /// Waits for the last worker to notice what was done to it.
    async fn wait_for_trouble(&mut self, words: &[&str], action: Action) {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(8) {
            let noticed = |worker: &Worker| words.iter().any(|words| worker.says(words));
            if self.workers.last().is_some_and(noticed) {
                self.totals.did(action.name());
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.pause(0, 400).await;
    }
}

/// What a worker says when it cannot write.
const NO_ROOM: [&str; 3] = ["could not be written", "could not go on", "could not start"];
