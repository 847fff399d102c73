//! What others would use for the same work, beside Loupe on PostgreSQL, in one run: `make
//! bench-peers`.
//!
//! The work: a table of customers; one durable row of status for each recipient; a message of about
//! 10 kB, text and HTML, with each person's own name and way out; SMTP; the row says that it was
//! sent. Each of the others is a small program in a folder beside this file. It is given the
//! address of a PostgreSQL in which `customers` is filled, the mail server's HOST:PORT and a file
//! with the message (see [`Message`]). It says `ready` once its own tables are there and empty,
//! waits for a line, queues and sends to everybody, says how many rows of its own are marked as
//! sent, and ends after another line.

mod programs;
mod proof;

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use programs::Program;

use crate::{
    Error,
    book::{self, Book},
    courier, databases,
    measure::{Cost, durable_writes_per_second, median},
    servers::{Kind, Server},
    table::{Section, Table, Target},
};

#[derive(Args, Clone, Debug)]
pub struct Plan {
    /// A PostgreSQL to make databases in
    #[arg(long)]
    postgres: String,
    /// Messages in a run of Loupe
    #[arg(long, default_value_t = 20_000)]
    people: i64,
    /// Messages in a run of the others
    #[arg(long, default_value_t = 4_000)]
    peer_people: i64,
    /// Runs, of which the median is shown
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Where files lie while it runs
    #[arg(long, default_value = "target/bench-peers")]
    folder: PathBuf,
    /// The path of Postfix's smtp-sink, for a second server
    #[arg(long)]
    smtp_sink: Option<String>,
    /// The Python that has django-post-office
    #[arg(long)]
    django: Option<PathBuf>,
    /// The script that has graphile-worker beside it
    #[arg(long)]
    graphile: Option<PathBuf>,
    /// The program built with apalis
    #[arg(long)]
    apalis: Option<PathBuf>,
}

/// What the others send. `{{first_name}}` and `{{unsubscribe_url}}` stand for each person's own.
#[derive(Debug, Serialize)]
struct Message {
    from: String,
    subject: String,
    text: String,
    html: String,
    /// The address of the way out, but for the person's token.
    unsubscribe: String,
}

/// Who sends.
#[derive(Debug)]
enum Sender {
    Loupe,
    /// `None` where it is not installed.
    Peer(Peer, Option<Program>),
}

#[derive(Clone, Copy, Debug)]
struct Peer {
    name: &'static str,
    /// How many times as fast Loupe is to be.
    aim: f64,
}

const DJANGO: Peer = Peer {
    name: "django-post-office, 2 processes, 8 threads",
    aim: 20.0,
};
const GRAPHILE: Peer = Peer {
    name: "graphile-worker + nodemailer, 32 at once",
    aim: 8.0,
};
const APALIS: Peer = Peer {
    name: "apalis + lettre, 64 at once",
    aim: 6.0,
};

const LOUPE: &str = "Loupe on PostgreSQL, 16 connections";

/// For the proof.
const FEW: i64 = 200;

impl Sender {
    fn name(&self) -> &'static str {
        match self {
            Sender::Loupe => LOUPE,
            Sender::Peer(peer, _) => peer.name,
        }
    }
}

/// A sender with its books: one for the measurement, one for the proof.
struct Place {
    sender: Sender,
    people: i64,
    book: databases::Own,
    few: databases::Own,
    /// Why it is not measured, or not any more.
    trouble: Option<String>,
}

