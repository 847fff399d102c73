//! Backups that can be trusted, and copies that send nothing by themselves.

use std::path::Path;

use axum::http::StatusCode;
use chrono::Duration;
use tokio_util::sync::CancellationToken;

use loupe::{
    backup::{self, Manifest, Problem},
    context::{AppState, actor::Role},
    db::{self, Backend},
    dispatch, instance,
    recipients::model::RecipientFilter,
    sends::model::SendState,
    server::router::router,
};

use crate::{
    both,
    support::{
        app::TestApp,
        people,
        planning::{Running, audit, planned, row, sends_of, wait_for},
        sending::{begun, draft, press, status, tally},
    },
};

/// The same application on another database file.
pub async fn on_file(mut app: TestApp, path: &Path) -> TestApp {
    let db = db::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    db::migrate(&db).await.unwrap();
    app.state = AppState::new(db, app.clock.clone(), (*app.state.settings).clone());
    app.router = router(app.state.clone());
    app
}

async fn back_up(app: &TestApp, name: &str) -> std::path::PathBuf {
    let file = app.folder.path().join(name);
    backup::make(&app.url, &file, app.now()).await.unwrap();
    file
}

/// Dispatcher and scheduler of one process.
struct Sending {
    stop: CancellationToken,
    dispatch: tokio::task::JoinHandle<()>,
    scheduler: Running,
}

impl Sending {
    fn start(state: &AppState) -> Self {
        let stop = CancellationToken::new();
        Self {
            dispatch: tokio::spawn(dispatch::run(state.clone(), stop.clone())),
            scheduler: Running::start(state),
            stop,
        }
    }

    async fn stop(self) {
        self.stop.cancel();
        self.dispatch.await.unwrap();
        self.scheduler.stop().await;
    }
}

/// What a process that died in the middle leaves: the database, and beside it what it wrote last.
fn leave_behind(app: &TestApp, folder: &Path) -> std::path::PathBuf {
    std::fs::create_dir_all(folder).unwrap();
    for ending in ["", "-wal", "-shm"] {
        let name = format!("loupe.db{ending}");
        std::fs::copy(app.folder.path().join(&name), folder.join(&name)).unwrap();
    }
    folder.join("loupe.db")
}

async fn customers(file: &Path) -> i64 {
    let db = db::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    let n = loupe::on_db!(&db, |pool| sqlx::query_scalar("select count(*) from customers")
        .fetch_one(pool)
        .await)
    .unwrap();
    db.close().await;
    n
}

