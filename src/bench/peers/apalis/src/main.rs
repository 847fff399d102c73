//! A mailing with apalis on PostgreSQL and lettre's pool: apalis' own row for each person, from
//! pending to done. What is said and heard is described in `../../mod.rs`.

use std::{fs, sync::Arc, time::Duration};

use apalis::prelude::*;
use apalis_postgres::{Config, PostgresStorage};
use futures::stream;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor, message::MultiPart, transport::smtp::PoolConfig,
};
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::io::{AsyncBufReadExt, BufReader};

const AT_ONCE: u32 = 64;
const QUEUE: &str = "mailing";

/// What goes to everybody, with `{{first_name}}` and `{{unsubscribe_url}}` in it.
#[derive(Deserialize)]
struct Window {
    from: String,
    subject: String,
    text: String,
    html: String,
    unsubscribe: String,
}

/// One person's task.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Letter {
    email: String,
    first_name: String,
    token: String,
}

#[derive(Clone)]
struct Office {
    window: Arc<Window>,
    mailer: AsyncSmtpTransport<Tokio1Executor>,
}

async fn mail(letter: Letter, office: Data<Office>) -> Result<(), BoxDynError> {
    let window = &office.window;
    let address = format!("{}{}", window.unsubscribe, letter.token);
    let filled = |template: &str, name: &str| {
        template
            .replace("{{first_name}}", name)
            .replace("{{unsubscribe_url}}", &address)
    };
    let message = Message::builder()
        .from(window.from.parse()?)
        .to(letter.email.parse()?)
        .subject(filled(&window.subject, &letter.first_name))
        .multipart(MultiPart::alternative_plain_html(
            filled(&window.text, &letter.first_name),
            filled(&window.html, &escaped(&letter.first_name)),
        ))?;
    office.mailer.send(message).await?;
    Ok(())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[tokio::main]
async fn main() -> Result<(), BoxDynError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, server, file] = arguments.as_slice() else {
        return Err("a database, a mail server and a message, please".into());
    };
    let (host, port) = server.rsplit_once(':').ok_or("HOST:PORT")?;
    let pool = PgPoolOptions::new().max_connections(20).connect(url).await?;
    PostgresStorage::setup(&pool).await?;
    sqlx::query("delete from apalis.jobs").execute(&pool).await?;
    let size = PoolConfig::new().max_size(AT_ONCE);
    let office = Office {
        window: Arc::new(serde_json::from_str(&fs::read_to_string(file)?)?),
        mailer: AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(port.parse()?)
            .pool_config(size)
            .build(),
    };
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    println!("ready");
    lines.next_line().await?;

    let people: Vec<(String, String, String)> =
        sqlx::query_as("select email, first_name, unsubscribe_token from customers order by id")
            .fetch_all(&pool)
            .await?;
    let count = i64::try_from(people.len())?;
    let config = Config::default().queue(QUEUE).batch_size(500);
    let mut storage = PostgresStorage::<Letter>::new(&pool).with_config(config);
    let letters = people.into_iter().map(|(email, first_name, token)| Letter {
        email,
        first_name,
        token,
    });
    storage.push_stream(&mut stream::iter(letters)).await?;
    let worker = WorkerBuilder::new("mailing")
        .backend(storage)
        .data(office)
        .concurrency(usize::try_from(AT_ONCE)?)
        .parallelize(tokio::spawn)
        .build(mail);
    let working = tokio::spawn(worker.run());
    while done(&pool).await? < count && !working.is_finished() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("{}", done(&pool).await?);
    lines.next_line().await?;
    Ok(())
}

async fn done(pool: &PgPool) -> sqlx::Result<i64> {
    sqlx::query_scalar("select count(*) from apalis.jobs where status = 'Done'")
        .fetch_one(pool)
        .await
}
