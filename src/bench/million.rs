//! One campaign to very many: whether the last hundred thousand go as fast as the first, in as
//! much memory, with a page that stays quick.

use std::{path::Path, time::Instant};

use crate::{
    Error,
    book::Book,
    courier, look,
    measure::at,
    servers::{Kind, Server},
    table::{Section, Table, Target},
};

/// The first and the last so many are compared.
const PART: i64 = 100_000;

/// Sends one campaign to `people` on SQLite, to our own sink.
pub async fn run(folder: &Path, people: i64) -> Result<Table, Error> {
    eprintln!("one campaign to {people} …");
    let part = PART.min(people / 4);
    let mut server = Server::start(&Kind::Own {
        delay_ms: 0,
        refuse_every: None,
    })
    .await?;
    let file = folder.join("million.db");
    let url = format!("sqlite://{}", file.display());
    let smtp = format!("smtp://{}?connections=16", server.at);
    Book::fill(&url, people).await?;
    let courier = tokio::spawn(async move {
        courier::send_watched(&url, &smtp)
            .await
            .map_err(|error| error.to_string())
    });
    // When so many had arrived.
    let mut arrived = vec![(Instant::now(), 0)];
    while !courier.is_finished() {
        if let Some(counted) = server.counts().await? {
            arrived.push((Instant::now(), i64::try_from(counted.accepted)?));
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let sent = courier.await??;
    if sent.accepted != people {
        return Err(format!("{} of {people} accepted", sent.accepted).into());
    }
    let begin = arrived.iter().rfind(|(_, n)| *n == 0).ok_or("nothing came")?.0;
    let when = |n: i64| {
        arrived
            .iter()
            .find(|(_, arrived)| *arrived >= n)
            .map_or(begin, |(at, _)| *at)
    };
    let rate = |from: i64, to: i64| {
        let start = if from == 0 { begin } else { when(from) };
        (to - from) as f64 / (when(to) - start).as_secs_f64()
    };
    let (first, last) = (rate(0, part), rate(people - part, people));
    let pages = sorted(&sent.looks, |look| look.page);
    let asks = sorted(&sent.looks, |look| look.progress);
    let early = sent.looks.get(sent.looks.len() / 5).map_or(0.0, |l| l.resident_mb);
    let late = sent.looks.last().map_or(0.0, |l| l.resident_mb);
    let line = |what: &str, figure: String| (what.to_owned(), vec![figure]);
    let section = Section {
        heading: format!("one campaign to {people} on SQLite, to our own sink, somebody looking on"),
        columns: vec![],
        rows: vec![
            line("seconds, from Send now to sent", format!("{:.1}", sent.cost.wall)),
            line("  of these, everybody's row written", format!("{:.2}", sent.expansion)),
            line(
                "  of these, noted when everybody was written to",
                format!("{:.2}", sent.noting),
            ),
            line("messages a second", format!("{:.0}", people as f64 / sent.cost.wall)),
            line(&format!("  the first {part}"), format!("{first:.0}")),
            line(&format!("  the last {part}"), format!("{last:.0}")),
            line("processor seconds", format!("{:.1}", sent.cost.cpu)),
            line(
                "peak MB (8 of them for each connection's pages)",
                format!("{:.0}", sent.cost.peak_mb),
            ),
            line("  MB at a fifth of the way", format!("{early:.0}")),
            line("  MB at the end", format!("{late:.0}")),
            line("the campaign's page, ms: median", format!("{:.1}", at(&pages, 50))),
            line("  slowest", format!("{:.1}", at(&pages, 100))),
            line("its progress, ms: median", format!("{:.1}", at(&asks, 50))),
            line("  slowest", format!("{:.1}", at(&asks, 100))),
            line("looks", sent.looks.len().to_string()),
            line(
                "MB of database",
                format!("{:.0}", std::fs::metadata(&file)?.len() as f64 / 1e6),
            ),
        ],
    };
    let seconds = 40.0 * people as f64 / 1e6;
    let target = |what: &str, aim: String, result: String, is_met: bool| Target {
        id: "D7",
        what: what.to_owned(),
        aim,
        result,
        is_met,
    };
    let slowest = at(&pages, 100);
    Ok(Table {
        sections: vec![section],
        targets: vec![
            target(
                &format!("{people} messages, seconds"),
                format!("<= {seconds:.0}"),
                format!("{:.1}", sent.cost.wall),
                sent.cost.wall <= seconds,
            ),
            target(
                "peak memory, MB",
                "<= 200".to_owned(),
                format!("{:.0}", sent.cost.peak_mb),
                sent.cost.peak_mb <= 200.0,
            ),
            target(
                "memory at the end / at a fifth of the way",
                "<= 1.10".to_owned(),
                format!("{:.2}", late / early),
                late <= 1.10 * early,
            ),
            target(
                "rate of the last part / of the first",
                ">= 0.90".to_owned(),
                format!("{:.2}", last / first),
                last / first >= 0.9,
            ),
            target(
                "slowest page, ms",
                "<= 100".to_owned(),
                format!("{slowest:.0}"),
                slowest <= 100.0,
            ),
        ],
    })
}

fn sorted(looks: &[look::Look], figure: impl Fn(&look::Look) -> f64) -> Vec<f64> {
    let mut all: Vec<f64> = looks.iter().map(figure).collect();
    all.sort_by(f64::total_cmp);
    all
}
