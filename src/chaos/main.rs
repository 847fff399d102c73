//! `loupe-chaos`: sends campaigns through a mail server that misbehaves, with processes that are
//! killed, stopped and starved, on both databases; then compares what the mail server has with
//! what the rows say. Ends with a table, one line, and exit code 1 if any promise was broken.

#![expect(
    clippy::expect_used,
    reason = "what is shared with the tests stops when it cannot go on"
)]

mod actions;
mod clock;
mod cluster;
mod deal;
mod disk;
mod faults;
mod harness;
mod kills;
mod oracle;
mod person;
mod plan;
mod proxy;
mod rng;
mod round;
mod rows_queries;
mod staff;
mod totals;
mod watch;
mod worker;

#[path = "../tests/support/people.rs"]
#[allow(dead_code, clippy::allow_attributes, reason = "a part of it is used here")]
mod people;
#[path = "../tests/support/sending.rs"]
#[allow(dead_code, clippy::allow_attributes, reason = "a part of it is used here")]
mod sending;
#[path = "../tests/support/sink/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    clippy::allow_attributes,
    reason = "a part of it is used here"
)]
mod sink;

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant, SystemTime},
};

use clap::{Parser, Subcommand, ValueEnum};
use loupe::{
    context::{AppState, Settings, settings::Given},
    db::{self, Backend},
    ids::StoreId,
    instance, stores,
    time::Clock,
};

use secrecy::ExposeSecret as _;

use cluster::Cluster;
use person::Person;
use totals::{Column, Totals};

/// Anything that keeps a round from being played.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Proves, or refutes, that nobody gets a message twice and nobody is lost.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Rounds on each database
    #[arg(long, default_value_t = 20)]
    rounds: u64,
    /// Begin no more rounds after this many seconds
    #[arg(long)]
    seconds: Option<u64>,
    /// The seed of the first round; the others count on from it
    #[arg(long)]
    seed: Option<u64>,
    /// Which database
    #[arg(long, value_enum, default_value_t = On::Both)]
    on: On,
    /// A PostgreSQL that is running already; it is not stopped and started then
    #[arg(long)]
    postgres: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum On {
    Sqlite,
    Postgres,
    Both,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Presses Send now on one campaign, and ends: for tests of what happens in between
    #[command(hide = true)]
    Press { url: String, campaign: i64 },
    /// Sends one form as an owner, and ends: for tests of what happens in between
    #[command(hide = true)]
    Form {
        path: String,
        fields: String,
        #[command(flatten)]
        given: Box<Given>,
    },
}

#[tokio::main]
async fn main() -> Result<ExitCode, Error> {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Command::Press { url, campaign }) => return press(&url, campaign).await,
        Some(Command::Form { path, fields, given }) => return form(&path, &fields, *given).await,
        None => {}
    }
    let begin = Instant::now();
    let seed = match arguments.seed {
        Some(seed) => seed,
        None => SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs() % 1_000_000_000,
    };
    let until = arguments.seconds.map(|seconds| begin + Duration::from_secs(seconds));
    let cluster = match (&arguments.on, &arguments.postgres) {
        (On::Sqlite, _) => None,
        (_, Some(url)) => Some(Cluster::Given { url: url.clone() }),
        (_, None) => Some(Cluster::start().await?),
    };
    let played = tokio::select! {
        both = on_both(&arguments, cluster.as_ref(), seed, until) => both.map(Some),
        () = told_to_stop() => Ok(None),
    };
    if let Some(cluster) = cluster {
        cluster.remove().await;
    }
    let Some((sqlite, postgres)) = played? else {
        return Ok(ExitCode::FAILURE);
    };
    let mut all = Totals::default();
    let mut columns = Vec::new();
    for (backend, totals) in [(Backend::Sqlite, sqlite), (Backend::Postgres, postgres)] {
        if let Some(totals) = totals {
            all.add(&totals);
            columns.push(Column {
                name: name_of(backend),
                dealt: plan::dealt(backend, arguments.can_stop(backend), seed, totals.rounds),
                totals,
            });
        }
    }
    println!("\n{}\n", totals::table(&columns));
    println!(
        "{} ({:.0} s, seed {seed})",
        totals::line(&all),
        begin.elapsed().as_secs_f64()
    );
    let idle = totals::idle(&all, &columns);
    for why in &idle {
        println!("Too idle to prove anything: {why}.");
    }
    Ok(if all.verdict.wrong.is_empty() && idle.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl Arguments {
    /// Whether the database is ours to stop.
    fn can_stop(&self, backend: Backend) -> bool {
        backend == Backend::Postgres && self.postgres.is_none()
    }
}

fn name_of(backend: Backend) -> &'static str {
    match backend {
        Backend::Sqlite => "SQLite",
        Backend::Postgres => "PostgreSQL",
    }
}

