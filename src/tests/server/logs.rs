//! The log tells what happened and nothing about anybody.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use loupe::{context::settings::Given, db::Backend, recipients::model::RecipientFilter};

use crate::support::{
    app::TestApp,
    people,
    sending::{begun, deliver, draft, press, tally},
    sink::{Fault, Rule, When},
};

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A send in which most things go wrong that can, logged in full.
async fn a_send_is_logged_without_who_and_what(backend: Backend) {
    let rules = vec![
        Rule::new(When::To("p000001".to_owned()), Fault::Rcpt(550)),
        Rule::new(When::To("p000002".to_owned()), Fault::HangUpAfterDot),
        Rule::new(When::To("p000003".to_owned()), Fault::Dot(554)),
    ];
    let (app, _sink) = TestApp::mailing(backend, rules, "", Given::default()).await;
    people::crowd(app.db(), app.store.id, 12, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Quiet pearls", &RecipientFilter::All).await;
    let kept = Kept::default();
    let writer = kept.clone();
    // For this thread, on which everything of this test runs.
    let _logging = tracing::subscriber::set_default(
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish(),
    );
    let send = begun(press(&app.state, &app.store, campaign).await);
    deliver(&app.state, &app.store, send).await;
    let after = tally(app.db(), &app.store, send).await;
    assert!(
        after.sent > 0 && after.failed == 2 && after.unconfirmed > 0,
        "{after:?}"
    );

    let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("send ended"), "{text}");
    let body = loupe::on_db!(app.db(), |pool| sqlx::query_scalar::<_, String>(
        "select body from sends where id = $1"
    )
    .bind(send)
    .fetch_one(pool)
    .await)
    .unwrap();
    for line in body.lines().filter(|line| line.len() > 3) {
        assert!(!text.contains(line), "a line of the message: {line}\n{text}");
    }
    for secret in ["@example.com", "p000001", "Quiet pearls"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[tokio::test]
async fn a_send_is_logged_without_who_and_what_on_sqlite() {
    a_send_is_logged_without_who_and_what(Backend::Sqlite).await;
}

#[tokio::test]
async fn a_send_is_logged_without_who_and_what_on_postgres() {
    a_send_is_logged_without_who_and_what(Backend::Postgres).await;
}