/// Runs everybody in turn, and ends with one table.
pub async fn run(plan: &Plan) -> Result<(), Error> {
    let _none = std::fs::remove_dir_all(&plan.folder);
    std::fs::create_dir_all(&plan.folder)?;
    let file = write_message(&plan.folder).await?;
    let mut places = Vec::new();
    for sender in senders(plan, &file) {
        places.push(Place::prepare(plan, sender).await?);
    }
    for place in &mut places {
        if place.trouble.is_none() {
            eprintln!("proof of {} …", place.sender.name());
            let proved = proof::prove(&place.sender, &place.few.url, FEW).await;
            place.note(proved.map(|()| Vec::new()))?;
        }
    }
    let mut table = Table::default();
    if let Some(program) = &plan.smtp_sink {
        let server = Kind::SmtpSink(program.clone());
        table.add(measured(plan, "to Postfix's smtp-sink", &server, &mut places).await?);
    }
    table.add(measured(plan, "to our own sink", &Kind::Recipients, &mut places).await?);
    let about = about(&plan.postgres).await?;
    let commits = durable_writes_per_second(&plan.folder)?;
    for place in places {
        place.book.drop().await?;
        place.few.drop().await?;
    }
    std::fs::remove_dir_all(&plan.folder)?;
    println!("{table}");
    println!(
        "medians of {}; {} messages by Loupe, {} by each of the others; {about}",
        plan.rounds, plan.people, plan.peer_people
    );
    println!("the disk: {commits:.0} durable writes a second, one after another");
    println!(
        "from the order to send to the last row marked as sent; cpu is that of the sender alone, with its children"
    );
    println!(
        "before it was measured, each sent {FEW} to a sink that read them: one for each person, with their own name"
    );
    println!("our own sink checked each run: as many recipients as messages");
    Ok(())
}

fn senders(plan: &Plan, file: &Path) -> Vec<Sender> {
    let program = |words: &[&Path]| Program::new(words, file, &plan.folder);
    let django = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/bench/peers/django/peer.py"));
    vec![
        Sender::Loupe,
        Sender::Peer(DJANGO, plan.django.as_deref().map(|python| program(&[python, django]))),
        Sender::Peer(
            GRAPHILE,
            plan.graphile
                .as_deref()
                .map(|script| program(&[Path::new("node"), script])),
        ),
        Sender::Peer(APALIS, plan.apalis.as_deref().map(|path| program(&[path]))),
    ]
}

/// The message of the measurements, as a template anybody can fill in.
async fn write_message(folder: &Path) -> Result<PathBuf, Error> {
    let url = format!("sqlite://{}", folder.join("message.db").display());
    Book::fill(&url, 1).await?;
    let book = Book::open(&url, "smtp://127.0.0.1:1").await?;
    let rendered = book.rendered("{{first_name}}", "{{unsubscribe_url}}").await?;
    book.state.db.close().await;
    let message = Message {
        from: format!("Aurelia Sydney <{}>", book::FROM),
        subject: rendered.subject,
        text: rendered.text,
        html: rendered.html,
        unsubscribe: "http://127.0.0.1:3000/u/".to_owned(),
    };
    let path = std::path::absolute(folder.join("message.json"))?;
    std::fs::write(&path, serde_json::to_string(&message)?)?;
    Ok(path)
}

/// The server and what its commits promise.
async fn about(postgres: &str) -> Result<String, Error> {
    let pool = databases::postgres(postgres).await?;
    let settings: (String, String, String) = sqlx::query_as(
        "select current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit')",
    )
    .fetch_one(&pool)
    .await?;
    let (version, fsync, commit) = settings;
    Ok(format!(
        "PostgreSQL {version}, fsync {fsync}, synchronous_commit {commit}"
    ))
}

impl Place {
    async fn prepare(plan: &Plan, sender: Sender) -> Result<Self, Error> {
        let people = match sender {
            Sender::Loupe => plan.people,
            Sender::Peer(..) => plan.peer_people,
        };
        let (book, few) = (
            databases::Own::create(&plan.postgres).await?,
            databases::Own::create(&plan.postgres).await?,
        );
        Book::fill(&book.url, people).await?;
        Book::fill(&few.url, FEW).await?;
        let trouble = matches!(sender, Sender::Peer(_, None)).then(|| "not installed".to_owned());
        Ok(Self {
            sender,
            people,
            book,
            few,
            trouble,
        })
    }

