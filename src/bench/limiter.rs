//! Whether the rate of a mail account holds, with one program and with two: measured at the mail
//! server.

use std::time::{Duration, Instant};

use loupe::{dispatch, sends::store as sends};
use tokio_util::sync::CancellationToken;

use crate::{
    Error,
    book::Book,
    databases::schema,
    sink::{self, Sink},
};

const RATES: [i64; 3] = [14, 80, 1000];

/// What the mail server saw.
struct Seen {
    /// Messages a second, from the first to the last.
    rate: f64,
    /// Most messages within any one second.
    fullest: usize,
}

/// Sends for so many seconds at each rate and prints what came of it.
pub async fn run(postgres: Option<&str>, seconds: i64) -> Result<(), Error> {
    println!("{seconds} seconds each; measured at the mail server");
    println!(
        "{:<30} {:>8} {:>10} {:>8} {:>15}",
        "", "asked/s", "msg/s", "off by", "fullest second"
    );
    for rate in RATES {
        let folder = std::env::temp_dir().join(format!("loupe-limiter-{}-{rate}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let file = format!("sqlite://{}", folder.join("limiter.db").display());
        line("SQLite, one program", rate, &measure(&file, 1, rate, seconds).await?);
        std::fs::remove_dir_all(&folder)?;
        if let Some(url) = postgres {
            line(
                "PostgreSQL, one program",
                rate,
                &measure(&schema(url).await?, 1, rate, seconds).await?,
            );
            line(
                "PostgreSQL, two programs",
                rate,
                &measure(&schema(url).await?, 2, rate, seconds).await?,
            );
        }
    }
    Ok(())
}

fn line(what: &str, asked: i64, seen: &Seen) {
    let asked = asked as f64;
    println!(
        "{what:<30} {asked:>8.0} {:>10.2} {:>7.2}% {:>15}",
        seen.rate,
        (seen.rate / asked - 1.0) * 100.0,
        seen.fullest
    );
}

async fn measure(url: &str, programs: usize, rate: i64, seconds: i64) -> Result<Seen, Error> {
    let sink = Sink::start(sink::Settings::default()).await?;
    let smtp = format!("{}?connections=8&rate={rate}", sink.url());
    let people = rate * seconds;
    Book::fill(url, people).await?;
    let book = Book::open(url, &smtp).await?;
    let begun = book.start().await?;
    let stop = CancellationToken::new();
    let mut tasks = vec![tokio::spawn(dispatch::run(book.state.clone(), stop.clone()))];
    for _ in 1..programs {
        let another = Book::open(url, &smtp).await?;
        tasks.push(tokio::spawn(dispatch::run(another.state, stop.clone())));
    }
    while sends::find(&book.state.db, book.store.id, begun.send_id)
        .await?
        .ok_or("no send")?
        .state
        .is_open()
    {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop.cancel();
    for task in tasks {
        task.await?;
    }
    let times: Vec<Instant> = sink.received().iter().map(|message| message.at).collect();
    if times.len() != usize::try_from(people)? {
        return Err(format!("{} of {people} arrived", times.len()).into());
    }
    seen(times).ok_or_else(|| "too few messages".into())
}

fn seen(mut times: Vec<Instant>) -> Option<Seen> {
    times.sort_unstable();
    let (first, last) = (*times.first()?, *times.last()?);
    let mut fullest = 0;
    let mut from = times.iter().copied().enumerate().peekable();
    for (at, time) in times.iter().enumerate() {
        while from
            .next_if(|(_, begin)| *time - *begin >= Duration::from_secs(1))
            .is_some()
        {}
        let begin = from.peek().map_or(at, |(begin, _)| *begin);
        fullest = fullest.max(at + 1 - begin);
    }
    let gaps = u32::try_from(times.len() - 1).ok()?;
    Some(Seen {
        rate: f64::from(gaps) / (last - first).as_secs_f64(),
        fullest,
    })
}
