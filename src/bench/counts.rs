//! How long the count of an audience takes by type of filter, with nothing else going on and while
//! messages go out; and writing everybody down at send.

use std::{path::PathBuf, time::Instant};

use loupe::{
    db::{self, Backend, Db},
    on_tx,
    recipients::model::RecipientFilter,
    sends::{self, model::SendKind, queries::NewSend},
    time::Clock,
};

use crate::{
    Error,
    asking::{Answer, Asker, Kind},
    book::Book,
    courier::{self, Sent},
    databases,
    measure::{at, median},
    servers::{self, Server},
    table::{Section, Table, Target},
};

/// What is measured.
#[derive(Clone, Debug)]
pub struct Plan {
    pub people: u64,
    /// Messages that go out meanwhile, from another store of the same database.
    pub meanwhile: i64,
    /// How often every question is asked, and everybody written into a send.
    pub rounds: usize,
    /// For SQLite: on the disk that is to be measured.
    pub folder: PathBuf,
}

/// In a file of the plan's folder.
pub async fn on_sqlite(plan: &Plan) -> Result<Table, Error> {
    let file = plan.folder.join("counts.db");
    on(&format!("sqlite://{}", file.display()), plan).await
}

/// In a schema of the PostgreSQL at `url`.
pub async fn on_postgres(plan: &Plan, url: &str) -> Result<Table, Error> {
    let own = databases::Own::create(url).await?;
    let table = on(&own.url, plan).await?;
    own.drop().await?;
    Ok(table)
}

async fn on(url: &str, plan: &Plan) -> Result<Table, Error> {
    let db = db::connect(url).await?;
    db::migrate(&db).await?;
    let name = name(&db);
    eprintln!("counts at {} on {name} …", plan.people);
    Asker::fill(&db, plan.people).await?;
    // A neighbour who sends; a store is never the whole table.
    Book::fill(url, plan.meanwhile).await?;
    db.close().await;
    // Opened afresh, it knows the statistics that were made last.
    let db = db::connect(url).await?;
    let mut asker = Asker::open(&db).await?;
    let mut idle = Vec::new();
    for round in 0..plan.rounds {
        for number in 0..asker.questions() {
            // One of each kind is checked.
            let check = round == 0 && number < Kind::ALL.len();
            idle.push(asker.ask(check).await?);
        }
    }
    let mut segments = Vec::new();
    let mut expansions = Vec::new();
    for _ in 0..plan.rounds {
        segments.push(asker.all_segments().await?);
        expansions.push(expanded(&asker, plan.people).await?);
    }
    db.close().await;
    let server = Server::start(&servers::Kind::Own {
        delay_ms: 0,
        refuse_every: None,
    })
    .await?;
    let smtp = format!("smtp://{}?connections=16", server.at);
    let sent = courier::send_counting(url, &smtp).await?;
    if sent.accepted != plan.meanwhile {
        return Err(format!("{} of {} sent meanwhile", sent.accepted, plan.meanwhile).into());
    }

    let mut quiet = section(format!("counts at {} on {name}, ms", plan.people), &idle);
    quiet
        .rows
        .push(("all segments at once".to_owned(), vec![ms(median(segments))]));
    let expansion = median(expansions);
    Ok(Table {
        sections: vec![
            quiet,
            section(busy(&sent, plan.meanwhile), &sent.answers),
            Section {
                heading: format!("all of {} written at send, on {name}", plan.people),
                columns: vec!["s"],
                rows: vec![("one transaction, durable".to_owned(), vec![format!("{expansion:.2}")])],
            },
        ],
        targets: targets(&db, &idle, &sent.answers, expansion, plan.people as f64 / 1e6),
    })
}

fn name(db: &Db) -> &'static str {
    match db.backend() {
        Backend::Sqlite => "SQLite",
        Backend::Postgres => "PostgreSQL",
    }
}

fn busy(sent: &Sent, messages: i64) -> String {
    let rate = messages as f64 / sent.cost.wall;
    format!("  while {messages} go out, {rate:.0}/s")
}

/// Milliseconds: exact median, the time 95 of 100 do not exceed, and the plain median.
fn section(heading: String, answers: &[Answer]) -> Section {
    let row = |kind: Kind| {
        let exact = of(answers, kind, |a| a.exact);
        let figures = vec![
            ms(at(&exact, 50)),
            ms(at(&exact, 95)),
            ms(at(&of(answers, kind, |a| a.plain), 50)),
            exact.len().to_string(),
        ];
        (kind.name().to_owned(), figures)
    };
    Section {
        heading,
        columns: vec!["exact p50", "exact p95", "plain p50", "times"],
        rows: Kind::ALL.map(row).into(),
    }
}

