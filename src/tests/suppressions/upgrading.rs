//! What customers said before addresses were remembered.

use sqlx::migrate::Migrator;

use loupe::{
    db::{self, Backend, Db},
    ids::StoreId,
    on_tx,
};

use crate::support::{db as databases, people};

static SQLITE: Migrator = sqlx::migrate!("./migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("./migrations/postgres");
const BEFORE: i64 = 24;

async fn what_was_said_before_is_of_the_addresses(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let (db, _) = databases::empty(backend, folder.path()).await;
    match &db {
        Db::Sqlite(pools) => SQLITE.run_to(BEFORE, &mut *pools.write.turn().await.unwrap()).await,
        Db::Postgres(pool) => POSTGRES.run_to(BEFORE, pool).await,
    }
    .unwrap();
    let now = crate::support::app::START.parse().unwrap();
    let store = shop(&db, now).await;
    let mut ids = Vec::new();
    for (name, email) in [
        ("Amara", "a@example.com"),
        ("Ben", "a@example.com"),
        ("Cleo", "c@example.com"),
        ("Chidi", "c@example.com"),
        ("Dora", "d@example.com"),
        ("Dan", "d@example.com"),
        ("Eve", "e@example.com"),
        ("Ed", "e@example.com"),
        ("Finn", "f@example.com"),
    ] {
        ids.push(people::one(&db, store, name, Some(email), &[], now).await);
    }
    for sql in [
        "update customers set email_consent = 'withdrawn' where name in ('Amara', 'Eve')",
        "update customers set email_complained_at = updated_at where name = 'Cleo'",
        "update customers set email_bounced_at = updated_at, email_bounce_reason = 'no mailbox' where name = 'Dora'",
        // Ed agreed after Eve had left: the last word of the address is yes.
        "insert into consent_events (store_id, customer_id, channel, change, source, evidence, actor, happened_at)
         select store_id, id, 'email', 'withdrawn', 'link', 'x', 'x', '2026-04-01T00:00:00+00:00' from customers where name = 'Eve'",
        "insert into consent_events (store_id, customer_id, channel, change, source, evidence, actor, happened_at)
         select store_id, id, 'email', 'granted', 'staff', 'x', 'x', '2026-04-02T00:00:00+00:00' from customers where name = 'Ed'",
    ] {
        let mut tx = db.begin().await.unwrap();
        on_tx!(&mut tx, |conn| sqlx::query(sql).execute(&mut *conn).await.map(|_| ())).unwrap();
        tx.commit().await.unwrap();
    }
    db::migrate(&db).await.unwrap();
    let mut standings = Vec::new();
    for id in ids {
        let customer = loupe::customers::queries::find(&db, store, id).await.unwrap().unwrap();
        standings.push(customer.email_standing);
    }
    assert_eq!(standings, [7, 7, 6, 6, 10, 10, 7, 0, 0]);
}

async fn shop(db: &Db, now: chrono::DateTime<chrono::Utc>) -> StoreId {
    let mut tx = db.begin().await.unwrap();
    let id = on_tx!(&mut tx, |conn| sqlx::query_scalar(
        "insert into stores (slug, name, time_zone, country, currency, from_name, from_email, footer, created_at)
         values ('a', 'A', 'UTC', 'AU', 'AUD', 'A', 'hello@a.example.com', 'A', $1) returning id"
    )
    .bind(now)
    .fetch_one(&mut *conn)
    .await)
    .unwrap();
    tx.commit().await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_before_is_of_the_addresses_on_sqlite() {
    what_was_said_before_is_of_the_addresses(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_before_is_of_the_addresses_on_postgres() {
    what_was_said_before_is_of_the_addresses(Backend::Postgres).await;
}