/// The rounds on each database that was asked for, at the same time.
async fn on_both(
    arguments: &Arguments,
    cluster: Option<&Cluster>,
    seed: u64,
    until: Option<Instant>,
) -> Result<(Option<Totals>, Option<Totals>), Error> {
    let sqlite = async {
        match arguments.on {
            On::Postgres => Ok(None),
            _ => rounds(None, seed, arguments.rounds, until).await.map(Some),
        }
    };
    let postgres = async {
        match cluster {
            None => Ok(None),
            some => rounds(some, seed, arguments.rounds, until).await.map(Some),
        }
    };
    tokio::try_join!(sqlite, postgres)
}

/// Whoever is interrupted leaves no PostgreSQL behind.
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

async fn rounds(cluster: Option<&Cluster>, seed: u64, rounds: u64, until: Option<Instant>) -> Result<Totals, Error> {
    let backend = if cluster.is_some() {
        Backend::Postgres
    } else {
        Backend::Sqlite
    };
    let name = name_of(backend);
    let mut all = Totals::default();
    for seed in seed..seed + rounds {
        if until.is_some_and(|until| Instant::now() > until) {
            break;
        }
        let folder = temporary("round")?;
        let begin = Instant::now();
        let played = Box::pin(round::play(backend, cluster, seed, &folder)).await;
        let totals = played.unwrap_or_else(|error| {
            let mut totals = Totals {
                rounds: 1,
                ..Totals::default()
            };
            totals.wrong(format!("the round could not be played: {error}"));
            totals
        });
        let v = &totals.verdict;
        println!(
            "{name} {seed}: {} messages, {} kills, {} unknown, {:.1} s{}",
            v.messages,
            totals.kills,
            v.unknown_after_crash + v.unknown_unanswered,
            begin.elapsed().as_secs_f64(),
            if v.wrong.is_empty() { "" } else { "  BROKEN" }
        );
        if v.wrong.is_empty() {
            std::fs::remove_dir_all(&folder)?;
        } else {
            for words in &v.wrong {
                println!("  {words}");
            }
            println!(
                "  again: --on {} --seed {seed} --rounds 1; its files: {}",
                match backend {
                    Backend::Sqlite => "sqlite",
                    Backend::Postgres => "postgres",
                },
                folder.display()
            );
        }
        all.add(&totals);
    }
    Ok(all)
}

async fn press(url: &str, campaign: i64) -> Result<ExitCode, Error> {
    let db = db::connect(url).await?;
    let store = stores::queries::find(&db, StoreId(1)).await?.ok_or("no store")?;
    harness::press(&db, &store, campaign).await?;
    Ok(ExitCode::SUCCESS)
}

async fn form(path: &str, fields: &str, given: Given) -> Result<ExitCode, Error> {
    let settings = Settings::resolve(given, None)?;
    let db = db::connect(settings.database_url.expose_secret()).await?;
    let state = AppState::new(db, Clock::System, settings);
    instance::settle(&state).await?;
    let answer = Person::sign_in(state, StoreId(1)).await?.press(path, fields).await?;
    println!("{} {} {}", answer.status, answer.location, answer.text);
    Ok(ExitCode::SUCCESS)
}

/// A new folder of our own.
pub fn temporary(what: &str) -> Result<PathBuf, Error> {
    let name = format!("loupe-chaos-{what}-{}", loupe::tokens::public());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir(&folder)?;
    Ok(folder)
}
