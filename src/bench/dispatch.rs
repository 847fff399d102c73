//! Sending over SMTP: bare loops and Loupe side by side, the same messages over as many
//! connections to the same server.

use std::{path::PathBuf, sync::Arc};

use loupe::channels::email::{EmailAddress, smtp::Account};

use crate::{
    Error,
    book::{Book, FROM},
    courier::{self, Sent},
    databases,
    loops::{self, Ready},
    measure::{self, Cost, median},
    servers::{Kind, Server},
    table::{Section, Table, Target},
};

/// Where and how often.
#[derive(Clone, Debug)]
pub struct Plan {
    pub people: i64,
    pub rounds: usize,
    /// For SQLite: on the disk that is to be measured.
    pub folder: PathBuf,
    pub postgres: Option<String>,
    pub smtp_sink: Option<String>,
}

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sender {
    LettrePool,
    Lettre,
    Ours,
    Sqlite,
    Postgres { workers: usize },
}

impl Sender {
    fn name(self) -> String {
        match self {
            Sender::LettrePool => "lettre's pool, bare".to_owned(),
            Sender::Lettre => "lettre's connections, no delay, bare".to_owned(),
            Sender::Ours => "our client, bare".to_owned(),
            Sender::Sqlite => "Loupe on SQLite".to_owned(),
            Sender::Postgres { workers: 1 } => "Loupe on PostgreSQL".to_owned(),
            Sender::Postgres { workers } => format!("Loupe on PostgreSQL, {workers} workers"),
        }
    }
}

/// One table section.
struct Scenario {
    heading: &'static str,
    server: Kind,
    people: i64,
    connections: usize,
    senders: Vec<Sender>,
}

/// What one sender reached: medians.
struct Line {
    sender: Sender,
    rate: f64,
    cpu_per_100k: f64,
    peak_mb: f64,
    bytes_per_message: Option<f64>,
    /// Connections it opened in all its rounds together, where the server can tell.
    connections: Option<u64>,
}

/// The pool sends 22 messages a second over a connection, however many there are to send.
const POOL_SECONDS: i64 = 3;
const POOL_RATE: i64 = 22;

/// Runs every scenario.
pub async fn run(plan: &Plan) -> Result<Table, Error> {
    let own = |delay_ms, refuse_every| Kind::Own { delay_ms, refuse_every };
    let loupe = || {
        let mut senders = vec![Sender::Sqlite];
        if plan.postgres.is_some() {
            senders.extend([1, 2].map(|workers| Sender::Postgres { workers }));
        }
        senders
    };
    let with = |bare: &[Sender]| [bare.to_vec(), loupe()].concat();
    let mut table = Table::default();
    if let Some(program) = &plan.smtp_sink {
        let all = Scenario {
            heading: "to Postfix's smtp-sink, 16 connections",
            server: Kind::SmtpSink(program.clone()),
            people: plan.people,
            connections: 16,
            senders: with(&[Sender::LettrePool, Sender::Lettre, Sender::Ours]),
        };
        let lines = measured(plan, &all, &mut table).await?;
        let share = ratio(&lines, Sender::Sqlite, Sender::Ours);
        aim(
            &mut table,
            "D1",
            "Loupe on SQLite / our client, bare, to smtp-sink",
            0.90,
            share,
        );
        let times = ratio(&lines, Sender::Sqlite, Sender::LettrePool);
        aim(
            &mut table,
            "D3",
            "Loupe on SQLite / lettre's pool, to smtp-sink",
            20.0,
            times,
        );
    }
    let near = Scenario {
        heading: "to our own sink, 16 connections",
        server: own(0, None),
        people: plan.people,
        connections: 16,
        senders: with(&[Sender::LettrePool, Sender::Lettre, Sender::Ours]),
    };
    let lines = measured(plan, &near, &mut table).await?;
    let share = ratio(&lines, Sender::Sqlite, Sender::Ours);
    aim(
        &mut table,
        "D2",
        "Loupe on SQLite / our client, bare, to our sink",
        0.65,
        share,
    );
    let times = ratio(&lines, Sender::Sqlite, Sender::LettrePool);
    aim(
        &mut table,
        "D3",
        "Loupe on SQLite / lettre's pool, to our sink",
        20.0,
        times,
    );
    let well = lines;

    let refusing = Scenario {
        heading: "5 % refused, our own sink, 16 connections",
        server: own(0, Some(20)),
        people: plan.people,
        connections: 16,
        senders: with(&[Sender::Ours]),
    };
    let lines = measured(plan, &refusing, &mut table).await?;
    let rate = |lines: &[Line]| {
        lines
            .iter()
            .find(|l| l.sender == Sender::Sqlite)
            .map_or(0.0, |l| l.rate)
    };
    aim(
        &mut table,
        "D6",
        "5 % refused / none refused, Loupe on SQLite",
        0.9,
        rate(&lines) / rate(&well),
    );
    let opened = lines
        .iter()
        .find(|l| l.sender == Sender::Sqlite)
        .and_then(|l| l.connections);
    let wanted = u64::try_from(refusing.connections * plan.rounds)?;
    table.targets.push(Target {
        id: "D6",
        what: format!("connections opened in {} runs of 16", plan.rounds),
        aim: wanted.to_string(),
        result: opened.map_or("?".to_owned(), |n| n.to_string()),
        is_met: opened == Some(wanted),
    });

    let far = Scenario {
        heading: "20 ms away, our own sink, 32 connections",
        server: own(20, None),
        people: plan.people / 4,
        connections: 32,
        senders: with(&[Sender::LettrePool, Sender::Ours]),
    };
    let lines = measured(plan, &far, &mut table).await?;
    let share = rate(&lines) / (32.0 / 0.020);
    aim(
        &mut table,
        "D5",
        "Loupe on SQLite / (connections / round trip)",
        0.8,
        share,
    );
    let times = ratio(&lines, Sender::Sqlite, Sender::LettrePool);
    aim(
        &mut table,
        "D5",
        "Loupe on SQLite / lettre's pool, 20 ms away",
        6.0,
        times,
    );
    Ok(table)
}

