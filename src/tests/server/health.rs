//! What load balancers and graphs are told.

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use chrono::Duration;
use tower::ServiceExt;

use loupe::{context::settings::Given, health, recipients::model::RecipientFilter};

use crate::{
    both,
    support::{
        app::TestApp,
        people,
        planning::{self, Running},
        sending::{begun, deliver, draft, press},
    },
};

async fn ready(app: &TestApp) -> (StatusCode, serde_json::Value) {
    let answer = app.get("/readyz", "").await;
    (answer.status, serde_json::from_str(&answer.text).unwrap())
}

async fn until_ready(app: &TestApp, wanted: StatusCode) -> serde_json::Value {
    for _ in 0..250 {
        let (status, body) = ready(app).await;
        if status == wanted {
            return body;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("never {wanted}: {:?}", ready(app).await);
}

both!(it_is_ready_while_the_runner_shows_life_and_not_after, |app| {
    assert_eq!(app.get("/livez", "").await.text, "ok");
    let (status, body) = ready(&app).await;
    assert_eq!(
        (status, &body["scheduler"]),
        (StatusCode::SERVICE_UNAVAILABLE, &"silent".into())
    );
    let running = Running::start(&app.state);
    let body = until_ready(&app, StatusCode::OK).await;
    assert_eq!((&body["database"], &body["migrations"]), (&"ok".into(), &"ok".into()));
    running.stop().await;
    assert_eq!(ready(&app).await.0, StatusCode::SERVICE_UNAVAILABLE);
});

both!(a_stop_takes_readiness_first_while_pages_still_answer, |app| {
    let running = Running::start(&app.state);
    until_ready(&app, StatusCode::OK).await;
    app.state.leaving.cancel();
    let (status, body) = ready(&app).await;
    assert_eq!(
        (status, &body["stopping"]),
        (StatusCode::SERVICE_UNAVAILABLE, &true.into())
    );
    assert_eq!(app.get("/login", "").await.status, StatusCode::OK);
    assert_eq!(app.get("/livez", "").await.status, StatusCode::OK);
    running.stop().await;
});

both!(tables_that_are_not_up_to_date_are_not_ready, |app| {
    let running = Running::start(&app.state);
    until_ready(&app, StatusCode::OK).await;
    people::change(app.db(), "delete from _sqlx_migrations where version >= $1", 6).await;
    let (status, body) = ready(&app).await;
    assert_eq!(
        (status, &body["migrations"]),
        (StatusCode::SERVICE_UNAVAILABLE, &"not up to date".into())
    );
    running.stop().await;
});

#[tokio::test]
async fn pages_alone_need_no_runner() {
    let given = Given {
        dispatch: Some("off".to_owned()),
        ..Given::default()
    };
    let app = TestApp::with(loupe::db::Backend::Sqlite, given).await;
    let (status, body) = ready(&app).await;
    assert_eq!((status, &body["scheduler"]), (StatusCode::OK, &"off".into()));
}

async fn metrics(app: &TestApp) -> String {
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let answer = health::metrics_router(app.state.clone())
        .oneshot(request)
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let bytes = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn value(text: &str, name: &str) -> f64 {
    let line = text
        .lines()
        .find(|l| l.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
    line.and_then(|l| l.rsplit(' ').next())
        .unwrap_or_else(|| panic!("no {name} in {text}"))
        .parse()
        .unwrap()
}

both!(the_numbers_are_the_rows, |app| {
    people::crowd(app.db(), app.store.id, 7, &[], app.now()).await;
    people::one(app.db(), app.store.id, "No Mail", None, &[], app.now()).await;
    let sent = draft(app.db(), &app.store, "Sent", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, sent).await);
    deliver(&app.state, &app.store, send).await;
    let waiting = draft(app.db(), &app.store, "Waiting", &RecipientFilter::All).await;
    begun(press(&app.state, &app.store, waiting).await);
    people::change(
        app.db(),
        "update sends set state = 'sending' where state = 'holding' and id > $1",
        0,
    )
    .await;
    let late = app.now() - Duration::seconds(30);
    planning::planned(app.db(), &app.store, "Planned", &RecipientFilter::All, late).await;
    app.clock.set(app.now() + Duration::seconds(15));
    let text = metrics(&app).await;
    let of = |name: &str| value(&text, name);
    assert_eq!(of("loupe_settled_messages{state=\"accepted\"}"), 7.0);
    assert_eq!(of("loupe_settled_messages{state=\"skipped\"}"), 2.0);
    assert_eq!(of("loupe_queue_messages{state=\"queued\"}"), 7.0);
    assert_eq!(of("loupe_oldest_due_message_seconds"), 15.0);
    assert_eq!(of("loupe_open_sends"), 1.0);
    assert_eq!((of("loupe_due_campaigns"), of("loupe_runner_lag_seconds")), (1.0, 45.0));
    assert_eq!((of("loupe_runner_running"), of("loupe_passive")), (0.0, 0.0));
    assert!(
        !text.contains('@') && !text.contains("Waiting"),
        "no address, no name, no words: {text}"
    );
    assert!(
        text.contains("# TYPE loupe_settled_messages gauge"),
        "what is unknown may become accepted: {text}"
    );
    people::change(app.db(), "update sends set paused_by = 'Ann' where id > $1", 0).await;
    let text = metrics(&app).await;
    assert_eq!(
        value(&text, "loupe_oldest_due_message_seconds"),
        0.0,
        "what a person has paused waits for nobody else"
    );
    assert_eq!(
        app.get("/metrics", "").await.status,
        StatusCode::NOT_FOUND,
        "not beside the pages"
    );
});
