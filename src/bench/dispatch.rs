//! Sending one campaign over SMTP, beside bare loops sending the same messages over as many
//! connections to the same server, all in one run.

use std::{net::SocketAddr, process::Stdio, sync::Arc, time::Duration};

use loupe::{
    channels::email::{Addressee, EmailAddress, Prepared, Sender, smtp::Account},
    db::{self, Db},
    dispatch, on_db, on_tx,
    recipients::model::RecipientFilter,
    sends::{
        message_view,
        rules::{Presser, StartBulk, Started, start_bulk_as},
        store as sends,
    },
    server::{AppState, Settings, settings::Given},
    stores::{self, model::Store},
    templates::render::Person,
    time::Clock,
};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio_util::sync::CancellationToken;

use crate::{
    Error,
    loops::{self, Ready},
    measure::{self, Cost, median},
    sink::{self, Fault, Rule, When},
};

/// What to measure.
#[derive(Clone, Debug)]
pub struct Plan {
    pub people: i64,
    pub connections: usize,
    pub rounds: usize,
    pub postgres: Option<String>,
    /// `smtp-sink` of Postfix, when it is there.
    pub smtp_sink: Option<String>,
}

/// One mail server to send to.
struct Server {
    name: &'static str,
    at: SocketAddr,
    _child: tokio::process::Child,
}

/// One line of the table.
struct Line {
    what: String,
    rate: f64,
    cpu_per_100k: f64,
    peak_mb: f64,
}

/// Runs the plan and prints the table.
pub async fn run(plan: &Plan) -> Result<(), Error> {
    let mut servers = vec![own_sink().await?];
    if let Some(program) = &plan.smtp_sink {
        servers.push(postfix_sink(program).await?);
    }
    println!(
        "{} people, {} connections, medians of {} rounds; times of this process only, the server is another one",
        plan.people, plan.connections, plan.rounds
    );
    for server in &servers {
        let lines = against(plan, server).await?;
        let base = lines.first().map_or(f64::NAN, |l| l.rate);
        println!("\nto {}", server.name);
        println!(
            "{:<34} {:>9} {:>8} {:>12} {:>9}",
            "", "msg/s", "ratio", "cpu-s/100k", "peak MB"
        );
        for line in &lines {
            println!(
                "{:<34} {:>9.0} {:>8.2} {:>12.2} {:>9.0}",
                line.what,
                line.rate,
                line.rate / base,
                line.cpu_per_100k,
                line.peak_mb
            );
        }
    }
    Ok(())
}

async fn against(plan: &Plan, server: &Server) -> Result<Vec<Line>, Error> {
    let folder = std::env::temp_dir().join(format!("loupe-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{}.db", server.name));
    let mut books = vec![(
        "Loupe on SQLite",
        Book::fill(&format!("sqlite://{}", file.display()), plan, server).await?,
    )];
    if let Some(url) = &plan.postgres {
        books.push((
            "Loupe on PostgreSQL",
            Book::fill(&schema(url).await?, plan, server).await?,
        ));
    }
    let url = format!("smtp://{}?connections={}", server.at, plan.connections);
    let account = Account::parse(&url)?;
    let ready = books.first().ok_or("no book")?.1.ready().await?;
    let from = EmailAddress::parse(FROM)?;
    let mut names = vec![
        "bare loop, lettre, no delay".to_owned(),
        "bare loop, our client".to_owned(),
    ];
    names.extend(books.iter().map(|(name, _)| (*name).to_owned()));
    let mut costs: Vec<Vec<Cost>> = names.iter().map(|_| Vec::new()).collect();
    for _ in 0..plan.rounds {
        // Side by side: whatever else the machine does hits all of them alike.
        for (at, costs) in costs.iter_mut().enumerate() {
            let end = measure::begin();
            match at {
                0 => expect(loops::lettre(server.at, plan.connections, &ready, FROM).await?, plan)?,
                1 => expect(loops::ours(&account, &ready, &from).await?, plan)?,
                _ => books.get(at - 2).ok_or("no book")?.1.send(plan).await?,
            }
            costs.push(end());
        }
    }
    let people = f64::from(u32::try_from(plan.people)?);
    let line = |(what, costs): (String, Vec<Cost>)| Line {
        what,
        rate: median(costs.iter().map(|c| people / c.wall.as_secs_f64()).collect()),
        cpu_per_100k: median(costs.iter().map(|c| c.cpu / people * 100_000.0).collect()),
        peak_mb: median(costs.iter().map(|c| c.peak_mb).collect()),
    };
    let lines = names.into_iter().zip(costs).map(line).collect();
    drop(books);
    std::fs::remove_dir_all(&folder)?;
    Ok(lines)
}

