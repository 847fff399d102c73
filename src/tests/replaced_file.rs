//! Another file is put in the place of the SQLite database while Loupe runs.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use axum::http::StatusCode;
use loupe::{
    backup,
    context::{actor::Role, send_gate::Why},
    db::Backend,
    instance, on_db,
};

use crate::{
    instance::backup::on_file,
    support::{
        app::{TestApp, words},
        people,
        planning::Running,
    },
};

/// A store at home, a backup of it, and much that was written since and is still in the log.
async fn with_a_large_log() -> (TestApp, PathBuf) {
    let app = TestApp::new(Backend::Sqlite).await;
    assert_eq!(instance::settle(&app.state).await.unwrap(), None);
    people::crowd(app.db(), app.store.id, 40, &[], app.now()).await;
    let copy = app.folder.path().join("backup.db");
    backup::make(&app.url, &copy, app.now()).await.unwrap();
    people::crowd(app.db(), app.store.id, 3000, &["late"], app.now()).await;
    let log = std::fs::metadata(app.folder.path().join("loupe.db-wal")).unwrap().len();
    assert!(log > 2_000_000, "{log}");
    (app, copy)
}

/// What `mv` does.
fn put_over(app: &TestApp, file: &Path) -> PathBuf {
    let data = app.folder.path().join("loupe.db");
    std::fs::rename(file, &data).unwrap();
    data
}

async fn is_noticed(app: &TestApp) {
    for _ in 0..1000 {
        if app.state.send_gate.is_replaced() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it was never noticed");
}

async fn customers(app: &TestApp) -> i64 {
    on_db!(app.db(), |pool| sqlx::query_scalar("select count(*) from customers")
        .fetch_one(pool)
        .await)
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_put_over_the_running_database_stays_as_it_is() {
    let (app, copy) = with_a_large_log().await;
    let owner = app.sign_in_as(Role::Owner).await;
    let put = std::fs::read(&copy).unwrap();
    let watching = tokio::spawn(instance::watch(app.state.clone()));
    let running = Running::start(&app.state);
    let data = put_over(&app, &copy);
    // More pages at once than there are connections: others are opened.
    let pages = (0..30).map(|_| app.get("/customers", &owner));
    futures::future::join_all(pages).await;
    let refused = app.db().begin().await;
    assert!(refused.is_err(), "nothing is written into a file that is gone");
    is_noticed(&app).await;
    watching.await.unwrap();

    for path in ["/customers", "/login", "/u/any", "/marketing/campaigns"] {
        let page = app.get(path, &owner).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(words(&page.text).contains("loupe restore"), "{path}: {}", page.text);
    }
    let form = app
        .post_form("/api/instance/confirm", "/marketing/campaigns", &[], &owner)
        .await;
    assert_eq!(form.status, StatusCode::SERVICE_UNAVAILABLE, "nobody can confirm it");
    let ready = app.get("/readyz", "").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(ready.text.contains("loupe restore"), "{}", ready.text);
    assert_eq!(app.get("/livez", "").await.status, StatusCode::OK);

    running.stop().await;
    app.db().close().await;
    assert!(std::fs::read(&data).unwrap() == put, "not a byte was written into it");
    assert!(!app.folder.path().join("loupe.db-wal").exists());
    // What was written since is kept beside it, under a name that nobody plays into anything.
    let beside = std::fs::read_dir(app.folder.path()).unwrap();
    let kept = beside.flatten().any(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with("loupe.db.replaced-") && name.ends_with("-wal")
    });
    assert!(kept);

    let app = on_file(app, &data).await;
    assert_eq!(customers(&app).await, 40);
    assert_eq!(instance::damage(app.db()).await.unwrap(), None, "it is whole");
    let doubt = instance::settle(&app.state).await.unwrap();
    assert!(matches!(doubt, Some(Why::Elsewhere | Why::Older)), "{doubt:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_taken_away_is_noticed_by_whoever_writes() {
    let (app, _) = with_a_large_log().await;
    let data = app.folder.path().join("loupe.db");
    let away = app.folder.path().join("away.db");
    std::fs::rename(&data, &away).unwrap();
    assert!(app.db().begin().await.is_err());
    // Bringing it back is not enough: what others did to it meanwhile is not known.
    std::fs::rename(&away, &data).unwrap();
    assert!(app.db().begin().await.is_err());
    let watching = tokio::spawn(instance::watch(app.state.clone()));
    is_noticed(&app).await;
    watching.await.unwrap();
    assert_eq!(app.state.send_gate.why(), Some(Why::Replaced));
}

// A restart in the same place is no reason to look at every page of the file; another file is.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_that_was_put_there_is_refused_at_the_start() {
    let (app, copy) = with_a_large_log().await;
    assert_eq!(instance::damage(app.db()).await.unwrap(), None);
    app.db().close().await;
    let whole = std::fs::read(&copy).unwrap();
    let start = || {
        std::process::Command::new(env!("CARGO_BIN_EXE_loupe"))
            .arg("worker")
            .current_dir(app.folder.path())
            .env("LOUPE_DATABASE_URL", &app.url)
            .env("LOUPE_SECRET_KEY", "a secret key for tests, long enough")
            .output()
            .unwrap()
    };
    // Everything from the middle on loses what it says; one page near the end does; the first one does.
    let end = whole.len();
    for lost in [end / 2..end, end - 3 * 4096..end - 2 * 4096, 0..4096] {
        let mut bytes = whole.clone();
        bytes[lost.clone()].fill(0x5a);
        std::fs::write(&copy, bytes).unwrap();
        put_over(&app, &copy);
        let said = start();
        let words = String::from_utf8_lossy(&said.stderr).into_owned();
        assert_eq!(said.status.code(), Some(1), "{lost:?}: {words}");
        assert!(
            words.contains("not whole") && words.contains("loupe restore"),
            "{lost:?}: {words}"
        );
    }
}
