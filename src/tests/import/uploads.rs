//! Files on their way in: any instance goes on with one, none waits for ever, and only pieces of one are
//! in memory.

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use loupe::{
    context::{AppState, actor::Role},
    customers::import::upload::{self, About, LARGEST_FILE, Upload},
    db::{self, Backend},
    on_db,
    server::router::router,
};

use super::{PLAIN, everyone};
use crate::{
    both,
    support::{app::TestApp, planning::Running},
};

/// How many files wait, in how many pieces, and how long the longest piece is.
async fn kept(app: &TestApp) -> (i64, i64, i64) {
    on_db!(app.db(), |pool| sqlx::query_as(
        "select (select count(*) from uploads), count(*), cast(coalesce(max(length(bytes)), 0) as bigint)
           from upload_pieces"
    )
    .fetch_one(pool)
    .await)
    .unwrap()
}

async fn brought(app: &TestApp, bytes: &[u8], at: DateTime<Utc>) -> Upload {
    let about = About {
        store: app.store.id,
        file_name: "book.csv".to_owned(),
    };
    let mut incoming = Upload::begin(app.db(), about, at).await.unwrap();
    for part in bytes.chunks(100_000) {
        assert!(incoming.add(part).await.unwrap());
    }
    incoming.finish().await.unwrap()
}

both!(another_instance_goes_on_with_a_file, |app| {
    let mut app = app;
    let cookie = app.sign_in_as(Role::Manager).await;
    let text = "name,email\nAmara Okafor,amara@example.com\nBen,ben@\n";
    let path = app
        .upload("book.csv", text.as_bytes(), &cookie)
        .await
        .location()
        .to_owned();
    let first = app.router.clone();
    // Its own connections, its own process: only the database is the same.
    let own = db::connect(&app.url).await.unwrap();
    let second = AppState::new(own, app.clock.clone(), (*app.state.settings).clone());
    app.router = router(second.clone());
    assert!(app.get(&path, &cookie).await.text.contains("amara@example.com"));
    let fields = |intent| [("field", "name"), ("field", "email"), ("intent", intent)];
    let checked = app.post_form(&path, &path, &fields("check"), &cookie).await;
    assert!(checked.text.contains("1 customer would be added"), "{}", checked.text);
    app.router = first.clone();
    let errors = app.get(&format!("{path}/errors.csv"), &cookie).await;
    assert_eq!(
        errors.text.lines().count(),
        2,
        "the first has what the second found: {}",
        errors.text
    );
    app.router = router(second.clone());
    let begun = app.post_form(&path, &path, &fields("import"), &cookie).await;
    assert!(begun.location().starts_with("/customers/imports/"), "{}", begun.text);
    app.router = first;
    for _ in 0..500 {
        if app
            .get(begun.location(), &cookie)
            .await
            .text
            .contains("Import finished.")
        {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(everyone(app.db(), &app.store).await.len(), 1);
    let again = app.post_form(&path, &path, &fields("import"), &cookie).await;
    assert_eq!(
        again.location(),
        "/customers/import",
        "it is taken, wherever one presses"
    );
    assert_eq!(kept(&app).await, (0, 0, 0));
    second.db.close().await;
});

both!(of_two_who_press_import_one_has_the_file, |app| {
    let upload = brought(&app, PLAIN.as_bytes(), app.now()).await;
    let claims = (0..6).map(|_| upload.claim(app.db()));
    let claims = futures::future::join_all(claims).await;
    let had: Vec<_> = claims.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(had.len(), 1);
    assert_eq!(std::fs::read(had[0].path()).unwrap(), PLAIN.as_bytes());
});

both!(a_file_waits_for_a_day_and_then_goes_by_itself, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let path = app
        .upload("a.csv", PLAIN.as_bytes(), &cookie)
        .await
        .location()
        .to_owned();
    let about = About {
        store: app.store.id,
        file_name: "half.csv".to_owned(),
    };
    // Whoever was sending it has died in the middle.
    let mut half = Upload::begin(app.db(), about, app.now()).await.unwrap();
    assert!(half.add(&vec![b'x'; 300_000]).await.unwrap());
    drop(half);
    assert_eq!(kept(&app).await.0, 2);
    app.clock.set(app.now() + TimeDelta::hours(23));
    upload::forget_old(app.db(), app.now()).await.unwrap();
    let cookie = app.sign_in_as(Role::Owner).await;
    assert_eq!(app.get(&path, &cookie).await.status, StatusCode::OK);
    assert_eq!(kept(&app).await.0, 2);
    app.clock.set(app.now() + TimeDelta::hours(1));
    assert_eq!(app.get(&path, &cookie).await.status, StatusCode::NOT_FOUND);
    let running = Running::start(&app.state);
    for _ in 0..1000 {
        if kept(&app).await.0 == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    running.stop().await;
    assert_eq!(kept(&app).await, (0, 0, 0));
});

both!(a_half_sent_file_is_never_imported, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    let about = About {
        store: app.store.id,
        file_name: "half.csv".to_owned(),
    };
    let mut half = Upload::begin(app.db(), about, app.now()).await.unwrap();
    assert!(half.add(PLAIN.as_bytes()).await.unwrap());
    assert!(half.add(&vec![b'\n'; 300_000]).await.unwrap());
    let token: String = on_db!(app.db(), |pool| sqlx::query_scalar("select token from uploads")
        .fetch_one(pool)
        .await)
    .unwrap();
    let page = app.get(&format!("/customers/import/{token}"), &cookie).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    half.abandon().await;
    assert_eq!(kept(&app).await, (0, 0, 0));
});

both!(of_many_files_the_oldest_makes_room, |app| {
    let mut brought_at = app.now();
    let mut tokens = Vec::new();
    for _ in 0..10 {
        brought_at += TimeDelta::minutes(1);
        tokens.push(brought(&app, PLAIN.as_bytes(), brought_at).await.token().to_owned());
    }
    let mut there = Vec::new();
    for token in &tokens {
        let found = Upload::find(app.db(), app.store.id, token, brought_at).await.unwrap();
        there.push(found.is_some());
    }
    assert_eq!(there, [&[false; 2][..], &[true; 8][..]].concat());
});

// In pieces: what is in memory does not grow with the file.
async fn the_largest_file_is_taken_in_pieces(backend: Backend) {
    let app = TestApp::new(backend).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let largest = usize::try_from(LARGEST_FILE).unwrap();
    let mut file = b"name,email\n".to_vec();
    let line = b"Amara Okafor,amara@example.com\n";
    while file.len() + line.len() <= largest {
        file.extend(line);
    }
    file.resize(largest, b'\n');
    let answer = app.upload("large.csv", &file, &cookie).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert_eq!(kept(&app).await, (1, 256, 256 * 1024));
    let token = answer.location().rsplit('/').next().unwrap();
    let upload = Upload::find(app.db(), app.store.id, token, app.now())
        .await
        .unwrap()
        .unwrap();
    let spool = upload.spool(app.db()).await.unwrap();
    assert!(std::fs::read(spool.path()).unwrap() == file, "as it came");
    file.push(b'\n');
    let answer = app.upload("larger.csv", &file, &cookie).await;
    assert!(answer.text.contains("larger than 64 MB"), "{}", answer.text);
    assert_eq!(kept(&app).await.0, 1, "nothing stays of it");
}

mod the_largest_file {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn is_taken_in_pieces_on_sqlite() {
        the_largest_file_is_taken_in_pieces(Backend::Sqlite).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn is_taken_in_pieces_on_postgres() {
        the_largest_file_is_taken_in_pieces(Backend::Postgres).await;
    }
}