fn expect(sent: usize, plan: &Plan) -> Result<(), Error> {
    if i64::try_from(sent)? == plan.people {
        Ok(())
    } else {
        Err(format!("{sent} of {} sent", plan.people).into())
    }
}

const FROM: &str = "hello@aurelia.example.com";

/// A store with a full book, and a program around it.
struct Book {
    state: AppState,
    store: Store,
}

impl Book {
    async fn fill(url: &str, plan: &Plan, server: &Server) -> Result<Self, Error> {
        let db = db::connect(url).await?;
        db::migrate(&db).await?;
        let given = Given {
            database_url: Some(url.to_owned()),
            secret_key: Some("a key for measurements, long enough".to_owned()),
            smtp_url: Some(format!("smtp://{}?connections={}", server.at, plan.connections)),
            undo_seconds: Some("0".to_owned()),
            ..Given::default()
        };
        let state = AppState::new(db, Clock::System, Settings::resolve(given, None)?);
        let store = open_store(&state.db).await?;
        crowd(&state.db, &store, plan.people).await?;
        Ok(Self { state, store })
    }

    /// What the dispatcher would send, rendered beforehand.
    async fn ready(&self) -> Result<Ready, Error> {
        let send_id = self.start().await?;
        let send = sends::find(&self.state.db, self.store.id, send_id)
            .await?
            .ok_or("no send")?;
        let from = EmailAddress::parse(&send.from_email)?;
        let sender = Sender {
            name: &send.from_name,
            address: &from,
            reply_to: None,
            id_key: "bench",
        };
        let prepared = Prepared::new(message_view::compiled(&send)?, sender);
        let rows: Vec<(i64, String, String, String)> = on_db!(&self.state.db, |pool| sqlx::query_as(
            "select id, address, name, first_name from messages where send_id = $1 and state = 'queued'"
        )
        .bind(send_id)
        .fetch_all(pool)
        .await)?;
        let mut ready = Vec::with_capacity(rows.len());
        for (id, address, name, first_name) in &rows {
            let to = EmailAddress::parse(address)?;
            let person = Person {
                first_name,
                unsubscribe_url: "http://127.0.0.1:3000/u/0123456789012345678901",
                ..Person::default()
            };
            let date = self.state.clock.now();
            let mut bytes = Vec::new();
            prepared.write(
                &Addressee {
                    message_id: *id,
                    name,
                    address: &to,
                    date,
                    person,
                },
                &mut bytes,
            )?;
            ready.push((to, bytes));
        }
        println!("{} bytes per message", ready.first().map_or(0, |(_, b)| b.len()));
        // The rows stay behind; the dispatcher must not find them.
        let mut tx = self.state.db.begin().await?;
        on_tx!(&mut tx, |conn| sqlx::query(
            "update sends set state = 'cancelled' where id = $1"
        )
        .bind(send_id)
        .execute(&mut *conn)
        .await
        .map(|_| ()))?;
        tx.commit().await?;
        Ok(Arc::new(ready))
    }

    async fn start(&self) -> Result<i64, Error> {
        let presser = Presser {
            store: self.store.clone(),
            name: "Bench".to_owned(),
            now: self.state.clock.now(),
            undo_seconds: 0,
        };
        let what = StartBulk {
            subject: "New in the window, {{first_name}}".to_owned(),
            body: body(),
            fallbacks: std::collections::BTreeMap::new(),
            filter: RecipientFilter::All,
            token: loupe::auth::tokens::public(),
            shown_count: None,
        };
        match start_bulk_as(&self.state.db, &presser, &what).await? {
            Started::Sending { send_id } => Ok(send_id),
            other => Err(format!("{other:?}").into()),
        }
    }

