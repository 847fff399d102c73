//! A process of its own that sends one message to a whole book: its time, processor and memory
//! are those of Loupe and of nothing else.
//!
//! It says `ready`, waits for a line, and begins: `press` presses Send now and says the number of
//! the send; a number joins in sending that one. At the end it says what it took.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines, Stdin},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use tokio_util::sync::CancellationToken;

use loupe::{dispatch, messages, sends};

use crate::{
    Error,
    asking::{Answer, Asker},
    book::Book,
    look::{Look, Onlooker},
    measure::{self, Cost},
};

/// What came of it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Sent {
    pub cost: Cost,
    pub accepted: i64,
    pub failed: i64,
    /// From Send now to the first message that may go out, in seconds.
    pub expansion: f64,
    /// From its end until every customer says when they were written to, in seconds; part of the cost.
    pub noting: f64,
    pub looks: Vec<Look>,
    pub answers: Vec<Answer>,
}

/// Runs as the courier. With `look`, somebody looks at the campaign's page all the while; with
/// `count`, somebody counts the people of another store.
pub async fn run(database: &str, smtp: &str, look: bool, count: bool) -> Result<(), Error> {
    let book = Book::open(database, smtp).await?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    println!("ready");
    let order = next(&mut lines).await?;
    let end = measure::begin();
    let begin = Instant::now();
    let (campaign_id, send_id) = match order.as_str() {
        "press" => {
            let begun = book.start().await?;
            (Some(begun.campaign_id), begun.send_id)
        }
        number => (None, number.parse()?),
    };
    let expansion = begin.elapsed().as_secs_f64();
    println!("{send_id}");
    let onlooker = match campaign_id.filter(|_| look) {
        Some(campaign) => Some(Onlooker::begin(&book, campaign, send_id).await?),
        None => None,
    };
    let asking = match count {
        true => Some(Asker::open(&book.state.db).await?.keep_asking()),
        false => None,
    };
    let stop = CancellationToken::new();
    let task = tokio::spawn(dispatch::run(book.state.clone(), stop.clone()));
    while is_open(&book, send_id).await? {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let ended = Instant::now();
    if campaign_id.is_some() {
        // As the scheduler does.
        while sends::contacts::go_on(&book.state.db).await? {}
    }
    let noting = ended.elapsed().as_secs_f64();
    let cost = end();
    stop.cancel();
    task.await?;
    let tally = messages::tallies::of_send(&book.state.db, book.store.id, send_id).await?;
    let sent = Sent {
        cost,
        accepted: tally.sent,
        failed: tally.failed,
        expansion,
        noting,
        looks: match onlooker {
            Some(onlooker) => onlooker.end().await?,
            None => Vec::new(),
        },
        answers: match asking {
            Some(asking) => asking.end().await?,
            None => Vec::new(),
        },
    };
    println!("{}", serde_json::to_string(&sent)?);
    Ok(())
}

async fn next(lines: &mut Lines<BufReader<Stdin>>) -> Result<String, Error> {
    Ok(lines.next_line().await?.ok_or("nobody says anything")?)
}

async fn is_open(book: &Book, send_id: i64) -> Result<bool, Error> {
    let send = sends::queries::find(&book.state.db, book.store.id, send_id).await?;
    Ok(send.ok_or("no send")?.state.is_open())
}

/// A courier as its employer sees it; it ends when dropped.
#[derive(Debug)]
struct Courier {
    ask: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Courier {
    async fn hire(database: &str, smtp: &str, company: Option<&str>) -> Result<Self, Error> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["courier", database, smtp])
            .args(company)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let ask = child.stdin.take().ok_or("no input")?;
        let answers = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let mut courier = Self {
            ask,
            answers,
            _child: child,
        };
        courier.hear().await?;
        Ok(courier)
    }

    async fn tell(&mut self, order: &str) -> Result<(), Error> {
        Ok(self.ask.write_all(format!("{order}\n").as_bytes()).await?)
    }

    async fn hear(&mut self) -> Result<String, Error> {
        Ok(self.answers.next_line().await?.ok_or("the courier is gone")?)
    }
}

/// Sends to a whole book with one courier, and somebody looking on.
pub async fn send_watched(database: &str, smtp: &str) -> Result<Sent, Error> {
    send_in_company(database, smtp, "--look").await
}

/// Sends to a whole book with one courier, and somebody counting.
pub async fn send_counting(database: &str, smtp: &str) -> Result<Sent, Error> {
    send_in_company(database, smtp, "--count").await
}

async fn send_in_company(database: &str, smtp: &str, company: &str) -> Result<Sent, Error> {
    let mut courier = Courier::hire(database, smtp, Some(company)).await?;
    courier.tell("press").await?;
    courier.hear().await?;
    Ok(serde_json::from_str(&courier.hear().await?)?)
}

/// Sends to a whole book with so many couriers. The time is that of the one who pressed; processor
/// time and memory are those of all of them.
pub async fn send(database: &str, smtp: &str, couriers: usize) -> Result<Sent, Error> {
    let mut first = Courier::hire(database, smtp, None).await?;
    let mut others = Vec::new();
    for _ in 1..couriers {
        others.push(Courier::hire(database, smtp, None).await?);
    }
    first.tell("press").await?;
    let send_id = first.hear().await?;
    for other in &mut others {
        other.tell(&send_id).await?;
    }
    let mut sent: Sent = serde_json::from_str(&first.hear().await?)?;
    for mut other in others {
        // The number again, then what it took.
        other.hear().await?;
        let theirs: Sent = serde_json::from_str(&other.hear().await?)?;
        sent.cost.cpu += theirs.cost.cpu;
        sent.cost.peak_mb += theirs.cost.peak_mb;
    }
    Ok(sent)
}