    /// Keeps what came of it; trouble with one of the others does not stop the rest.
    fn note(&mut self, runs: Result<Vec<Cost>, Error>) -> Result<Vec<Cost>, Error> {
        match (runs, &self.sender) {
            (Ok(runs), _) => Ok(runs),
            (Err(error), Sender::Loupe) => Err(error),
            (Err(error), Sender::Peer(peer, _)) => {
                eprintln!("{}: {error}", peer.name);
                self.trouble = Some("failed".to_owned());
                Ok(Vec::new())
            }
        }
    }
}

/// Everybody in turn, to one kind of server.
async fn measured(plan: &Plan, heading: &str, server: &Kind, places: &mut [Place]) -> Result<Table, Error> {
    let mut runs: Vec<Vec<Cost>> = places.iter().map(|_| Vec::new()).collect();
    for round in 1..=plan.rounds {
        eprintln!("{heading}, {round} of {} …", plan.rounds);
        for (place, runs) in places.iter_mut().zip(&mut runs) {
            if place.trouble.is_none() {
                let cost = once(place, server).await;
                runs.extend(place.note(cost.map(|cost| vec![cost]))?);
            }
        }
    }
    Ok(table(heading, places, &runs))
}

/// One run, checked at the mail server where it can tell.
async fn once(place: &Place, kind: &Kind) -> Result<Cost, Error> {
    let mut server = Server::start(kind).await?;
    let (sent, cost) = match &place.sender {
        Sender::Loupe => {
            let smtp = format!("smtp://{}?connections=16", server.at);
            let sent = courier::send(&place.book.url, &smtp, 1).await?;
            (sent.accepted, sent.cost)
        }
        Sender::Peer(_, Some(program)) => program.send(&place.book.url, server.at).await?,
        Sender::Peer(_, None) => return Err("not installed".into()),
    };
    if sent != place.people {
        return Err(format!("{sent} of {} marked as sent", place.people).into());
    }
    if let Some(counted) = server.counts().await? {
        let (accepted, recipients) = (i64::try_from(counted.accepted)?, i64::try_from(counted.recipients)?);
        if (accepted, recipients) != (place.people, place.people) {
            return Err(format!("{accepted} messages for {recipients} of {}", place.people).into());
        }
    }
    Ok(cost)
}

fn table(heading: &str, places: &[Place], runs: &[Vec<Cost>]) -> Table {
    let rate = |place: &Place, runs: &[Cost]| {
        let all = runs.iter().map(|cost| place.people as f64 / cost.wall);
        median(all.collect())
    };
    let row = |(place, runs): (&Place, &Vec<Cost>), loupe: f64| {
        let figures = match &place.trouble {
            Some(words) => vec!["-".to_owned(), "-".to_owned(), words.clone()],
            None => {
                let cpu = runs.iter().map(|cost| cost.cpu / place.people as f64 * 100_000.0);
                let rate = rate(place, runs);
                vec![
                    format!("{rate:.0}"),
                    format!("{:.1}", median(cpu.collect())),
                    format!("{:.1} x", loupe / rate),
                ]
            }
        };
        (place.sender.name().to_owned(), figures)
    };
    let both = || places.iter().zip(runs);
    let loupe = both()
        .find(|(place, _)| matches!(place.sender, Sender::Loupe))
        .map_or(f64::NAN, |(place, runs)| rate(place, runs));
    let target = |(place, runs): (&Place, &Vec<Cost>)| match place.sender {
        Sender::Peer(peer, _) if place.trouble.is_none() => {
            let times = loupe / rate(place, runs);
            let (name, _) = peer.name.split_once(',')?;
            Some(Target {
                id: "D4",
                what: format!("Loupe / {name}, {heading}"),
                aim: format!(">= {:.0}", peer.aim),
                result: format!("{times:.1}"),
                is_met: times >= peer.aim,
            })
        }
        _ => None,
    };
    Table {
        sections: vec![Section {
            heading: heading.to_owned(),
            columns: vec!["msg/s", "cpu-s/100k", "Loupe is"],
            rows: both().map(|each| row(each, loupe)).collect(),
        }],
        targets: both().filter_map(target).collect(),
    }
}
