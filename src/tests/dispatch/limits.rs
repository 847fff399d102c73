//! How fast, and over how many connections, the mail account is used: what an owner sets, and that
//! it holds, whatever the number of programs.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use loupe::{
    context::{AppState, actor::Role, settings::Given},
    db::{self, Backend},
    dispatch,
    mail_accounts::account_queries,
    recipients::model::RecipientFilter,
};

use crate::{
    both,
    support::{
        app::TestApp,
        people,
        sending::{self, begun, draft, is_done, press, tally},
        sink::Sink,
    },
};

async fn set(app: &TestApp, rate: &str, connections: &str, cookie: &str) -> String {
    let fields = [("rate", rate), ("connections", connections)];
    app.post_form("/api/settings/mail-server", "/settings", &fields, cookie)
        .await
        .location()
        .to_owned()
}

async fn kept(app: &TestApp) -> (Option<i64>, Option<i64>) {
    let account = app.state.settings.smtp.as_ref().unwrap().key();
    let limits = account_queries::limits(app.db(), &account).await.unwrap();
    (limits.rate, limits.connections)
}

both!(
    an_owner_sets_them_within_what_the_url_allows,
    "?rate=80&connections=8",
    |app, _sink| {
        let cookie = app.sign_in_as(Role::Owner).await;
        let page = app.get("/settings", &cookie).await.text;
        assert!(page.contains("80 a second, as LOUPE_SMTP_URL says"), "{page}");
        assert_eq!(set(&app, "14", "2", &cookie).await, "/settings?ok=mail-server");
        assert_eq!(kept(&app).await, (Some(14), Some(2)));
        let page = app.get("/settings?ok=mail-server", &cookie).await.text;
        for words in ["Mail server settings saved.", "value=\"14\"", "value=\"2\""] {
            assert!(page.contains(words), "{words}: {page}");
        }
        for (rate, connections) in [
            ("0", "2"),
            ("81", "2"),
            ("many", "2"),
            ("14", "0"),
            ("14", "9"),
            ("-1", "1.5"),
        ] {
            assert_eq!(
                set(&app, rate, connections, &cookie).await,
                "/settings",
                "{rate} {connections}"
            );
            assert_eq!(kept(&app).await, (Some(14), Some(2)));
        }
        assert_eq!(set(&app, "", " ", &cookie).await, "/settings?ok=mail-server");
        assert_eq!(kept(&app).await, (None, None));
        let log: Vec<String> = loupe::on_db!(app.db(), |pool| sqlx::query_scalar(
            "select action from audit_events where actor = 'owner Person'"
        )
        .fetch_all(pool)
        .await)
        .unwrap();
        assert_eq!(log, ["store.mail_server_changed"; 2]);
        let manager = app.sign_in_as(Role::Manager).await;
        let refused = app
            .post_form("/api/settings/mail-server", "/settings", &[("rate", "1")], &manager)
            .await;
        assert_eq!(refused.status, 403);
    }
);

// One store must not slow another down: with two, only whoever runs the program sets it.
both!(
    with_several_stores_no_owner_sets_them,
    "?rate=80&connections=8",
    |app, sink| {
        let cookie = app.sign_in_as(Role::Owner).await;
        assert_eq!(set(&app, "14", "2", &cookie).await, "/settings?ok=mail-server");
        let (other, staff) = app.another_store().await;
        let stranger = app.session_of(staff[&Role::Owner]).await;
        for cookie in [&cookie, &stranger] {
            set(&app, "1", "1", cookie).await;
            assert_eq!(kept(&app).await, (Some(14), Some(2)), "what was set goes on to hold");
            let page = app.get("/settings", cookie).await.text;
            assert!(
                page.contains("14 at most") && page.contains("loupe mail-server"),
                "{page}"
            );
            assert!(!page.contains("/api/settings/mail-server"), "nothing to press: {page}");
        }
        let run = |arguments: &'static [&'static str]| {
            std::process::Command::new(env!("CARGO_BIN_EXE_loupe"))
                .arg("mail-server")
                .args(arguments)
                .current_dir(app.folder.path())
                .env("LOUPE_DATABASE_URL", &app.url)
                .env("LOUPE_SMTP_URL", format!("{}?rate=80&connections=8", sink.url()))
                .env("LOUPE_SECRET_KEY", "a secret key for tests, long enough")
                .output()
                .unwrap()
        };
        assert!(run(&["--rate", "20"]).status.success());
        assert_eq!(kept(&app).await, (Some(20), Some(2)));
        assert!(!run(&["--rate", "81"]).status.success());
        assert!(run(&["--rate", "0", "--connections", "0"]).status.success());
        assert_eq!(kept(&app).await, (None, None));
        let told: i64 = loupe::on_db!(app.db(), |pool| sqlx::query_scalar(
            "select count(*) from audit_events where store_id = $1 and actor = 'Command line'"
        )
        .bind(other.id)
        .fetch_one(pool)
        .await)
        .unwrap();
        assert_eq!(told, 2, "every store's log tells of it");
    }
);

