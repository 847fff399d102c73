//! How late planned campaigns begin: many of ten people each, all due in the same second.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use loupe::{
    context::{AppState, Settings, settings::Given},
    db::{self, Db},
    ids::StoreId,
    on_db, on_tx, scheduler,
    stores::{self, model::NewStore},
    time::Clock,
};

use super::{
    Error,
    books::{self, Someone},
};

/// Between the last campaign written and the moment all are due.
const AHEAD: chrono::Duration = chrono::Duration::seconds(3);
/// How long the schedulers may take altogether.
const WAIT_TIMEOUT: Duration = Duration::from_secs(120);

/// Prints one line: the median, the 99th percentile and the worst of committed start minus
/// planned moment, in milliseconds.
pub async fn run(url: &str, campaigns: usize, schedulers: usize) -> Result<(), Error> {
    let db = db::connect(url).await?;
    db::migrate(&db).await?;
    let given = Given {
        database_url: Some(url.to_owned()),
        secret_key: Some("a secret key for measurements, long enough".to_owned()),
        undo_seconds: Some("0".to_owned()),
        ..Given::default()
    };
    let settings = Settings::resolve(given, None)?;
    let clock = Clock::System;
    let store = shop(&db, clock.now()).await?;
    let ids = write(&db, store, campaigns, clock.now()).await?;
    let due = clock.now() + AHEAD;
    plan(&db, store, due).await?;
    let stop = CancellationToken::new();
    let tasks: Vec<_> = (0..schedulers)
        .map(|_| {
            let state = AppState::new(db.clone(), clock.clone(), settings.clone());
            tokio::spawn(scheduler::run(state, stop.clone()))
        })
        .collect();
    let late = watch(&db, store, ids, due).await?;
    stop.cancel();
    for task in tasks {
        task.await?;
    }
    let sends: i64 = on_db!(&db, |pool| sqlx::query_scalar(
        "select count(*) from sends where store_id = $1"
    )
    .bind(store)
    .fetch_one(pool)
    .await)?;
    db.close().await;
    let at = |share: usize| {
        late.get((late.len() * share / 100).min(late.len() - 1))
            .copied()
            .unwrap_or_default()
    };
    let worst = late.last().copied().unwrap_or_default();
    println!(
        "{:?} campaigns={campaigns} schedulers={schedulers} sends={sends} p50={}ms p99={}ms worst={worst}ms",
        db.backend(),
        at(50),
        at(99)
    );
    Ok(())
}

async fn shop(db: &Db, now: DateTime<Utc>) -> Result<StoreId, Error> {
    let new = NewStore {
        slug: format!("s{}", now.timestamp_micros()),
        name: "Aurelia".to_owned(),
        time_zone: "Australia/Sydney".to_owned(),
        country: "AU".to_owned(),
        currency: "AUD".to_owned(),
        from_name: "Aurelia".to_owned(),
        from_email: "hello@aurelia.example.com".to_owned(),
        footer: "Aurelia, 1 George Street, Sydney".to_owned(),
        is_demo: false,
    };
    let mut tx = db.begin().await?;
    let store = stores::rules::open_store(&mut tx, &new, now).await?;
    tx.commit().await?;
    Ok(store)
}

/// A book of ten for each campaign, and a draft for each ten.
async fn write(db: &Db, store: StoreId, campaigns: usize, now: DateTime<Utc>) -> Result<usize, Error> {
    for chunk in (0..campaigns).collect::<Vec<_>>().chunks(100) {
        let mut tx = db.begin().await?;
        for n in chunk {
            let people: Vec<Someone> = (0..10)
                .map(|i| Someone::new(&format!("Person{n} Number{i}"), now))
                .collect();
            let ids = books::write(&mut tx, store, &people).await?;
            let filter = serde_json::to_string(&loupe::recipients::model::RecipientFilter::Manual(ids))?;
            on_tx!(&mut tx, |conn| {
                sqlx::query(
                "insert into campaigns (store_id, name, subject, body, filter, created_by, created_at, updated_by, updated_at)
                 values ($1, $2, 'For you, {{first_name}}', 'Come and see.', $3, 'Priya', $4, 'Priya', $4)"
            )
            .bind(store)
            .bind(format!("Campaign {n}"))
            .bind(filter)
            .bind(now)
            .execute(&mut *conn)
            .await
            .map(|_| ())
            })?;
        }
        tx.commit().await?;
    }
    Ok(campaigns)
}

async fn plan(db: &Db, store: StoreId, due: DateTime<Utc>) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    on_tx!(&mut tx, |conn| sqlx::query(
        "update campaigns set status = 'scheduled', scheduled_at = $2 where store_id = $1"
    )
    .bind(store)
    .bind(due)
    .execute(&mut *conn)
    .await
    .map(|_| ()))?;
    tx.commit().await?;
    Ok(())
}

/// Looks every few milliseconds how many have been started, as anybody else sees it: committed.
/// Answers the lateness of each, sorted, in milliseconds.
async fn watch(db: &Db, store: StoreId, campaigns: usize, due: DateTime<Utc>) -> Result<Vec<i64>, Error> {
    let begin = Instant::now();
    let mut late = Vec::with_capacity(campaigns);
    while late.len() < campaigns {
        if begin.elapsed() > WAIT_TIMEOUT {
            return Err(format!("{} of {campaigns} began in time", late.len()).into());
        }
        let started: i64 = on_db!(db, |pool| sqlx::query_scalar(
            "select count(*) from sends where store_id = $1"
        )
        .bind(store)
        .fetch_one(pool)
        .await)?;
        let now = (Clock::System.now() - due).num_milliseconds();
        late.resize(usize::try_from(started)?, now);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(late)
}
