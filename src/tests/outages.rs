//! A database that can't be used: nobody is signed out by it, nothing that was typed is lost, and it
//! says what is wrong.

use std::time::{Duration, Instant};

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use loupe::{
    context::{actor::Role, settings::Given},
    db::{self, Backend, Db},
    server::router::router,
};

use crate::{
    both,
    support::app::{Answer, TestApp, fields_of},
};

const FORM: &str = "application/x-www-form-urlencoded";

fn assert_away(what: &str, answer: &Answer) {
    assert_eq!(
        answer.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "{what}: {}",
        answer.text
    );
    assert_eq!(answer.headers[header::RETRY_AFTER], "30", "{what}");
    assert_eq!(answer.location(), "", "{what}");
    assert!(
        !answer.headers.contains_key(header::SET_COOKIE),
        "{what}: nobody is signed out"
    );
}

/// The same application on another connection to its database.
async fn moved_to(app: &mut TestApp, db: Db) {
    app.state.db = db;
    app.router = router(app.state.clone());
}

both!(a_database_that_is_away_signs_nobody_out, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    app.db().close().await;
    for path in [
        "/marketing/campaigns",
        "/customers?q=ann",
        "/settings",
        "/u/some-token",
        "/login",
        "/",
        "/setup",
    ] {
        for cookie in ["", cookie.as_str()] {
            if cookie.is_empty() && ["/marketing/campaigns", "/customers?q=ann", "/settings"].contains(&path) {
                continue;
            }
            let page = app.get(path, cookie).await;
            assert_away(path, &page);
            assert!(page.text.contains("reach its database"), "{path}: {}", page.text);
            assert!(page.text.contains(&format!("href=\"{path}\"")), "{path}: {}", page.text);
            assert!(!page.text.contains("Sign in"), "{path}: {}", page.text);
        }
    }
    let call = app
        .call("/api/campaigns/save", FORM, "name=Spring&intent=draft", &cookie)
        .await;
    assert_away("a call", &call);
    assert_eq!(call.text, r#"{"code":"unavailable","why":"away"}"#);
    let call = app
        .call("/api/recipients/find", "application/json", r#"{"text":"x"}"#, &cookie)
        .await;
    assert_away("a call", &call);
    let one_click = Request::post("/u/some-token")
        .header(header::CONTENT_TYPE, FORM)
        .body(Body::from("List-Unsubscribe=One-Click"))
        .unwrap();
    assert_away("one click", &app.send(one_click).await);
    let event = app.call("/hooks/email/some-token", "application/json", "{}", "").await;
    assert_away("an event", &event);
    assert_eq!(app.get("/livez", "").await.status, StatusCode::OK);
    assert_eq!(app.get("/readyz", "").await.status, StatusCode::SERVICE_UNAVAILABLE);
});

both!(what_was_typed_stays_on_the_page, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    app.db().close().await;
    let body = format!("Dear <friend> & \"you\",\n\n{}", "Long. ".repeat(2_000));
    let fields = [
        ("name", "Spring"),
        ("body", body.as_str()),
        ("tags", "vip"),
        ("tags", "pearls"),
        ("intent", "send_now"),
        ("send_token", "once"),
    ];
    for path in ["/api/campaigns/save", "/api/campaigns/send", "/sends/7/correction"] {
        let page = app.post_form(path, "/marketing/campaigns/new", &fields, &cookie).await;
        assert_away(path, &page);
        let kept: Vec<(String, String)> = fields_of(&page.text, path);
        let typed = |text: &str| {
            text.replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", "\"")
                .replace("&amp;", "&")
        };
        let kept: Vec<(String, String)> = kept.into_iter().map(|(name, value)| (name, typed(&value))).collect();
        let sent: Vec<(String, String)> = fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        assert_eq!(kept, sent, "{path}");
    }
    // A password is never written into a page; it is asked for again.
    let fields = [
        ("email", "ann@example.com"),
        ("password", "very-secret"),
        ("next", "/customers"),
    ];
    let page = app.post_form("/api/auth/sign-in", "/login", &fields, "").await;
    assert_away("signing in", &page);
    assert!(!page.text.contains("very-secret"), "{}", page.text);
    assert!(page.text.contains("ann@example.com") && page.text.contains("type=\"password\""));
});

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_is_told_soon() {
    let mut app = TestApp::new(Backend::Postgres).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let nowhere = sqlx::postgres::PgPoolOptions::new()
        .acquire_timeout(Duration::from_secs(10))
        .connect_lazy("postgres://loupe@127.0.0.1:1/nowhere")
        .unwrap();
    moved_to(&mut app, Db::Postgres(nowhere)).await;
    for (path, cookie) in [("/marketing/campaigns", cookie.as_str()), ("/login", ""), ("/u/x", "")] {
        let begun = Instant::now();
        assert_away(path, &app.get(path, cookie).await);
        assert!(
            begun.elapsed() < Duration::from_secs(6),
            "{path}: {:?}",
            begun.elapsed()
        );
    }
    let ready = app.get("/readyz", "").await;
    assert!(
        ready.text.contains("\"database\":\"can't be reached\""),
        "{}",
        ready.text
    );
}

