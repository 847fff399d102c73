//! A store with a full book, in a database of its own, and a message to send to all of it.

use std::sync::Arc;

use loupe::{
    channels::email::{Addressee, EmailAddress, Prepared, Sender},
    context::{AppState, Settings, settings::Given},
    db::{self, Db},
    on_db, on_tx,
    recipients::model::RecipientFilter,
    rendering::{Person, Rendered},
    sends::{
        message_view, queries as sends,
        rules::{Initiator, StartCampaign, Started, start_campaign_as},
    },
    stores::{self, model::Store},
    time::Clock,
};

use crate::{Error, loops::Ready};

pub const FROM: &str = "hello@aurelia.example.com";

/// A store, and a program around it.
#[derive(Debug)]
pub struct Book {
    pub state: AppState,
    pub store: Store,
}

/// A campaign that is being sent.
#[derive(Clone, Copy, Debug)]
pub struct Begun {
    pub campaign_id: i64,
    pub send_id: i64,
}

impl Book {
    /// Writes a book of so many people into an empty database.
    pub async fn fill(url: &str, people: i64) -> Result<(), Error> {
        let db = db::connect(url).await?;
        db::migrate(&db).await?;
        let store = open_store(&db).await?;
        crowd(&db, &store, people).await?;
        db.refresh_statistics().await?;
        db.close().await;
        Ok(())
    }

    /// Opens what [`Book::fill`] wrote.
    pub async fn open(url: &str, smtp: &str) -> Result<Self, Error> {
        let given = Given {
            database_url: Some(url.to_owned()),
            secret_key: Some("a key for measurements, long enough".to_owned()),
            smtp_url: Some(smtp.to_owned()),
            undo_seconds: Some("0".to_owned()),
            ..Given::default()
        };
        let state = AppState::new(db::connect(url).await?, Clock::System, Settings::resolve(given, None)?);
        let store = stores::queries::by_slug(&state.db, SLUG).await?.ok_or("no store")?;
        Ok(Self { state, store })
    }

    /// Writes a campaign to everybody and presses Send now.
    pub async fn start(&self) -> Result<Begun, Error> {
        let now = self.state.clock.now();
        let mut tx = self.state.db.begin().await?;
        let campaign_id: i64 = on_tx!(&mut tx, |conn| {
            sqlx::query_scalar(
            "insert into campaigns (store_id, name, subject, body, filter, created_by, created_at, updated_by, updated_at)
             values ($1, 'Bench', 'New in the window, {{first_name}}', $2, $3, 'Bench', $4, 'Bench', $4) returning id"
        )
        .bind(self.store.id)
        .bind(body())
        .bind(serde_json::to_string(&RecipientFilter::All)?)
        .bind(now)
        .fetch_one(&mut *conn)
        .await
        })?;
        tx.commit().await?;
        let initiator = Initiator {
            store: self.store.clone(),
            name: "Bench".to_owned(),
            now,
            undo_seconds: 0,
        };
        let what = StartCampaign {
            campaign_id,
            version: None,
            token: loupe::tokens::public(),
            skip_already: false,
            shown_count: None,
        };
        match start_campaign_as(&self.state.db, &initiator, &what).await? {
            Started::Sending { send_id } => Ok(Begun { campaign_id, send_id }),
            other => Err(format!("{other:?}").into()),
        }
    }

    /// What a send of this book carries, rendered beforehand. It stays open: nothing else may be sent
    /// from this book.
    pub async fn ready(&self) -> Result<Ready, Error> {
        let send_id = self.start().await?.send_id;
        let send = sends::find(&self.state.db, self.store.id, send_id)
            .await?
            .ok_or("no send")?;
        let from = EmailAddress::parse(&send.from_email)?;
        let prepared = prepared(&send, &from)?;
        let rows: Vec<(i64, String, String, String)> = on_db!(&self.state.db, |pool| sqlx::query_as(
            "select id, address, name, first_name from messages where send_id = $1 and state = 'queued'"
        )
        .bind(send_id)
        .fetch_all(pool)
        .await)?;
        let mut ready = Vec::with_capacity(rows.len());
        for (id, address, name, first_name) in &rows {
            let to = EmailAddress::parse(address)?;
            let mut bytes = Vec::new();
            let addressee = Addressee {
                message_id: *id,
                installation: "bench",
                name,
                address: &to,
                date: self.state.clock.now(),
                person: person(first_name),
            };
            prepared.write(&addressee, &mut bytes)?;
            ready.push((to, bytes));
        }
        Ok(Arc::new(ready))
    }

    /// The message of the measurements, for somebody of this name. A send of this book stays open.
    pub async fn rendered(&self, first_name: &str, unsubscribe_url: &str) -> Result<Rendered, Error> {
        let send_id = self.start().await?.send_id;
        let send = sends::find(&self.state.db, self.store.id, send_id)
            .await?
            .ok_or("no send")?;
        Ok(message_view::compiled(&send)?.render(&Person {
            first_name,
            unsubscribe_url,
            ..Person::default()
        }))
    }

    /// Bytes the database takes, with its indexes.
    pub async fn size(&self) -> Result<i64, Error> {
        Ok(match &self.state.db {
            Db::Sqlite(pools) => {
                sqlx::query_scalar("select page_count * page_size from pragma_page_count(), pragma_page_size()")
                    .fetch_one(&pools.read)
                    .await?
            }
            Db::Postgres(pool) => {
                sqlx::query_scalar(
                    "select cast(coalesce(sum(pg_total_relation_size(c.oid)), 0) as bigint)
                       from pg_class c join pg_namespace n on n.oid = c.relnamespace
                      where c.relkind = 'r' and n.nspname = current_schema()",
                )
                .fetch_one(pool)
                .await?
            }
        })
    }
}

/// The message of a send, ready but for each person's own words.
pub fn prepared(send: &sends::SendRecord, from: &EmailAddress) -> Result<Prepared, Error> {
    let sender = Sender {
        name: &send.from_name,
        address: from,
        reply_to: None,
    };
    Ok(Prepared::new(message_view::compiled(send)?, sender))
}

/// Somebody with this name.
pub fn person(first_name: &str) -> Person<'_> {
    Person {
        first_name,
        unsubscribe_url: "http://127.0.0.1:3000/u/0123456789012345678901",
        ..Person::default()
    }
}

/// About 10 kB once rendered: text and HTML.
fn body() -> String {
    let paragraph = "Before the doors open on Saturday we are setting aside one hour for a handful of people who know \
                     what they like. There will be coffee, a quiet table and good light, and nobody will hurry you. ";
    let mut body = "Dear {{first_name}},\n\n".to_owned();
    for piece in 1..=14 {
        body.push_str(&format!("**Piece {piece}, {{{{first_name}}}}.** {paragraph}\n\n"));
    }
    body.push_str("[button: See them](https://aurelia.example.com/window)\n\n{{staff_signature}}\n");
    body
}

const SLUG: &str = "bench";

async fn open_store(db: &Db) -> Result<Store, Error> {
    let new = stores::model::NewStore {
        slug: SLUG.to_owned(),
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
    Ok(stores::queries::find(db, id).await?.ok_or("no store")?)
}

async fn crowd(db: &Db, store: &Store, people: i64) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    on_tx!(&mut tx, |conn| sqlx::query(
        "insert into customers (store_id, name, name_key, first_name, last_name, email, email_norm, email_valid,
                                email_consent, unsubscribe_token, created_at, updated_at)
         with recursive n(i) as (select cast(1 as bigint) union all select i + 1 from n where i < $2)
         select $1, 'Person' || i, 'person' || i, 'Person' || i, '', 'p' || i || '@example.com',
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