    /// Send now until everybody has an outcome: freezing, sending, every row settled.
    async fn send(&self, plan: &Plan) -> Result<(), Error> {
        let send_id = self.start().await?;
        let stop = CancellationToken::new();
        let task = tokio::spawn(dispatch::run(self.state.clone(), stop.clone()));
        loop {
            let send = sends::find(&self.state.db, self.store.id, send_id)
                .await?
                .ok_or("no send")?;
            if !send.state.is_open() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stop.cancel();
        task.await?;
        let tally = loupe::communications::store::tally(&self.state.db, self.store.id, send_id).await?;
        if tally.sent == plan.people {
            Ok(())
        } else {
            Err(format!("{tally:?}").into())
        }
    }
}

/// About 10 kB of HTML once rendered.
fn body() -> String {
    let paragraph = "Before the doors open on Saturday we are setting aside one hour for a handful of people who know \
                     what they like. There will be coffee, a quiet table and good light, and nobody will hurry you. ";
    let mut body = "Dear {{first_name}},\n\n".to_owned();
    for piece in 1..=12 {
        body.push_str(&format!("**Piece {piece}.** {paragraph}\n\n"));
    }
    body.push_str("[button: See them](https://aurelia.example.com/window)\n\n{{staff_signature}}\n");
    body
}

async fn open_store(db: &Db) -> Result<Store, Error> {
    let new = stores::model::NewStore {
        slug: "bench".to_owned(),
        name: "Aurelia".to_owned(),
        time_zone: "Australia/Sydney".to_owned(),
        country: "AU".to_owned(),
        currency: "AUD".to_owned(),
        from_name: "Aurelia Sydney".to_owned(),
        from_email: FROM.to_owned(),
        footer: "Aurelia, 1 George Street, Sydney NSW 2000".to_owned(),
        is_demo: false,
    };
    let mut tx = db.begin().await?;
    let id = stores::rules::open_store(&mut tx, &new, Clock::System.now()).await?;
    tx.commit().await?;
    Ok(stores::store::find(db, id).await?.ok_or("no store")?)
}

async fn crowd(db: &Db, store: &Store, people: i64) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    on_tx!(&mut tx, |conn| sqlx::query(
        "insert into customers (store_id, name, name_key, first_name, last_name, email, email_norm, email_valid,
                                email_consent, unsubscribe_token, created_at, updated_at)
         with recursive n(i) as (select cast(1 as bigint) union all select i + 1 from n where i < $2)
         select $1, 'Person ' || i, 'person ' || i, 'Person', '' || i, 'p' || i || '@example.com',
                'p' || i || '@example.com', true, 'granted', 'token-0123456789-' || i, $3, $3
           from n"
    )
    .bind(store.id)
    .bind(people)
    .bind(store.created_at)
    .execute(&mut *conn)
    .await
    .map(|_| ()))?;
    tx.commit().await?;
    Ok(())
}

async fn schema(url: &str) -> Result<String, Error> {
    let Db::Postgres(pool) = db::connect(url).await? else {
        return Err("not PostgreSQL".into());
    };
    let name = format!("bench{}", uuid::Uuid::new_v4().simple());
    sqlx::query(sqlx::AssertSqlSafe(format!("create schema {name}")))
        .execute(&pool)
        .await?;
    let joint = if url.contains('?') { '&' } else { '?' };
    Ok(format!("{url}{joint}options[search_path]={name}"))
}

/// Our own sink, in a process of its own so that its costs are not ours.
async fn own_sink() -> Result<Server, Error> {
    let mut child = tokio::process::Command::new(std::env::current_exe()?)
        .arg("sink")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let lines = child.stdout.take().ok_or("no output")?;
    let first = BufReader::new(lines).lines().next_line().await?.ok_or("no address")?;
    Ok(Server {
        name: "our sink",
        at: first.parse()?,
        _child: child,
    })
}

/// Serves as the sink until it is killed.
pub async fn serve_sink(refuse_every: Option<u64>, delay_ms: u64) -> Result<(), Error> {
    let rules = refuse_every
        .map(|n| Rule::new(When::Every(n), Fault::Rcpt(550)))
        .into_iter()
        .collect();
    let delay = Duration::from_millis(delay_ms);
    let settings = sink::Settings {
        keep: sink::Keep::Counts,
        rules,
        delay,
        ..sink::Settings::default()
    };
    let sink = sink::Sink::start(settings).await?;
    println!("{}", sink.address());
    std::future::pending::<()>().await;
    Ok(())
}

async fn postfix_sink(program: &str) -> Result<Server, Error> {
    let at = SocketAddr::from(([127, 0, 0, 1], 2599));
    let child = tokio::process::Command::new(program)
        .args(["-u", "nobody", &at.to_string(), "1000"])
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    for _ in 0..50 {
        if tokio::net::TcpStream::connect(at).await.is_ok() {
            return Ok(Server {
                name: "smtp-sink",
                at,
                _child: child,
            });
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(format!("{program} does not answer on {at}").into())
}
