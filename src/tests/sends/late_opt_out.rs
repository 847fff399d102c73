//! Whoever opts out, or stops a send, while a message waits behind one that the mail server is
//! slow to answer, is heard: it was marked long before its content would leave.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use loupe::{
    context::{actor::Role, settings::Given},
    db::Backend,
    dispatch, on_db,
    recipients::model::RecipientFilter,
    sends::model::SendState,
};

use crate::support::{
    app::TestApp,
    people,
    sending::{begun, draft, press, tally, until},
    sink::Sink,
};

/// What is said while the first of three messages waits for its answer, and the second behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    OptOut,
    Stop,
    Pause,
}

async fn is_heard(backend: Backend, word: Word) {
    let (app, sink) = TestApp::mailing(backend, vec![], "?connections=1", Given::default()).await;
    let ids = people::crowd(app.db(), app.store.id, 3, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    sink.hold_answers();
    let stop = CancellationToken::new();
    let task = tokio::spawn(dispatch::run(app.state.clone(), stop.clone()));
    until_marked(&app, 2).await;
    // A mark is believed for a second.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let (page, id) = (format!("/marketing/campaigns/{campaign}"), send.to_string());
    let cookie = app.sign_in_as(Role::Owner).await;
    let press = async |path| app.post_form(path, &page, &[("send_id", &id)], &cookie).await;
    match word {
        Word::OptOut => {
            let withdraw = "update customers set email_consent = 'withdrawn' where id = $1";
            people::change(app.db(), withdraw, ids[1]).await;
        }
        Word::Stop => drop(press("/api/sends/stop").await),
        Word::Pause => drop(press("/api/sends/pause").await),
    }
    sink.release_answers();
    let count = async || {
        let t = tally(app.db(), &app.store, send).await;
        (t.sent, t.skipped, t.cancelled, t.waiting)
    };
    match word {
        Word::OptOut => {
            until(&app.state, &app.store, send, |s| !s.state.is_open()).await;
            assert_eq!(count().await, (2, 1, 0, 0));
            assert_eq!(reached(&sink), ["p000001", "p000003"]);
        }
        Word::Stop => {
            until_marked(&app, 0).await;
            assert_eq!(count().await, (1, 0, 2, 0));
            assert_eq!(reached(&sink), ["p000001"]);
        }
        Word::Pause => {
            until_marked(&app, 0).await;
            assert_eq!(count().await, (1, 0, 0, 2));
            assert_eq!(reached(&sink), ["p000001"]);
            press("/api/sends/resume").await;
            let ended = until(&app.state, &app.store, send, |s| !s.state.is_open()).await;
            assert_eq!((ended.state, count().await), (SendState::Done, (3, 0, 0, 0)));
            assert_eq!(reached(&sink), ["p000001", "p000002", "p000003"], "once each");
        }
    }
    stop.cancel();
    task.await.unwrap();
}

/// Waits until so many messages are marked.
async fn until_marked(app: &TestApp, wanted: i64) {
    let begin = Instant::now();
    loop {
        let marked: i64 = on_db!(app.db(), |pool| sqlx::query_scalar(
            "select count(*) from messages where state = 'attempting'"
        )
        .fetch_one(pool)
        .await)
        .unwrap();
        if marked == wanted {
            return;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "{marked} are marked");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Who has it, in order.
fn reached(sink: &Sink) -> Vec<String> {
    let mut names: Vec<String> = sink
        .received()
        .iter()
        .map(|one| one.recipient.split('@').next().unwrap_or_default().to_owned())
        .collect();
    names.sort();
    names
}

async fn every_last_word_is_heard(backend: Backend) {
    tokio::join!(
        is_heard(backend, Word::OptOut),
        is_heard(backend, Word::Stop),
        is_heard(backend, Word::Pause),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_last_word_is_heard_on_sqlite() {
    Box::pin(every_last_word_is_heard(Backend::Sqlite)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_last_word_is_heard_on_postgres() {
    Box::pin(every_last_word_is_heard(Backend::Postgres)).await;
}
