//! What an older program left in the database is carried on by this one.

use chrono::Duration;
use sqlx::migrate::Migrator;

use loupe::{
    context::{AppState, settings::Given},
    db::{self, Backend, Db},
    ids::StoreId,
    on_tx,
    stores::{self, model::Store},
    time::Clock,
};

use crate::support::{
    app::{START, state_on},
    db as databases, people,
    planning::{Running, row, sends_of, wait_for},
    sending::{deliver, tally},
};

static SQLITE: Migrator = sqlx::migrate!("./migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("./migrations/postgres");
/// The newest migration of a program without the scheduler: what was planned waited for a person.
const BEFORE_THE_RUNNER: i64 = 5;

async fn migrate_to(db: &Db, version: i64) {
    match db {
        Db::Sqlite(pools) => SQLITE.run_to(version, &mut *pools.write.turn().await.unwrap()).await,
        Db::Postgres(pool) => POSTGRES.run_to(version, pool).await,
    }
    .unwrap();
}

/// A store, four customers of which three have the tag wedding, and campaigns planned for them, as
/// a program of that time wrote them.
async fn write_as_before(db: &Db, state: &AppState) -> (Store, [i64; 4]) {
    let now = state.clock.now();
    let mut tx = db.begin().await.unwrap();
    let store: StoreId = on_tx!(&mut tx, |conn| {
        sqlx::query_scalar(
        "insert into stores (slug, name, time_zone, country, currency, from_name, from_email, footer, created_at)
         values ('aurelia', 'Aurelia', 'Australia/Sydney', 'AU', 'AUD', 'Aurelia', 'hello@aurelia.example.com', 'Aurelia', $1)
         returning id"
    )
    .bind(now)
    .fetch_one(&mut *conn)
    .await
    })
    .unwrap();
    let mut campaigns = [0; 4];
    // Ten in the morning in Sydney is now.
    for (id, local) in campaigns.iter_mut().zip(["06:30", "09:48", "10:00", "11:00"]) {
        let at = now + Duration::minutes(minutes(local) - minutes("10:00"));
        *id = on_tx!(&mut tx, |conn| {
            sqlx::query_scalar(
            "insert into campaigns (store_id, name, search_key, subject, body, fallbacks, filter, status, scheduled_local,
                                    scheduled_zone, scheduled_at, shown_count, shown_at, created_by, created_at, updated_by, updated_at)
             values ($1, 'Ring clean', 'ring clean', 'For you', 'Dear {{first_name}}.', '{\"first_name\":\"friend\"}',
                     '{\"type\":\"tags\",\"of\":[\"wedding\"]}', 'scheduled', $2, 'Australia/Sydney', $3, 3, $4,
                     'Priya Nair', $4, 'Priya Nair', $4)
             returning id"
        )
        .bind(store)
        .bind(format!("2026-05-01T{local}"))
        .bind(at)
        .bind(now - Duration::days(1))
        .fetch_one(&mut *conn)
        .await
        })
        .unwrap();
    }
    tx.commit().await.unwrap();
    people::crowd(db, store, 3, &["wedding"], now).await;
    people::one(db, store, "Otto Other", Some("otto@example.com"), &["pearls"], now).await;
    let store = stores::queries::find(db, store).await.unwrap().unwrap();
    (store, campaigns)
}

fn minutes(clock: &str) -> i64 {
    let (hours, minutes) = clock.split_once(':').unwrap();
    hours.parse::<i64>().unwrap() * 60 + minutes.parse::<i64>().unwrap()
}

async fn what_was_planned_before_the_runner_goes_out_unedited(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let (db, url) = databases::empty(backend, folder.path()).await;
    migrate_to(&db, BEFORE_THE_RUNNER).await;
    let clock = Clock::fixed(START.parse().unwrap());
    let state = state_on(db.clone(), &url, clock.clone(), Given::default());
    let (store, [missed, late, now, later]) = write_as_before(&db, &state).await;
    db::migrate(&db).await.unwrap();

    let running = Running::start(&state);
    let held = wait_for(&db, missed, |row| row.hold.is_some()).await;
    assert_eq!(
        (held.status.as_str(), held.hold.as_deref()),
        ("scheduled", Some("missed"))
    );
    for (campaign, late_by) in [(late, 12 * 60), (now, 0)] {
        wait_for(&db, campaign, |row| row.status == "sending").await;
        let send = sends_of(&db, &store, campaign).await.remove(0);
        assert_eq!(send.late_by, Some(late_by));
    }
    assert_eq!(row(&db, later).await.status, "scheduled");
    clock.set(state.clock.now() + Duration::hours(1));
    wait_for(&db, later, |row| row.status == "sending").await;
    running.stop().await;

    for campaign in [late, now, later] {
        let sends = sends_of(&db, &store, campaign).await;
        assert_eq!(sends.len(), 1);
        let send = deliver(&state, &store, sends[0].id).await;
        assert_eq!(
            (send.subject.as_str(), send.body.as_str()),
            ("For you", "Dear {{first_name}}.")
        );
        let tally = tally(&db, &store, send.id).await;
        assert_eq!((tally.sent, tally.audience()), (3, 3));
    }
    assert!(sends_of(&db, &store, missed).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_planned_before_the_runner_goes_out_unedited_on_sqlite() {
    what_was_planned_before_the_runner_goes_out_unedited(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_planned_before_the_runner_goes_out_unedited_on_postgres() {
    what_was_planned_before_the_runner_goes_out_unedited(Backend::Postgres).await;
}
