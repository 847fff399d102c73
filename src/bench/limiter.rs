//! Whether the rate of a mail account holds, with one program and with two: measured at the mail
//! server.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use loupe::{dispatch, sends::queries as sends};

use crate::{
    Error,
    book::Book,
    databases::schema,
    sink::{self, Sink},
    table::{Section, Table, Target},
};

const RATES: [i64; 3] = [14, 80, 1000];

/// What the mail server saw.
struct Seen {
    /// Messages a second, from the first to the last.
    rate: f64,
    /// Most messages within any one second.
    fullest: usize,
}

/// Sends for so many seconds at each rate.
pub async fn run(folder: &Path, postgres: Option<&str>, seconds: i64) -> Result<Table, Error> {
    let (mut rows, mut off, mut over) = (Vec::new(), 0.0_f64, 0);
    for rate in RATES {
        eprintln!("the limit of {rate} a second …");
        let file = format!("sqlite://{}", folder.join(format!("limiter-{rate}.db")).display());
        let mut places = vec![("SQLite, one program", file, 1)];
        if let Some(url) = postgres {
            places.push(("PostgreSQL, one program", schema(url).await?, 1));
            places.push(("PostgreSQL, two programs", schema(url).await?, 2));
        }
        for (what, url, programs) in places {
            let seen = measure(&url, programs, rate, seconds).await?;
            let by = (seen.rate / rate as f64 - 1.0) * 100.0;
            off = off.max(by.abs());
            over = over.max(i64::try_from(seen.fullest)? - rate);
            let figures = vec![
                rate.to_string(),
                format!("{:.2}", seen.rate),
                format!("{by:.2} %"),
                seen.fullest.to_string(),
            ];
            rows.push((what.to_owned(), figures));
        }
    }
    let target = |what: &str, aim: &str, result: String, is_met| Target {
        id: "L1",
        what: what.to_owned(),
        aim: aim.to_owned(),
        result,
        is_met,
    };
    Ok(Table {
        sections: vec![Section {
            heading: format!("the rate of a mail account at the mail server, {seconds} s"),
            columns: vec!["asked/s", "msg/s", "off by", "fullest s"],
            rows,
        }],
        targets: vec![
            target("the rate, off by at most", "<= 2 %", format!("{off:.2} %"), off <= 2.0),
            // As they arrive: a message may be held up on its way, up to the next one.
            target(
                "messages over the rate in any one second",
                "<= 1",
                over.to_string(),
                over <= 1,
            ),
        ],
    })
}

async fn measure(url: &str, programs: usize, rate: i64, seconds: i64) -> Result<Seen, Error> {
    let sink = Sink::start(sink::Settings::default()).await?;
    let smtp = format!("{}?connections=8&rate={rate}", sink.url());
    let people = rate * seconds;
    Book::fill(url, people).await?;
    // Else the disk would still be busy with that.
    tokio::process::Command::new("sync").status().await?;
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
    let times = sink.arrivals();
    if times.len() != usize::try_from(people)? {
        return Err(format!("{} of {people} arrived", times.len()).into());
    }
    let rate = rate_of(&times).ok_or("too few messages")?;
    Ok(Seen {
        rate,
        fullest: sink.fullest_second(),
    })
}

/// Messages a second, from the first to the last.
fn rate_of(times: &[Instant]) -> Option<f64> {
    let gaps = u32::try_from(times.len().checked_sub(1)?).ok()?;
    Some(f64::from(gaps) / (*times.last()? - *times.first()?).as_secs_f64())
}
