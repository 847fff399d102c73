//! The limit for each recipient domain: that it holds, whatever the number of programs, and that
//! nobody else waits because of it.

use std::time::{Duration, Instant};

use loupe::{
    auth::model::Role,
    db::{self, Backend, Db},
    dispatch::{self, account_store},
    on_db,
    recipients::model::RecipientFilter,
    server::{AppState, settings::Given},
    time::Clock,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{
    app::{TestApp, words},
    people,
    sending::{self, begun, draft, is_done, press, tally},
    sink::Sink,
};

/// Both databases, through a mail server.
macro_rules! both_with_a_sink {
    ($name:ident, $sqlite:ident, $postgres:ident) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn $sqlite() {
            $name(Backend::Sqlite).await;
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn $postgres() {
            $name(Backend::Postgres).await;
        }
    };
}

async fn app_with_sink(backend: Backend, options: &str) -> (TestApp, Sink) {
    TestApp::mailing(backend, Vec::new(), options, Given::default()).await
}

async fn set(app: &TestApp, domain_rate: &str) {
    let cookie = app.sign_in_as(Role::Owner).await;
    let fields = [("domain_rate", domain_rate)];
    let answer = app
        .post_form("/api/settings/mail-server", "/settings", &fields, &cookie)
        .await;
    assert_eq!(answer.location(), "/settings?ok=mail-server");
}

async fn kept(app: &TestApp) -> Option<i64> {
    let account = app.state.settings.smtp.as_ref().unwrap().key();
    account_store::limits(app.db(), &account).await.unwrap().domain_rate
}

/// Adds customers whose mailboxes are all at one domain.
async fn crowd_at_slow_test(app: &TestApp, n: usize) -> Vec<i64> {
    let ids = people::crowd(app.db(), app.store.id, n, &[], app.now()).await;
    let all_at = "update customers set email = replace(email, 'example.com', 'slow.test'),
                         email_norm = replace(email_norm, 'example.com', 'slow.test') where id <= $1";
    people::change(app.db(), all_at, ids[n - 1]).await;
    ids
}

async fn start(app: &TestApp, name: &str, filter: &RecipientFilter) -> i64 {
    let campaign = draft(app.db(), &app.store, name, filter).await;
    begun(press(&app.state, &app.store, campaign).await)
}

struct Program {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Program {
    fn of(app: &TestApp) -> Self {
        Self::with(app, app.db().clone())
    }

    /// Its clock runs: what is put off comes up again.
    fn with(app: &TestApp, db: Db) -> Self {
        let state = AppState::new(db, Clock::System, (*app.state.settings).clone());
        let stop = CancellationToken::new();
        let task = tokio::spawn(dispatch::run(state, stop.clone()));
        Self { stop, task }
    }

    async fn another(app: &TestApp) -> Self {
        Self::with(app, db::connect(&app.url).await.unwrap())
    }

    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

/// When messages to this domain came, in order.
fn times(sink: &Sink, domain: &str) -> Vec<Instant> {
    let mut times: Vec<Instant> = sink
        .received()
        .iter()
        .filter(|message| message.recipient.ends_with(domain))
        .map(|message| message.at)
        .collect();
    times.sort_unstable();
    times
}

/// Waits until so many messages to this domain have come.
async fn come(sink: &Sink, domain: &str, n: usize) {
    let begin = Instant::now();
    while times(sink, domain).len() < n {
        assert!(
            begin.elapsed() < Duration::from_secs(120),
            "still {}",
            times(sink, domain).len()
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// At no time more in a second than the limit, one for its edge, and those that a busy disk held up
/// on their way, for a quarter of a second at most, while the next were not.
fn assert_never_faster(times: &[Instant], rate: usize) {
    for (n, begin) in times.iter().enumerate() {
        let within = times[n..]
            .iter()
            .take_while(|at| **at - *begin < Duration::from_secs(1));
        let within = within.count();
        assert!(within <= rate + rate / 4 + 2, "{within} in a second: {times:?}");
    }
    let at_least = Duration::from_secs(1) * u32::try_from(times.len() - 1).unwrap() / u32::try_from(rate).unwrap();
    let took = times[times.len() - 1] - times[0];
    assert!(
        took + Duration::from_millis(100) > at_least,
        "faster than the limit: {took:?}"
    );
}

async fn the_limit_holds(backend: Backend, programs: usize, options: &str) {
    const RATE: usize = 10;
    let (app, sink) = app_with_sink(backend, options).await;
    set(&app, "10").await;
    crowd_at_slow_test(&app, 40).await;
    people::crowd(app.db(), app.store.id, 40, &[], app.now()).await;
    let send = start(&app, "Autumn", &RecipientFilter::All).await;
    let mut running = vec![Program::of(&app)];
    for _ in 1..programs {
        running.push(Program::another(&app).await);
    }
    let ended = sending::until(&app.state, &app.store, send, |s| !s.state.is_open()).await;
    for program in running {
        program.stop().await;
    }
    assert!(is_done(&ended));
    assert_eq!(tally(app.db(), &app.store, send).await.sent, 80);
    assert!(sink.copies().values().all(|copies| *copies == 1));
    for domain in ["@slow.test", "@example.com"] {
        let times = times(&sink, domain);
        assert_eq!(times.len(), 40);
        assert_never_faster(&times, RATE);
        let took = times[39] - times[0];
        assert!(took < Duration::from_secs(16), "much slower than the limit: {took:?}");
    }
    if let Some(rate) = app.state.settings.smtp.as_ref().and_then(|account| account.rate) {
        assert_never_faster(&times(&sink, ""), usize::try_from(rate).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_holds_on_sqlite() {
    the_limit_holds(Backend::Sqlite, 1, "?connections=4").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_holds_on_postgres() {
    the_limit_holds(Backend::Postgres, 1, "?connections=4").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_holds_for_two_programs_together() {
    the_limit_holds(Backend::Postgres, 2, "?connections=4").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_holds_beside_the_rate_of_the_account_on_sqlite() {
    the_limit_holds(Backend::Sqlite, 1, "?connections=4&rate=15").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_holds_beside_the_rate_of_the_account_on_postgres() {
    the_limit_holds(Backend::Postgres, 1, "?connections=4&rate=15").await;
}

/// Ten thousand people of one domain come first: the others are not kept waiting.
async fn other_domains_do_not_wait(backend: Backend, options: &str) {
    let (app, sink) = app_with_sink(backend, options).await;
    set(&app, "2").await;
    crowd_at_slow_test(&app, 10_000).await;
    for n in 0..20 {
        let email = format!("amara@shop{n}.example");
        people::one(app.db(), app.store.id, "Amara Okafor", Some(&email), &[], app.now()).await;
    }
    let send = start(&app, "Autumn", &RecipientFilter::All).await;
    let begin = Instant::now();
    let program = Program::of(&app);
    come(&sink, ".example", 20).await;
    let slow = times(&sink, "@slow.test").len();
    assert!(
        slow <= usize::try_from(begin.elapsed().as_secs()).unwrap() * 2 + 3,
        "{slow}"
    );
    // The page says why the others wait.
    let cookie = app.sign_in_as(Role::Owner).await;
    let now = sends_page(&app, send, &cookie).await;
    assert!(now.contains("At most 2 messages a second go to one domain"), "{now}");
    program.stop().await;
}

async fn sends_page(app: &TestApp, send: i64, cookie: &str) -> String {
    let send = loupe::sends::store::find(app.db(), app.store.id, send)
        .await
        .unwrap()
        .unwrap();
    words(&app.get(&send.page(), cookie).await.text)
}

#[tokio::test(flavor = "multi_thread")]
async fn other_domains_do_not_wait_on_sqlite() {
    other_domains_do_not_wait(Backend::Sqlite, "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_domains_do_not_wait_on_postgres() {
    other_domains_do_not_wait(Backend::Postgres, "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_domains_do_not_wait_with_a_rate_of_the_account() {
    other_domains_do_not_wait(Backend::Sqlite, "?rate=20").await;
}

/// A send that is stopped leaves no line behind: the next one goes to the same domain at once.
async fn a_stopped_send_keeps_nobody_waiting(backend: Backend) {
    let (app, sink) = app_with_sink(backend, "").await;
    set(&app, "1").await;
    let ids = crowd_at_slow_test(&app, 300).await;
    let send = start(&app, "Autumn", &RecipientFilter::All).await;
    let program = Program::of(&app);
    come(&sink, "@slow.test", 2).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let id = send.to_string();
    app.post_form("/api/sends/stop", "/marketing/campaigns", &[("send_id", &id)], &cookie)
        .await;
    sending::until(&app.state, &app.store, send, |s| !s.state.is_open()).await;
    let begin = Instant::now();
    let next = start(&app, "Winter", &RecipientFilter::Manual(vec![ids[299]])).await;
    assert!(is_done(
        &sending::until(&app.state, &app.store, next, |s| !s.state.is_open()).await
    ));
    program.stop().await;
    assert!(
        begin.elapsed() < Duration::from_secs(20),
        "300 were in line: {:?}",
        begin.elapsed()
    );
    assert_never_faster(&times(&sink, "@slow.test"), 1);
}

both_with_a_sink!(
    a_stopped_send_keeps_nobody_waiting,
    a_stopped_send_keeps_nobody_waiting_on_sqlite,
    a_stopped_send_keeps_nobody_waiting_on_postgres
);

/// What two sends have for one domain goes in turns.
async fn a_small_send_is_not_the_last(backend: Backend) {
    let (app, sink) = app_with_sink(backend, "").await;
    set(&app, "4").await;
    let ids = crowd_at_slow_test(&app, 100).await;
    let large = start(&app, "Large", &RecipientFilter::All).await;
    let program = Program::of(&app);
    come(&sink, "@slow.test", 2).await;
    let small = start(&app, "Small", &RecipientFilter::Manual(ids[90..93].to_vec())).await;
    assert!(is_done(
        &sending::until(&app.state, &app.store, small, |s| !s.state.is_open()).await
    ));
    program.stop().await;
    let sent = tally(app.db(), &app.store, large).await.sent;
    assert!(sent < 60, "three waited for {sent}");
}

both_with_a_sink!(
    a_small_send_is_not_the_last,
    a_small_send_is_not_the_last_on_sqlite,
    a_small_send_is_not_the_last_on_postgres
);

/// Whoever begins again goes by what was used before.
async fn a_new_program_knows_what_is_used_up(backend: Backend) {
    let (app, sink) = app_with_sink(backend, "").await;
    set(&app, "2").await;
    crowd_at_slow_test(&app, 8).await;
    let send = start(&app, "Autumn", &RecipientFilter::All).await;
    for n in 1..=6 {
        let program = Program::of(&app);
        come(&sink, "@slow.test", n).await;
        program.stop().await;
    }
    let program = Program::of(&app);
    assert!(is_done(
        &sending::until(&app.state, &app.store, send, |s| !s.state.is_open()).await
    ));
    program.stop().await;
    assert_never_faster(&times(&sink, "@slow.test"), 2);
}

both_with_a_sink!(
    a_new_program_knows_what_is_used_up,
    a_new_program_knows_what_is_used_up_on_sqlite,
    a_new_program_knows_what_is_used_up_on_postgres
);

/// What waits for a limit does not wait for it any longer than it holds.
async fn a_change_holds_at_once(backend: Backend) {
    let (app, sink) = app_with_sink(backend, "").await;
    set(&app, "1").await;
    crowd_at_slow_test(&app, 300).await;
    let send = start(&app, "Autumn", &RecipientFilter::All).await;
    let program = Program::of(&app);
    come(&sink, "@slow.test", 2).await;
    set(&app, "").await;
    let begin = Instant::now();
    assert!(is_done(
        &sending::until(&app.state, &app.store, send, |s| !s.state.is_open()).await
    ));
    program.stop().await;
    // At one a second the rest would take five minutes.
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
    assert!(sink.copies().values().all(|copies| *copies == 1));
    assert_eq!(kept(&app).await, None);
    assert_eq!(domains_kept(&app).await, 0, "nobody's domain is kept without need");
}

both_with_a_sink!(
    a_change_holds_at_once,
    a_change_holds_at_once_on_sqlite,
    a_change_holds_at_once_on_postgres
);

async fn domains_kept(app: &TestApp) -> i64 {
    on_db!(app.db(), |pool| sqlx::query_scalar("select count(*) from domain_paces")
        .fetch_one(pool)
        .await)
    .unwrap()
}

/// Domains are kept no longer than their rate is used up.
async fn nothing_is_kept_of_a_domain(backend: Backend) {
    let (app, sink) = app_with_sink(backend, "").await;
    crowd_at_slow_test(&app, 3).await;
    let off = start(&app, "Autumn", &RecipientFilter::All).await;
    assert!(is_done(&sending::deliver(&app.state, &app.store, off).await));
    assert_eq!(
        (kept(&app).await, domains_kept(&app).await),
        (None, 0),
        "off by default"
    );
    set(&app, "10").await;
    let first = start(&app, "Winter", &RecipientFilter::All).await;
    assert!(is_done(&sending::deliver(&app.state, &app.store, first).await));
    assert_eq!(domains_kept(&app).await, 1);
    tokio::time::sleep(Duration::from_millis(400)).await;
    let other = people::one(
        app.db(),
        app.store.id,
        "Amara Okafor",
        Some("amara@example.com"),
        &[],
        app.now(),
    )
    .await;
    let next = start(&app, "Spring", &RecipientFilter::Manual(vec![other])).await;
    assert!(is_done(&sending::deliver(&app.state, &app.store, next).await));
    assert!(domains_kept(&app).await <= 1, "that of the first send is forgotten");
    assert_eq!(sink.received().len(), 7);
}

both_with_a_sink!(
    nothing_is_kept_of_a_domain,
    nothing_is_kept_of_a_domain_on_sqlite,
    nothing_is_kept_of_a_domain_on_postgres
);

/// Set where the account's rate is, by the same rules.
async fn it_is_set_where_the_rate_is(backend: Backend) {
    let (app, sink) = app_with_sink(backend, "?rate=80").await;
    let cookie = app.sign_in_as(Role::Owner).await;
    set(&app, "5").await;
    assert_eq!(kept(&app).await, Some(5));
    let page = app.get("/settings", &cookie).await.text;
    assert!(
        page.contains("to one domain, at most") && page.contains("value=\"5\""),
        "{page}"
    );
    for wrong in ["0", "81", "many", "-1"] {
        let fields = [("domain_rate", wrong)];
        let answer = app
            .post_form("/api/settings/mail-server", "/settings", &fields, &cookie)
            .await;
        assert_eq!(answer.location(), "/settings", "{wrong}");
        assert_eq!(kept(&app).await, Some(5));
    }
    app.another_store().await;
    let page = words(&app.get("/settings", &cookie).await.text);
    assert!(page.contains("5 at most"), "{page}");
    let run = |rate: &'static str| {
        std::process::Command::new(env!("CARGO_BIN_EXE_loupe"))
            .args(["mail-server", "--domain-rate", rate])
            .current_dir(app.folder.path())
            .env("LOUPE_DATABASE_URL", &app.url)
            .env("LOUPE_SMTP_URL", format!("{}?rate=80", sink.url()))
            .env("LOUPE_SECRET_KEY", "a secret key for tests, long enough")
            .output()
            .unwrap()
    };
    let said = String::from_utf8(run("7").stdout).unwrap();
    assert!(said.contains("Messages a second to one domain: 7"), "{said}");
    assert_eq!(kept(&app).await, Some(7));
    assert!(!run("81").status.success());
    let said = String::from_utf8(run("0").stdout).unwrap();
    assert!(said.contains("Messages a second to one domain: no limit"), "{said}");
    assert_eq!(kept(&app).await, None);
}

both_with_a_sink!(
    it_is_set_where_the_rate_is,
    it_is_set_where_the_rate_is_on_sqlite,
    it_is_set_where_the_rate_is_on_postgres
);