both!(without_a_mail_server_there_is_nothing_to_set, |app| {
    let cookie = app.sign_in_as(Role::Owner).await;
    assert!(!app.get("/settings", &cookie).await.text.contains("mail-server-heading"));
    assert_eq!(set(&app, "14", "2", &cookie).await, "/settings");
});

/// Never faster than the rate, with so many programs; and not much slower.
async fn the_rate_holds(app: TestApp, sink: Sink, programs: usize) {
    const RATE: u32 = 40;
    const PEOPLE: u32 = 80;
    people::crowd(app.db(), app.store.id, PEOPLE as usize, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    let stop = CancellationToken::new();
    let mut tasks = Vec::new();
    for program in 0..programs {
        let state = match program {
            0 => app.state.clone(),
            _ => AppState::new(
                db::connect(&app.url).await.unwrap(),
                app.clock.clone(),
                (*app.state.settings).clone(),
            ),
        };
        tasks.push(tokio::spawn(dispatch::run(state, stop.clone())));
    }
    let ended = sending::until(&app.state, &app.store, send, |s| !s.state.is_open()).await;
    stop.cancel();
    for task in tasks {
        task.await.unwrap();
    }
    assert!(is_done(&ended));
    assert_eq!(tally(app.db(), &app.store, send).await.sent, i64::from(PEOPLE));
    let times = sink.arrivals();
    let took = times[times.len() - 1] - times[0];
    let at_least = Duration::from_secs(1) * (PEOPLE - 1) / RATE;
    // The first may have been held up on its way a little, never the last sent early.
    assert!(
        took + Duration::from_millis(100) > at_least,
        "faster than the rate: {took:?}"
    );
    assert!(took < at_least * 4, "much slower than the rate: {took:?}");
    let fullest = sink.fullest_second();
    assert!(fullest <= RATE as usize + 2, "{fullest} within a second");
}

both!(it_holds, "?connections=4&rate=40", |app, sink| {
    the_rate_holds(app, sink, 1).await;
});

#[tokio::test(flavor = "multi_thread")]
async fn the_rate_holds_for_two_programs_together() {
    let options = "?connections=4&rate=40";
    let (app, sink) = TestApp::mailing(Backend::Postgres, Vec::new(), options, Given::default()).await;
    the_rate_holds(app, sink, 2).await;
}

// What is set while a campaign goes out holds for the rest of it.
both!(a_change_holds_at_once, "", |app, sink| {
    people::crowd(app.db(), app.store.id, 300, &[], app.now()).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    set(&app, "5", "1", &cookie).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    let stop = CancellationToken::new();
    let task = tokio::spawn(dispatch::run(app.state.clone(), stop.clone()));
    while sink.counts().accepted < 5 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(sink.counts().connections, 1);
    set(&app, "", "6", &cookie).await;
    // At five a second the rest would take a minute.
    let begin = Instant::now();
    let ended = sending::until(&app.state, &app.store, send, |s| !s.state.is_open()).await;
    stop.cancel();
    task.await.unwrap();
    assert!(is_done(&ended));
    assert!(begin.elapsed() < Duration::from_secs(40), "{:?}", begin.elapsed());
    assert!(sink.counts().connections > 1, "more carriers went to work");
    assert!(sink.copies().values().all(|copies| *copies == 1));
});

both!(the_database_tells_the_time_and_keeps_what_is_used, |app| {
    let mut tx = app.db().begin().await.unwrap();
    let (used, now) = account_queries::used_until(&mut tx, "hello@mail.example.com:587")
        .await
        .unwrap();
    let here = loupe::time::Clock::System.now().timestamp_micros();
    assert_eq!(used, 0);
    assert!(
        (now - here).abs() < 60_000_000,
        "microseconds since 1970: {now} and {here}"
    );
    account_queries::use_until(&mut tx, "hello@mail.example.com:587", now + 71_429)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut tx = app.db().begin().await.unwrap();
    let (used, later) = account_queries::used_until(&mut tx, "hello@mail.example.com:587")
        .await
        .unwrap();
    assert_eq!(used, now + 71_429);
    assert!(later >= now);
    let (other, _) = account_queries::used_until(&mut tx, "@127.0.0.1:25").await.unwrap();
    assert_eq!(other, 0, "each account has its own");
});
