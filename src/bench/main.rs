//! Measurements anyone can run: `make bench`. All figures of the table come from one run, side by
//! side; read the ratios, not the absolutes.

mod asking;
mod book;
mod counts;
mod courier;
mod crowd;
mod databases;
mod dispatch;
mod import;
mod limiter;
mod look;
mod loops;
mod measure;
mod micro;
mod million;
mod peers;
mod schedule;
mod servers;
mod table;

#[path = "../tests/support/books.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod books;
#[path = "../tests/support/files.rs"]
mod files;
#[path = "../tests/support/sink/mod.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod sink;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use table::{Section, Table};

/// Seconds of sending at each rate of a mail account.
const LIMITED_SECONDS: i64 = 6;

/// Runs of messages that go out while audiences are counted.
const MEANWHILE: i64 = 10;

/// Whatever stops a measurement.
pub type Error = Box<dyn std::error::Error>;

/// Measures Loupe on this machine, and ends with one table.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Bench {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    all: All,
}

#[derive(Args, Debug)]
struct All {
    /// Messages in a run
    #[arg(long, default_value_t = 20_000)]
    people: i64,
    /// Runs, of which the median is shown
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Where the SQLite files lie: on the disk that is to be measured
    #[arg(long, default_value = "target/bench")]
    folder: PathBuf,
    /// A PostgreSQL to make schemas in
    #[arg(long)]
    postgres: Option<String>,
    /// The path of Postfix's smtp-sink, for a second server
    #[arg(long)]
    smtp_sink: Option<String>,
    /// People of the book that is counted
    #[arg(long, default_value_t = 1_000_000)]
    book: u64,
    /// People of the one great campaign
    #[arg(long, default_value_t = 1_000_000)]
    million: i64,
    /// Only these parts
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The small steps of one message
    Message,
    /// Loupe beside bare loops, near and far, and with refusals
    Sending,
    /// Whether the rate of a mail account holds
    Limiter,
    /// Counts of audiences, idle and while sending; everybody written at send
    Counts,
    /// One campaign to very many
    Million,
}

#[derive(Debug, Subcommand)]
enum What {
    /// A file of customers into an empty book, and once more
    Import {
        #[arg(long, default_value_t = 100_000)]
        rows: u32,
        /// A PostgreSQL to make a schema in
        #[arg(long)]
        postgres: Option<String>,
    },
    /// What others would use for the same work, beside Loupe on PostgreSQL
    Peers(peers::Plan),
    /// How late planned campaigns begin, all due in the same second, in an empty database
    Schedule {
        url: String,
        #[arg(default_value_t = 1000)]
        campaigns: usize,
        /// Schedulers racing for them
        #[arg(default_value_t = 1)]
        schedulers: usize,
    },
    /// The mail server of these measurements, by itself
    Sink {
        /// Refuses every so-many-th recipient
        #[arg(long)]
        refuse_every: Option<u64>,
        /// Waits so many milliseconds before each answer: a distant server
        #[arg(long, default_value_t = 0)]
        delay_ms: u64,
        /// Remembers who got something
        #[arg(long)]
        recipients: bool,
    },
    /// Writes a store with so many customers into an empty database
    Fill { database: String, people: i64 },
    /// Sends one campaign when told to
    #[command(hide = true)]
    Courier {
        database: String,
        smtp: String,
        #[arg(long)]
        look: bool,
        #[arg(long)]
        count: bool,
    },
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let Bench { what, all } = Bench::parse();
    match what {
        None => everything(&all).await,
        Some(What::Import { rows, postgres }) => import::run(rows, postgres.as_deref()).await,
        Some(What::Peers(plan)) => peers::run(&plan).await,
        Some(What::Schedule {
            url,
            campaigns,
            schedulers,
        }) => schedule::run(&url, campaigns, schedulers).await,
        Some(What::Sink {
            refuse_every,
            delay_ms,
            recipients,
        }) => servers::serve(refuse_every, delay_ms, recipients).await,
        Some(What::Fill { database, people }) => book::Book::fill(&database, people).await,
        Some(What::Courier {
            database,
            smtp,
            look,
            count,
        }) => courier::run(&database, &smtp, look, count).await,
    }
}

async fn everything(all: &All) -> Result<(), Error> {
    // Nothing of an earlier run.
    let _none = std::fs::remove_dir_all(&all.folder);
    std::fs::create_dir_all(&all.folder)?;
    let mut table = Table::default();
    // Each part is shown when it is done too: a run that is broken off has not been for nothing.
    let mut found = |part: Table| {
        eprintln!("{part}");
        table.add(part);
    };
    let is_wanted = |part| all.only.is_empty() || all.only.contains(&part);
    let postgres = all.postgres.as_deref();
    if is_wanted(Part::Message) {
        found(micro::run(&all.folder, all.rounds).await?);
    }
    if is_wanted(Part::Sending) {
        let commits = measure::durable_writes_per_second(&all.folder)?;
        let plan = dispatch::Plan {
            people: all.people,
            rounds: all.rounds,
            folder: all.folder.clone(),
            postgres: all.postgres.clone(),
            smtp_sink: all.smtp_sink.clone(),
        };
        let mut sending = dispatch::run(&plan).await?;
        sending.sections.push(disk(commits));
        found(sending);
    }
    if is_wanted(Part::Limiter) {
        found(limiter::run(&all.folder, postgres, LIMITED_SECONDS).await?);
    }
    if is_wanted(Part::Counts) {
        let plan = counts::Plan {
            people: all.book,
            meanwhile: MEANWHILE * all.people,
            rounds: all.rounds,
            folder: all.folder.clone(),
        };
        found(counts::on_sqlite(&plan).await?);
        if let Some(url) = postgres {
            found(counts::on_postgres(&plan, url).await?);
        }
    }
    if is_wanted(Part::Million) {
        found(million::run(&all.folder, all.million).await?);
    }
    std::fs::remove_dir_all(&all.folder)?;
    println!("{table}");
    println!(
        "medians of {}; cpu and memory are those of the sender alone: the mail server and PostgreSQL are other processes",
        all.rounds
    );
    Ok(())
}

/// The mark before each message has to be durable: a bound of its own on slow disks.
fn disk(commits: f64) -> Section {
    let row = |what: &str, figure: f64| (what.to_owned(), vec![format!("{figure:.0}")]);
    Section {
        heading: "the disk".to_owned(),
        columns: vec!["/s"],
        rows: vec![
            row("durable writes, one after another", commits),
            row("messages they allow over 16 connections", 2.0 * 16.0 * commits),
        ],
    }
}