fn aim(table: &mut Table, id: &'static str, what: &str, least: f64, result: f64) {
    table.targets.push(Target {
        id,
        what: what.to_owned(),
        aim: format!(">= {least:.2}"),
        result: format!("{result:.2}"),
        is_met: result >= least,
    });
}

fn ratio(lines: &[Line], one: Sender, other: Sender) -> f64 {
    let rate = |sender| lines.iter().find(|l| l.sender == sender).map_or(f64::NAN, |l| l.rate);
    rate(one) / rate(other)
}

/// Measures a scenario and adds its section.
async fn measured(plan: &Plan, scenario: &Scenario, table: &mut Table) -> Result<Vec<Line>, Error> {
    let lines = Side::prepare(plan, scenario).await?.play(plan.rounds).await?;
    let bare = lines
        .iter()
        .find(|l| l.sender == Sender::Ours)
        .map_or(f64::NAN, |l| l.rate);
    let row = |line: &Line| {
        let figures = vec![
            format!("{:.0}", line.rate),
            format!("{:.2}", line.rate / bare),
            format!("{:.2}", line.cpu_per_100k),
            format!("{:.0}", line.peak_mb),
            line.bytes_per_message
                .map_or("-".to_owned(), |bytes| format!("{bytes:.0}")),
        ];
        (line.sender.name(), figures)
    };
    table.sections.push(Section {
        heading: format!("{}, {} messages", scenario.heading, scenario.people),
        columns: vec!["msg/s", "/ bare", "cpu-s/100k", "peak MB", "db bytes"],
        rows: lines.iter().map(row).collect(),
    });
    Ok(lines)
}

/// A scenario with everything it needs.
struct Side<'a> {
    scenario: &'a Scenario,
    server: Server,
    smtp: String,
    from: EmailAddress,
    ready: Ready,
    few: Ready,
    sqlite: String,
    postgres: Option<String>,
    folder: PathBuf,
}

impl<'a> Side<'a> {
    async fn prepare(plan: &Plan, scenario: &'a Scenario) -> Result<Self, Error> {
        eprintln!("{} …", scenario.heading);
        let folder = plan.folder.join("books");
        std::fs::create_dir_all(&folder)?;
        let server = Server::start(&scenario.server).await?;
        let smtp = format!("smtp://{}?connections={}", server.at, scenario.connections);
        let file = |name: &str| format!("sqlite://{}", folder.join(name).display());
        let (sqlite, rendered) = (file("loupe.db"), file("ready.db"));
        Book::fill(&rendered, scenario.people).await?;
        let book = Book::open(&rendered, &smtp).await?;
        let ready = book.ready().await?;
        book.state.db.close().await;
        let few = POOL_SECONDS * POOL_RATE * i64::try_from(scenario.connections)?;
        let few = ready.iter().take(usize::try_from(few)?).cloned().collect::<Vec<_>>();
        Book::fill(&sqlite, scenario.people).await?;
        let postgres = match &plan.postgres {
            Some(server) => {
                let url = databases::schema(server).await?;
                Book::fill(&url, scenario.people).await?;
                Some(url)
            }
            None => None,
        };
        Ok(Self {
            scenario,
            server,
            smtp,
            from: EmailAddress::parse(FROM)?,
            ready,
            few: Arc::new(few),
            sqlite,
            postgres,
            folder,
        })
    }

