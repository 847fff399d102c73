//! What was said for an address stays with it, whoever has it.

mod forms;
mod links;
mod sending;

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use loupe::{
    consent::{
        self,
        model::{Channel, Wish},
    },
    customers::{
        import::{Job, Mode, Report, run_file},
        model::CustomerForm,
        queries::{self, Customer},
        rules,
    },
    on_db,
    recipients::{
        self,
        model::{RecipientFilter, SkipReason},
    },
};

use crate::support::app::{Answer, TestApp};

async fn find(app: &TestApp, id: i64) -> Customer {
    queries::find(app.db(), app.store.id, id).await.unwrap().unwrap()
}

async fn token(app: &TestApp, id: i64) -> String {
    find(app, id).await.unsubscribe_token
}

async fn import(app: &TestApp, content: &str) -> Report {
    let path = app.folder.path().join("book.csv");
    std::fs::write(&path, content).unwrap();
    let job = Job {
        file_name: "book.csv".to_owned(),
        path,
        mapping: None,
        mode: Mode::Apply,
        actor: "Priya Nair".to_owned(),
    };
    run_file(app.db(), &app.store, &job, &app.clock, None, |_| {})
        .await
        .unwrap()
}

/// The customer of this name.
async fn named(app: &TestApp, name: &str) -> i64 {
    on_db!(app.db(), |pool| sqlx::query_scalar(
        "select id from customers where name = $1"
    )
    .bind(name)
    .fetch_one(pool)
    .await)
    .unwrap()
}

/// Gives a customer another address.
async fn move_to(app: &TestApp, id: i64, email: &str) {
    let before = find(app, id).await;
    let form = CustomerForm {
        name: before.name,
        email: email.to_owned(),
        ..CustomerForm::default()
    };
    let read_at = before.updated_at.timestamp_micros();
    rules::edit(app.db(), &app.store, "Priya Nair", id, read_at, &form, app.now())
        .await
        .unwrap();
}

/// Records what a customer told staff.
async fn told(app: &TestApp, id: i64, wish: Wish) {
    let (db, now) = (app.db(), app.now());
    consent::rules::change_by_staff(db, app.store.id, "Ben", id, Channel::Email, wish, "by phone", now)
        .await
        .unwrap();
}

/// Uses a link as a mail provider does: from elsewhere, without a cookie.
async fn ask(app: &TestApp, method: Method, token: &str, body: &'static str) -> Answer {
    let answer = app
        .send(
            Request::builder()
                .method(method)
                .uri(format!("/u/{token}"))
                .header("sec-fetch-site", "cross-site")
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Body::from(body))
                .unwrap(),
        )
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer
}

async fn press_unsubscribe(app: &TestApp, token: &str) -> Answer {
    ask(app, Method::POST, token, "List-Unsubscribe=One-Click").await
}

/// Why a customer would get nothing; none for somebody who would get it.
async fn reason(app: &TestApp, id: i64) -> Option<SkipReason> {
    let store = loupe::stores::queries::find(app.db(), app.store.id)
        .await
        .unwrap()
        .unwrap();
    let scope = recipients::rules::scope(&store, app.now(), None);
    let audience = recipients::queries::count(app.db(), &scope, &RecipientFilter::Manual(vec![id]))
        .await
        .unwrap();
    assert_eq!(audience.matched, 1);
    audience.skipped.first().map(|(reason, _)| *reason)
}

/// How many lines of the ledger there are.
async fn lines(app: &TestApp) -> i64 {
    on_db!(app.db(), |pool| sqlx::query_scalar(
        "select count(*) from consent_events"
    )
    .fetch_one(pool)
    .await)
    .unwrap()
}

/// Whether the store asks for an agreement.
async fn ask_for_opt_in(app: &TestApp, asks: bool) {
    let mut tx = app.db().begin().await.unwrap();
    loupe::on_tx!(&mut tx, |conn| sqlx::query(
        "update stores set email_requires_opt_in = $1"
    )
    .bind(asks)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
    .unwrap();
    tx.commit().await.unwrap();
}