async fn read_only(backend: Backend) -> TestApp {
    let given = Given {
        dispatch: Some("off".to_owned()),
        ..Given::default()
    };
    let mut app = TestApp::with(backend, given).await;
    let url = match backend {
        Backend::Sqlite => format!("{}?mode=ro", app.url),
        Backend::Postgres => format!("{}&options[default_transaction_read_only]=on", app.url),
    };
    let db = db::connect(&url).await.unwrap();
    moved_to(&mut app, db).await;
    app
}

async fn a_read_only_database_says_so(backend: Backend) {
    let mut app = read_only(backend).await;
    let read = app.state.db.clone();
    let writing = db::connect(&app.url).await.unwrap();
    moved_to(&mut app, writing).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    moved_to(&mut app, read).await;
    assert_eq!(
        app.get("/customers", &cookie).await.status,
        StatusCode::OK,
        "reading goes on"
    );
    let fields = [("form[name]", "Amara")];
    let page = app
        .post_form("/api/customers/add", "/customers/new", &fields, &cookie)
        .await;
    assert_away("a form", &page);
    assert!(
        page.text.contains("can only be read") && page.text.contains("Amara"),
        "{}",
        page.text
    );
    let call = app.call("/api/customers/add", FORM, "form[name]=Amara", &cookie).await;
    assert_away("a call", &call);
    assert!(call.text.contains("read_only"), "{}", call.text);
    let ready = app.get("/readyz", "").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(ready.text.contains("\"database\":\"read-only\""), "{}", ready.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_database_says_so_on_sqlite() {
    a_read_only_database_says_so(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_database_says_so_on_postgres() {
    a_read_only_database_says_so(Backend::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_another_program_holds_says_so() {
    let given = Given {
        dispatch: Some("off".to_owned()),
        ..Given::default()
    };
    let app = TestApp::with(Backend::Sqlite, given).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    assert_eq!(app.get("/readyz", "").await.status, StatusCode::OK);
    let Db::Sqlite(other) = db::connect(&app.url).await.unwrap() else {
        panic!("SQLite")
    };
    let mut held = other.write.turn().await.unwrap();
    sqlx::query("begin exclusive").execute(&mut *held).await.unwrap();
    let ready = app.get("/readyz", "").await;
    assert!(ready.text.contains("\"database\":\"locked\""), "{}", ready.text);
    assert_eq!(
        app.get("/customers", &cookie).await.status,
        StatusCode::OK,
        "reading goes on"
    );
    let page = app
        .post_form(
            "/api/customers/add",
            "/customers/new",
            &[("form[name]", "Amara")],
            &cookie,
        )
        .await;
    assert_away("a form", &page);
    assert!(
        page.text.contains("held by another program") && page.text.contains("Amara"),
        "{}",
        page.text
    );
    sqlx::query("rollback").execute(&mut *held).await.unwrap();
    drop(held);
    assert_eq!(app.get("/readyz", "").await.status, StatusCode::OK);
    let again = app
        .post_form(
            "/api/customers/add",
            "/customers/new",
            &[("form[name]", "Amara")],
            &cookie,
        )
        .await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.text);
}