    /// Everybody in turn, so that whatever else the machine does hits all of them alike.
    async fn play(mut self, rounds: usize) -> Result<Vec<Line>, Error> {
        let mut runs: Vec<Vec<Run>> = self.scenario.senders.iter().map(|_| Vec::new()).collect();
        for _ in 0..rounds {
            for (sender, runs) in self.scenario.senders.iter().zip(&mut runs) {
                runs.push(self.send(*sender).await?);
            }
        }
        std::fs::remove_dir_all(&self.folder)?;
        let line = |(sender, runs): (&Sender, Vec<Run>)| {
            let all = |figure: &dyn Fn(&Run) -> f64| median(runs.iter().map(figure).collect());
            Line {
                sender: *sender,
                rate: all(&|run| run.messages / run.cost.wall),
                cpu_per_100k: all(&|run| run.cost.cpu / run.messages * 100_000.0),
                peak_mb: all(&|run| run.cost.peak_mb),
                bytes_per_message: runs
                    .first()
                    .and_then(|run| run.grown)
                    .map(|bytes| bytes / self.scenario.people as f64),
                connections: runs.iter().map(|run| run.connections).sum(),
            }
        };
        Ok(self.scenario.senders.iter().zip(runs).map(line).collect())
    }

    async fn send(&mut self, sender: Sender) -> Result<Run, Error> {
        let before = self.server.counts().await?;
        let (server, connections) = (self.server.at, self.scenario.connections);
        let mut grown = None;
        let (cost, messages) = match sender {
            Sender::Sqlite | Sender::Postgres { .. } => {
                let (url, workers) = match (sender, &self.postgres) {
                    (Sender::Postgres { workers }, Some(url)) => (url, workers),
                    _ => (&self.sqlite, 1),
                };
                let size = size_of(url, &self.smtp).await?;
                let sent = courier::send(url, &self.smtp, workers).await?;
                self.check(&sent)?;
                grown = Some((size_of(url, &self.smtp).await? - size) as f64);
                (sent.cost, self.scenario.people)
            }
            bare => {
                let end = measure::begin();
                let ready = if bare == Sender::LettrePool {
                    &self.few
                } else {
                    &self.ready
                };
                let done = match bare {
                    Sender::LettrePool => loops::lettre_pool(server, connections, ready, &self.from).await?,
                    Sender::Lettre => loops::lettre(server, connections, ready, &self.from).await?,
                    _ => loops::ours(&Account::parse(&self.smtp)?, ready, &self.from).await?,
                };
                let cost = end();
                if done != ready.len() {
                    return Err(format!("{done} of {} sent", ready.len()).into());
                }
                (cost, i64::try_from(done)?)
            }
        };
        let after = self.server.counts().await?;
        Ok(Run {
            cost,
            messages: messages as f64,
            grown,
            connections: after
                .zip(before)
                .map(|(after, before)| after.connections - before.connections),
        })
    }

    fn check(&self, sent: &Sent) -> Result<(), Error> {
        let refuses = matches!(
            self.scenario.server,
            Kind::Own {
                refuse_every: Some(_),
                ..
            }
        );
        let done = sent.accepted + if refuses { sent.failed } else { 0 };
        if done == self.scenario.people {
            Ok(())
        } else {
            Err(format!("{sent:?} of {}", self.scenario.people).into())
        }
    }
}

/// One sender, once.
struct Run {
    cost: Cost,
    messages: f64,
    /// Bytes the database grew by.
    grown: Option<f64>,
    connections: Option<u64>,
}

async fn size_of(url: &str, smtp: &str) -> Result<i64, Error> {
    let book = Book::open(url, smtp).await?;
    let size = book.size().await?;
    book.state.db.close().await;
    Ok(size)
}
