//! Measurements anyone can run: `make bench`. All figures of a table come from one run, side by
//! side; read the ratios, not the absolutes.

mod counts;
mod dispatch;
mod loops;
mod measure;
mod schedule;

#[path = "../tests/support/books.rs"]
mod books;
#[path = "../tests/support/sink/mod.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod sink;

use clap::{Parser, Subcommand};

/// Whatever stops a measurement.
pub type Error = Box<dyn std::error::Error>;

/// Measures Loupe on this machine.
#[derive(Debug, Parser)]
struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The exact count of an audience, by type of filter, in an empty database
    Counts {
        url: String,
        #[arg(default_value_t = 100_000)]
        people: u64,
        #[arg(default_value_t = 200)]
        rounds: usize,
    },
    /// One campaign over SMTP, beside bare loops
    Dispatch {
        #[arg(long, default_value_t = 20_000)]
        people: i64,
        #[arg(long, default_value_t = 16)]
        connections: usize,
        #[arg(long, default_value_t = 5)]
        rounds: usize,
        /// A PostgreSQL to make a schema in
        #[arg(long)]
        postgres: Option<String>,
        /// The path of Postfix's smtp-sink, for a second server
        #[arg(long)]
        smtp_sink: Option<String>,
    },
    /// How late planned campaigns begin, all due in the same second, in an empty database
    Schedule {
        url: String,
        #[arg(default_value_t = 1000)]
        campaigns: usize,
        /// Runners racing for them
        #[arg(default_value_t = 1)]
        runners: usize,
    },
    /// The mail server of these measurements, by itself
    Sink {
        /// Refuses every so-many-th recipient
        #[arg(long)]
        refuse_every: Option<u64>,
        /// Waits so many milliseconds before each answer: a distant server
        #[arg(long, default_value_t = 0)]
        delay_ms: u64,
    },
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    match Bench::parse().what {
        What::Counts { url, people, rounds } => counts::run(&url, people, rounds).await,
        What::Dispatch {
            people,
            connections,
            rounds,
            postgres,
            smtp_sink,
        } => {
            dispatch::run(&dispatch::Plan {
                people,
                connections,
                rounds,
                postgres,
                smtp_sink,
            })
            .await
        }
        What::Schedule {
            url,
            campaigns,
            runners,
        } => schedule::run(&url, campaigns, runners).await,
        What::Sink { refuse_every, delay_ms } => dispatch::serve_sink(refuse_every, delay_ms).await,
    }
}