async fn kept(app: &TestApp) -> i64 {
    loupe::on_db!(app.db(), |pool| sqlx::query_scalar("select count(*) from outbox")
        .fetch_one(pool)
        .await)
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_file_sends_nothing_until_an_owner_confirms() {
    let app = TestApp::new(Backend::Sqlite).await;
    assert_eq!(
        instance::settle(&app.state).await.unwrap(),
        None,
        "a new database is at home"
    );
    people::crowd(app.db(), app.store.id, 6, &[], app.now()).await;
    let going = draft(app.db(), &app.store, "Going", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, going).await);
    let due = planned(app.db(), &app.store, "Due", &RecipientFilter::All, app.now()).await;
    let later = app.now() + Duration::hours(1);
    let coming = planned(app.db(), &app.store, "Coming", &RecipientFilter::All, later).await;
    let copy = app.folder.path().join("elsewhere").join("loupe.db");
    std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
    backup::make(&app.url, &copy, app.now()).await.unwrap();

    let app = on_file(app, &copy).await;
    assert_eq!(
        instance::settle(&app.state).await.unwrap(),
        Some(loupe::context::send_gate::Why::Elsewhere)
    );
    let sending = Sending::start(&app.state);
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert_eq!(kept(&app).await, 0);
    assert_eq!(row(app.db(), due).await.status, "scheduled");
    assert_eq!(tally(app.db(), &app.store, send).await.waiting, 6);

    let (owner, manager) = (app.sign_in_as(Role::Owner).await, app.sign_in_as(Role::Manager).await);
    let list = app.get("/marketing/campaigns", &owner).await.text;
    assert!(list.contains("Nothing is sent until an owner confirms") && list.contains("/api/instance/confirm"));
    assert!(list.contains("Scheduled sends: paused"));
    let seen = app.get("/marketing/campaigns", &manager).await.text;
    assert!(seen.contains("Nothing is sent until an owner confirms") && !seen.contains("/api/instance/confirm"));
    let refused = app
        .post_form("/api/instance/confirm", "/marketing/campaigns", &[], &manager)
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(app.state.send_gate.is_passive());

    let answer = app
        .post_form("/api/instance/confirm", "/marketing/campaigns", &[], &owner)
        .await;
    assert!(answer.status.is_redirection(), "{}", answer.text);
    // What was under way or due may have gone out in the former life: a person decides.
    assert_eq!(status(app.db(), going).await, "draft");
    assert_eq!(tally(app.db(), &app.store, send).await.cancelled, 6);
    assert_eq!(row(app.db(), due).await.hold.as_deref(), Some("missed"));
    // What comes, goes by itself.
    app.clock.set(later);
    wait_for(app.db(), coming, |r| r.status == "sent").await;
    assert_eq!(kept(&app).await, 6);
    sending.stop().await;
    let log: Vec<String> = loupe::on_db!(app.db(), |pool| sqlx::query_scalar(
        "select actor from audit_events where action = 'instance.confirmed'"
    )
    .fetch_all(pool)
    .await)
    .unwrap();
    assert_eq!(log, ["owner Person"]);
    assert_eq!(
        instance::settle(&app.state).await.unwrap(),
        None,
        "and it stays confirmed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_state_put_back_by_hand_is_noticed() {
    let app = TestApp::new(Backend::Sqlite).await;
    assert_eq!(instance::settle(&app.state).await.unwrap(), None);
    let old = back_up(&app, "old.db").await;
    app.clock.set(app.now() + Duration::minutes(10));
    let running = Running::start(&app.state);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    running.stop().await;
    app.db().close().await;
    let file = app.folder.path().join("loupe.db");
    for ending in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(app.folder.path().join(format!("loupe.db{ending}")));
    }
    // As `cp` does it: the same name, and even the same file number.
    std::fs::write(&file, std::fs::read(&old).unwrap()).unwrap();
    let app = on_file(app, &file).await;
    assert_eq!(
        instance::settle(&app.state).await.unwrap(),
        Some(loupe::context::send_gate::Why::Older)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_same_place_just_goes_on() {
    let app = TestApp::new(Backend::Sqlite).await;
    assert_eq!(instance::settle(&app.state).await.unwrap(), None);
    let running = Running::start(&app.state);
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    running.stop().await;
    app.db().close().await;
    let file = app.folder.path().join("loupe.db");
    let app = on_file(app, &file).await;
    assert_eq!(instance::settle(&app.state).await.unwrap(), None);
}

both!(a_record_of_another_place_makes_it_passive_on_every_instance, |app| {
    assert_eq!(instance::settle(&app.state).await.unwrap(), None);
    let second = AppState::new(app.state.db.clone(), app.clock.clone(), (*app.state.settings).clone());
    assert_eq!(
        instance::settle(&second).await.unwrap(),
        None,
        "several instances share one database"
    );
    people::change(
        app.db(),
        "update instance set value = replace(replace(value, 'loupe', 'other'), 'schema\":\"t', 'schema\":\"x')
          where key = 'home' and 1 = $1",
        1,
    )
    .await;
    for state in [&app.state, &second] {
        assert_eq!(
            instance::settle(state).await.unwrap(),
            Some(loupe::context::send_gate::Why::Elsewhere)
        );
    }
    let watching = tokio::spawn(instance::watch(second.clone()));
    let owner = app.sign_in_as(Role::Owner).await;
    app.post_form("/api/instance/confirm", "/marketing/campaigns", &[], &owner)
        .await;
    assert!(!app.state.send_gate.is_passive());
    tokio::time::timeout(std::time::Duration::from_secs(5), second.send_gate.until_active())
        .await
        .expect("the other instance hears of it");
    watching.abort();
});

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_comes_back_whole_and_passive() {
    let app = TestApp::new(Backend::Sqlite).await;
    instance::settle(&app.state).await.unwrap();
    people::crowd(app.db(), app.store.id, 40, &["wedding"], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    // While the program runs.
    let sending = Sending::start(&app.state);
    let file = back_up(&app, "nightly.db").await;
    sending.stop().await;
    let manifest = Manifest::read(&file).unwrap();
    assert_eq!(
        (
            manifest.rows["customers"],
            manifest.rows["sends"],
            manifest.rows["stores"]
        ),
        (40, 1, 1)
    );
    assert_eq!(manifest.rows["messages"], 40);
    assert_eq!(manifest.migration, db::newest_migration(Backend::Sqlite));
    people::crowd(app.db(), app.store.id, 5, &["late"], app.now()).await;

    let refused = backup::put_back(&app.url, &file, false, app.now()).await;
    assert!(matches!(refused, Err(Problem::InTheWay(_))), "{refused:?}");
    app.db().close().await;
    let done = backup::put_back(&app.url, &file, true, app.now()).await.unwrap();
    let aside = done.aside.unwrap();
    assert!(aside.exists(), "what was there is kept");

    let app = on_file(app, &done.to).await;
    assert_eq!(
        instance::settle(&app.state).await.unwrap(),
        Some(loupe::context::send_gate::Why::Restored)
    );
    assert_eq!((customers(&done.to).await, customers(&aside).await), (40, 45));
    let sending = Sending::start(&app.state);
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let frozen = tally(app.db(), &app.store, send).await;
    let owner = app.sign_in_as(Role::Owner).await;
    app.post_form("/api/instance/confirm", "/marketing/campaigns", &[], &owner)
        .await;
    let send = sends_of(app.db(), &app.store, campaign).await.remove(0);
    assert!(!send.state.is_open() || frozen.waiting == 0);
    if send.state == SendState::Reverted {
        assert!(send.problem.unwrap().contains("was being sent when this copy"));
        assert!(audit(app.db(), campaign).await.iter().any(|l| l.1 == "send.reverted"));
    }
    sending.stop().await;
}

#[tokio::test]
async fn what_a_dead_process_wrote_last_stays_with_its_own_database() {
    let app = TestApp::new(Backend::Sqlite).await;
    people::crowd(app.db(), app.store.id, 40, &[], app.now()).await;
    let file = back_up(&app, "nightly.db").await;
    people::crowd(app.db(), app.store.id, 5, &["late"], app.now()).await;

    let whole = leave_behind(&app, &app.folder.path().join("whole"));
    let url = |data: &Path| format!("sqlite://{}", data.display());
    let done = backup::put_back(&url(&whole), &file, true, app.now()).await.unwrap();
    let aside = done.aside.unwrap();
    let late = format!("{}-wal", aside.display());
    assert!(!Path::new(&late).exists(), "it is in one piece");
    assert_eq!((customers(&whole).await, customers(&aside).await), (40, 45));

    let lost = leave_behind(&app, &app.folder.path().join("lost"));
    std::fs::remove_file(&lost).unwrap();
    let done = backup::put_back(&url(&lost), &file, false, app.now()).await.unwrap();
    assert_eq!(done.aside, None, "there was no database");
    assert_eq!(customers(&lost).await, 40);
}

#[tokio::test]
async fn a_backup_that_was_cut_off_makes_way_for_the_next() {
    let app = TestApp::new(Backend::Sqlite).await;
    let file = back_up(&app, "nightly.db").await;
    let partial = app.folder.path().join("nightly.db.partial");
    // As a power cut leaves it: described, and without its name.
    std::fs::rename(&file, &partial).unwrap();
    people::crowd(app.db(), app.store.id, 3, &[], app.now()).await;
    back_up(&app, "nightly.db").await;
    assert_eq!(Manifest::read(&file).unwrap().rows["customers"], 3);
    assert!(!partial.exists());

    // Without that trace, the manifest may be of a backup that was carried away.
    std::fs::remove_file(&file).unwrap();
    let refused = backup::make(&app.url, &file, app.now()).await;
    assert!(matches!(refused, Err(Problem::Exists(_))), "{refused:?}");
}

#[tokio::test]
async fn a_damaged_backup_is_refused_and_nothing_changes() {
    let app = TestApp::new(Backend::Sqlite).await;
    people::crowd(app.db(), app.store.id, 10, &[], app.now()).await;
    let file = back_up(&app, "nightly.db").await;
    let again = backup::make(&app.url, &file, app.now()).await;
    assert!(
        matches!(again, Err(Problem::Exists(_))),
        "never written over: {again:?}"
    );
    let url = format!("sqlite://{}", app.folder.path().join("new.db").display());

    let whole = std::fs::read(&file).unwrap();
    let mut bytes = whole.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    std::fs::write(&file, &bytes).unwrap();
    let refused = backup::put_back(&url, &file, false, app.now()).await;
    assert!(matches!(refused, Err(Problem::Damaged(..))), "{refused:?}");

    std::fs::write(&file, &whole).unwrap();
    let path = Manifest::path(&file);
    let mut manifest = Manifest::read(&file).unwrap();
    *manifest.rows.get_mut("customers").unwrap() += 1;
    std::fs::write(&path, serde_json::to_string(&manifest).unwrap()).unwrap();
    let refused = backup::put_back(&url, &file, false, app.now()).await;
    assert!(matches!(refused, Err(Problem::Damaged(..))), "{refused:?}");

    *manifest.rows.get_mut("customers").unwrap() -= 1;
    manifest.migration += 1000;
    std::fs::write(&path, serde_json::to_string(&manifest).unwrap()).unwrap();
    let refused = backup::put_back(&url, &file, false, app.now()).await;
    assert!(matches!(refused, Err(Problem::TooNew { .. })), "{refused:?}");

    std::fs::remove_file(&path).unwrap();
    let refused = backup::put_back(&url, &file, false, app.now()).await;
    assert!(matches!(refused, Err(Problem::Missing(_))), "{refused:?}");
    assert!(!app.folder.path().join("new.db").exists());
}
