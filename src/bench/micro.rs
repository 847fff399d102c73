//! The small steps of one message.

use std::{hint::black_box, time::Instant};

use loupe::{
    channels::email::{Addressee, EmailAddress, smtp::write_content},
    sends::queries as sends,
};

use crate::{
    Error,
    book::{self, Book},
    measure::median,
    table::{Section, Table, Target},
};

const TIMES: u32 = 2_000;

/// Building one message of about 10 kB, and making it ready for the wire.
pub async fn run(folder: &std::path::Path, rounds: usize) -> Result<Table, Error> {
    let url = format!("sqlite://{}", folder.join("micro.db").display());
    Book::fill(&url, 1).await?;
    let book = Book::open(&url, "smtp://127.0.0.1:1").await?;
    let send_id = book.start().await?.send_id;
    let send = sends::find(&book.state.db, book.store.id, send_id)
        .await?
        .ok_or("no send")?;
    let from = EmailAddress::parse(book::FROM)?;
    let prepared = book::prepared(&send, &from)?;
    let to = EmailAddress::parse("priya@example.com")?;
    let addressee = Addressee {
        message_id: 1_234_567,
        installation: "bench",
        name: "Priya Nair",
        address: &to,
        date: book.state.clock.now(),
        person: book::person("Priya"),
    };
    let mut message = Vec::new();
    prepared.write(&addressee, &mut message)?;
    let mut out = Vec::with_capacity(2 * message.len());
    let built = microseconds(rounds, || {
        out.clear();
        let written = prepared.write(black_box(&addressee), &mut out).is_ok();
        black_box((&out, written));
    });
    let dotted = microseconds(rounds, || {
        out.clear();
        let written = write_content(black_box(&message), &mut out).is_ok();
        black_box((&out, written));
    });
    book.state.db.close().await;
    let row = |what: &str, took: f64| (what.to_owned(), vec![format!("{took:.2}")]);
    let section = Section {
        heading: format!("one message of {} bytes", message.len()),
        columns: vec!["us"],
        rows: vec![
            row("written: headers, names, text and HTML", built),
            row("dots doubled, line ends checked", dotted),
        ],
    };
    let target = |what: &str, aim: f64, took: f64| Target {
        id: "M1",
        what: what.to_owned(),
        aim: format!("<= {aim} us"),
        result: format!("{took:.2}"),
        is_met: took <= aim,
    };
    Ok(Table {
        sections: vec![section],
        targets: vec![
            target("one message written", 2.0, built),
            target("made ready for the wire", 1.0, dotted),
        ],
    })
}

fn microseconds(rounds: usize, mut work: impl FnMut()) -> f64 {
    let round = |_| {
        let begin = Instant::now();
        for _ in 0..TIMES {
            work();
        }
        begin.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES)
    };
    median((0..rounds).map(round).collect())
}
