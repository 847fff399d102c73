//! Servers that take so many messages over one connection: everybody gets theirs, and nothing waits.

use std::collections::HashSet;

use loupe::{
    context::settings::Given, db::Backend, on_db, recipients::model::RecipientFilter, sends::queries::SendRecord,
};

use crate::support::{
    app::TestApp,
    people,
    planning::audit,
    sending::{self, begun, deliver, draft, is_done, press, tally},
    sink::{Keep, PerConnection, Settings, Sink, Stage},
};

const PEOPLE: usize = 300;
const CONNECTIONS: u64 = 3;
/// As servers say it, and without a word about why.
const WORDS: [&str; 2] = ["4.7.0 Maximum message count per session reached.", "not now"];

async fn house(backend: Backend, limit: PerConnection, options: &str, people: usize) -> (TestApp, Sink, i64, i64) {
    let sink = Sink::start(Settings {
        per_connection: Some(limit),
        keep: Keep::Recipients,
        ..Settings::default()
    })
    .await
    .unwrap();
    let given = Given {
        smtp_url: Some(format!("{}?connections={CONNECTIONS}{options}", sink.url())),
        ..Given::default()
    };
    let app = TestApp::with(backend, given).await;
    people::crowd(app.db(), app.store.id, people, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    (app, sink, campaign, send)
}

async fn tried_more_than_once(app: &TestApp) -> i64 {
    on_db!(app.db(), |pool| sqlx::query_scalar(
        "select count(*) from messages where attempts <> 1"
    )
    .fetch_one(pool)
    .await)
    .unwrap()
}

/// All are accepted, once, without a pause, and the server is not asked in vain for ever.
async fn goes_through(backend: Backend, limit: PerConnection, options: &str) {
    let (app, sink, campaign, send) = house(backend, limit, options, PEOPLE).await;
    let ended = deliver(&app.state, &app.store, send).await;
    assert!(is_done(&ended) && ended.problem.is_none(), "{limit:?}: {ended:?}");
    let after = tally(app.db(), &app.store, send).await;
    assert_eq!((after.sent, after.failed, after.unconfirmed), (300, 0, 0), "{limit:?}");
    let copies = sink.copies();
    assert_eq!(copies.len(), PEOPLE, "{limit:?}");
    assert!(copies.values().all(|copies| *copies == 1), "{limit:?}");
    assert_eq!(tried_more_than_once(&app).await, 0, "{limit:?}");
    let done: HashSet<String> = audit(app.db(), campaign).await.into_iter().map(|row| row.1).collect();
    assert!(!done.contains("send.paused"), "{limit:?}: {done:?}");
    let counts = sink.counts();
    assert!(counts.connections >= 300 / limit.most, "{limit:?}: {counts:?}");
    if limit.stage != Stage::After {
        // Two of each connection before it is known, whatever they are in the middle of.
        assert!(
            counts.refused <= 3 * CONNECTIONS,
            "{limit:?}: it has not learned: {counts:?}"
        );
    }
}

fn limits() -> impl Iterator<Item = PerConnection> {
    let stages = [Stage::Mail, Stage::Rcpt, Stage::Data, Stage::After];
    let cases = stages.into_iter().flat_map(|stage| [(stage, 421), (stage, 452)]);
    // What comes unasked is the end.
    let cases = cases.filter(|case| *case != (Stage::After, 452));
    cases.enumerate().flat_map(|(n, (stage, code))| {
        [2, 3, 20].map(|most| PerConnection {
            most,
            stage,
            code,
            words: WORDS[n % 2],
        })
    })
}

async fn all_go_through(backend: Backend, limits: Vec<PerConnection>) {
    let begin = std::time::Instant::now();
    for some in limits.chunks(7) {
        futures::future::join_all(some.iter().map(|limit| goes_through(backend, *limit, ""))).await;
    }
    println!("{} servers in {:?}", limits.len(), begin.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_connection_takes_everybody_is_reached_without_a_pause_on_sqlite() {
    let all: Vec<_> = limits().collect();
    assert_eq!(all.len(), 21);
    all_go_through(Backend::Sqlite, all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_connection_takes_everybody_is_reached_without_a_pause_on_postgres() {
    let of_three = limits().filter(|limit| limit.most == 3).collect();
    all_go_through(Backend::Postgres, of_three).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_pipelining_it_is_the_same() {
    let limit = PerConnection {
        most: 3,
        stage: Stage::Mail,
        code: 421,
        words: WORDS[1],
    };
    goes_through(Backend::Sqlite, limit, "&pipelining=off").await;
}

/// Said of a content, it counts when the words leave no doubt.
#[tokio::test(flavor = "multi_thread")]
async fn a_content_that_comes_too_late_goes_over_the_next_connection() {
    let limit = PerConnection {
        most: 3,
        stage: Stage::Dot,
        code: 452,
        words: WORDS[0],
    };
    goes_through(Backend::Sqlite, limit, "").await;
}

/// A fresh connection that takes nothing is trouble: it pauses as ever, and nobody is lost.
async fn a_server_that_takes_nothing(backend: Backend, code: u16, words: &'static str, shown: &str) {
    let limit = PerConnection {
        most: 0,
        stage: Stage::Mail,
        code,
        words,
    };
    let (app, sink, _, send) = house(backend, limit, "", 40).await;
    let stop = tokio_util::sync::CancellationToken::new();
    let task = tokio::spawn(loupe::dispatch::run(app.state.clone(), stop.clone()));
    let paused: SendRecord = sending::until(&app.state, &app.store, send, |s| s.paused_at.is_some()).await;
    let problem = paused.problem.unwrap_or_default();
    assert!(problem.contains(shown), "{problem}");
    stop.cancel();
    task.await.unwrap();
    let after = tally(app.db(), &app.store, send).await;
    assert_eq!((after.waiting, after.failed), (40, 0), "{after:?}");
    let offered = sink.counts().offered;
    assert!(offered <= 10 + CONNECTIONS, "{offered} were offered");
}

#[tokio::test(flavor = "multi_thread")]
async fn fresh_connections_that_take_nothing_are_trouble() {
    tokio::join!(
        a_server_that_takes_nothing(Backend::Sqlite, 421, WORDS[0], "come back later: 421"),
        a_server_that_takes_nothing(Backend::Postgres, 421, "closing down", "come back later: 421"),
        a_server_that_takes_nothing(
            Backend::Sqlite,
            452,
            "4.5.3 too many recipients",
            "puts everything off: 452"
        ),
        a_server_that_takes_nothing(
            Backend::Postgres,
            452,
            "4.3.1 insufficient system storage",
            "puts everything off: 452"
        ),
    );
}
