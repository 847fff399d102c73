//! The database becomes another one under a running Loupe: a replica takes over, or an earlier state
//! is put back. From then on nothing is sent until an owner confirms.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use loupe::{
    context::{actor::Role, send_gate::Why},
    db::{self, Backend},
    dispatch, instance, on_db,
    recipients::model::RecipientFilter,
};

use crate::{
    both,
    instance::clone_detection::{home, write_home},
    support::{
        app::{TestApp, words},
        people,
        planning::{Running, another_process},
        sending::{begun, draft, is_done, press, status, tally, until},
    },
};

const HALF_A_MINUTE: Duration = Duration::from_secs(30);

/// Waits until something holds.
async fn holds(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    while !is().await {
        assert!(begin.elapsed() < HALF_A_MINUTE, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn in_state(app: &TestApp, states: &'static str) -> i64 {
    let sql = format!("select count(*) from messages where state in ({states})");
    on_db!(app.db(), |pool| sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .fetch_one(pool)
        .await)
    .unwrap()
}

/// What this database knows of its place is of another time or place from now on.
async fn make_it_another(app: &TestApp) {
    let mut other = home(app).await;
    let key = match app.db().backend() {
        Backend::Sqlite => "born",
        Backend::Postgres => "timeline",
    };
    other.insert(key.to_owned(), "2026-01-01T00:00:00Z".into());
    write_home(app, &other).await;
}

async fn confirm(app: &TestApp) {
    let cookie = app.sign_in_as(Role::Owner).await;
    let page = words(&app.get("/marketing/campaigns", &cookie).await.text);
    assert!(page.contains("Nothing is sent until an owner confirms"), "{page}");
    app.post_form("/api/instance/confirm", "/marketing/campaigns", &[], &cookie)
        .await;
    assert!(!app.state.send_gate.is_passive());
}

both!(
    whoever_sends_stops_at_once_and_goes_on_when_it_is_confirmed,
    "?connections=1",
    |app, sink| {
        instance::settle(&app.state).await.unwrap();
        people::crowd(app.db(), app.store.id, 40, &[], app.now()).await;
        let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
        let send = begun(press(&app.state, &app.store, campaign).await);
        sink.hold_answers();
        let stop = CancellationToken::new();
        let task = tokio::spawn(dispatch::run(app.state.clone(), stop.clone()));
        holds("it begins", async || in_state(&app, "'attempting'").await == 2).await;
        make_it_another(&app).await;
        let guard = &app.state.send_gate;
        guard.connected("00000001");
        assert!(!guard.is_passive(), "the first connection says where it is");
        guard.connected("00000001");
        assert!(!guard.is_passive(), "an ordinary restart");
        guard.connected("00000002");
        assert_eq!(guard.why(), Some(Why::Elsewhere));
        sink.release_answers();
        // Nothing is leased any more, and nobody takes a new lease.
        holds("it stops", async || in_state(&app, "'leased', 'attempting'").await == 0).await;
        assert!(
            sink.received().len() <= 2,
            "what was on the wire, and what was marked behind it: no more marks"
        );
        assert_eq!(
            in_state(&app, "'queued'").await,
            40 - in_state(&app, "'accepted'").await
        );
        assert_eq!(status(app.db(), campaign).await, "sending");

        confirm(&app).await;
        assert_eq!(
            status(app.db(), campaign).await,
            "draft",
            "some of it may have gone out"
        );
        let rest = tally(app.db(), &app.store, send).await;
        assert_eq!((rest.sent + rest.cancelled, rest.waiting), (40, 0));
        let next = draft(app.db(), &app.store, "Winter", &RecipientFilter::All).await;
        let next = begun(press(&app.state, &app.store, next).await);
        assert!(is_done(
            &until(&app.state, &app.store, next, |s| !s.state.is_open()).await
        ));
        assert_eq!(tally(app.db(), &app.store, next).await.sent, 40);
        stop.cancel();
        task.await.unwrap();
    }
);

both!(another_place_is_noticed_while_it_runs, |app| {
    instance::settle(&app.state).await.unwrap();
    let known = home(&app).await;
    let watching = tokio::spawn(instance::watch(app.state.clone()));
    make_it_another(&app).await;
    holds("it is noticed", async || app.state.send_gate.is_passive()).await;
    assert_eq!(app.state.send_gate.why(), Some(Why::Elsewhere));
    // As an owner confirms it on another instance.
    write_home(&app, &known).await;
    holds("it goes on", async || !app.state.send_gate.is_passive()).await;
    watching.abort();
});

/// What the schedulers of this database say, and how many they are.
async fn beats(app: &TestApp, state: &'static str) -> i64 {
    on_db!(app.db(), |pool| sqlx::query_scalar(
        "select count(*) from scheduler_heartbeats where state = $1 and beat_at = $2"
    )
    .bind(state)
    .bind(app.now())
    .fetch_one(pool)
    .await)
    .unwrap()
}

both!(an_earlier_state_that_is_put_back_under_it_is_noticed, |app| {
    instance::settle(&app.state).await.unwrap();
    let running = Running::start(&app.state);
    holds("it lives", async || beats(&app, "running").await == 1).await;
    for seconds in [60, 60, -90] {
        app.clock.set(app.now() + TimeDelta::seconds(seconds));
        let said = if seconds > 0 { "running" } else { "clock" };
        holds(said, async || beats(&app, said).await == 1).await;
        assert!(!app.state.send_gate.is_passive(), "nothing has happened");
    }
    app.clock.set(app.now() + TimeDelta::minutes(5));
    holds("it lives on", async || beats(&app, "running").await == 1).await;

    // What it wrote since is gone.
    let back = "update scheduler_heartbeats set beat_at = started_at where $1 = 1";
    people::change(app.db(), back, 1).await;
    app.clock.set(app.now() + TimeDelta::minutes(1));
    holds("it is noticed", async || app.state.send_gate.is_passive()).await;
    assert_eq!(app.state.send_gate.why(), Some(Why::Older));
    holds("it says so", async || beats(&app, "copy").await == 1).await;
    let restarted = another_process(&app.state, app.clock.clone());
    assert_eq!(
        instance::settle(&restarted).await.unwrap(),
        Some(Why::Restored),
        "whoever starts now does not send either"
    );
    confirm(&app).await;
    holds("it goes on", async || beats(&app, "running").await == 1).await;
    assert_eq!(instance::settle(&restarted).await.unwrap(), None);

    // It is as if it had never been there.
    people::change(app.db(), "delete from scheduler_heartbeats where $1 = 1", 1).await;
    app.clock.set(app.now() + TimeDelta::minutes(1));
    holds("it is noticed again", async || app.state.send_gate.is_passive()).await;
    running.stop().await;
});

#[tokio::test(flavor = "multi_thread")]
async fn every_connection_to_postgres_tells_the_timeline_of_its_server() {
    let app = TestApp::new(Backend::Postgres).await;
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let telling = Arc::clone(&told);
    let hear = move |timeline: &str| telling.lock().unwrap().push(timeline.to_owned());
    let db = db::connect_telling(&app.url, Some(Arc::new(hear))).await.unwrap();
    let (one, two) = tokio::join!(db.begin(), db.begin());
    drop((one.unwrap(), two.unwrap()));
    let timeline: i32 = on_db!(app.db(), |pool| sqlx::query_scalar(
        "select timeline_id from pg_control_checkpoint()"
    )
    .fetch_one(pool)
    .await)
    .unwrap();
    let timeline = format!("{timeline:08X}");
    assert_eq!(*told.lock().unwrap(), [timeline.clone(), timeline]);
}