/// One figure of all answers of a kind, sorted.
fn of(answers: &[Answer], kind: Kind, figure: impl Fn(&Answer) -> f64) -> Vec<f64> {
    let mut all: Vec<f64> = answers.iter().filter(|a| a.kind == kind).map(figure).collect();
    all.sort_by(f64::total_cmp);
    all
}

fn ms(time: f64) -> String {
    format!("{time:.1}")
}

/// They are for a million; `millions` is the share of it that was measured.
fn targets(db: &Db, idle: &[Answer], sending: &[Answer], expansion: f64, millions: f64) -> Vec<Target> {
    let name = name(db);
    let (aims, most) = match db.backend() {
        Backend::Sqlite => ([15.0, 5.0, 80.0], 1.5),
        Backend::Postgres => ([50.0, 10.0, 150.0], 6.0),
    };
    let target = |id, what: String, most: f64, result: f64, unit: &str| Target {
        id,
        what,
        aim: format!("<= {most:.1}{unit}"),
        result: format!("{result:.1}{unit}"),
        is_met: result <= most,
    };
    let plain = |answers: &[Answer], kind| at(&of(answers, kind, |a| a.plain), 50);
    let mut targets: Vec<Target> = Kind::ALL
        .into_iter()
        .zip(aims)
        .map(|(kind, aim)| {
            let what = format!("{name}: plain count of {}", kind.name());
            target("C1", what, aim * millions, plain(idle, kind), " ms")
        })
        .collect();
    for (kind, _) in Kind::ALL.into_iter().zip(aims) {
        let times = median(slow_downs(idle, sending, kind));
        let what = format!("{name}: {} while sending / idle", kind.name());
        targets.push(target("C2", what, 3.0, times, " x"));
    }
    let what = format!("{name}: everybody written at send");
    targets.push(target("E1", what, most * millions, expansion, " s"));
    targets
}

/// How much longer each question of a kind takes while sending: one by one, because one segment takes
/// ten times as long as another, and some are asked once more than others.
fn slow_downs(idle: &[Answer], sending: &[Answer], kind: Kind) -> Vec<f64> {
    let plain = |answers: &[Answer], question| {
        let asked = answers.iter().filter(|a| a.kind == kind && a.question == question);
        median(asked.map(|a| a.plain).collect())
    };
    let mut questions: Vec<usize> = sending.iter().filter(|a| a.kind == kind).map(|a| a.question).collect();
    questions.sort_unstable();
    questions.dedup();
    questions
        .into_iter()
        .map(|question| plain(sending, question) / plain(idle, question))
        .collect()
}

/// Seconds for writing everybody into a send, durably. It is cleared away again.
async fn expanded(asker: &Asker, people: u64) -> Result<f64, Error> {
    let (db, scope, now) = (&asker.db, asker.scope(), Clock::System.now());
    let token = loupe::tokens::public();
    let new = NewSend {
        store: scope.store,
        campaign: None,
        of_send: None,
        kind: SendKind::Bulk,
        token: &token,
        label: "Bench",
        subject: "Hello",
        body: "Hello",
        fallbacks: "{}",
        filter: "{}",
        audience_words: "All customers",
        from_name: "Aurelia",
        from_email: "hello@aurelia.example.com",
        reply_to: None,
        store_name: "Aurelia",
        footer: "Sydney",
        signature: "Priya",
        hold_until: now,
        shown_count: None,
        started_by: "Bench",
        started_at: now,
        scheduled: None,
    };
    let started = Instant::now();
    let mut tx = db.begin().await?;
    let send = sends::queries::insert(&mut tx, &new)
        .await?
        .ok_or("a send with this token exists")?;
    let written = loupe::messages::queries::freeze::freeze(&mut tx, &scope, &RecipientFilter::All, send, now).await?;
    tx.commit().await?;
    let took = started.elapsed().as_secs_f64();
    if written.matched != i64::try_from(people)? {
        return Err(format!("{} of {people} written", written.matched).into());
    }
    // What PostgreSQL has deleted row by row still lies in the way of the next run.
    let clear = match db.backend() {
        Backend::Sqlite => "delete from messages",
        Backend::Postgres => "truncate messages, outbox",
    };
    let mut tx = db.begin().await?;
    on_tx!(&mut tx, |conn| sqlx::query(clear).execute(&mut *conn).await.map(|_| ()))?;
    tx.commit().await?;
    Ok(took)
}
