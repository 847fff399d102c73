//! The process dies before, in and after each step of a message's way
//! ([`dispatch::failpoints`]), and another takes over: nothing twice, nobody lost. Real
//! processes: they abort. What is done to a send meanwhile: [`crate::dispatch::crash_points`].

use std::{
    collections::HashSet,
    fs::File,
    process::{Child, Command},
    time::{Duration, Instant},
};

use loupe::{
    context::settings::Given, db::Backend, failpoints::Point, recipients::model::RecipientFilter, time::Clock,
};

use crate::{
    dispatch::faults::arrived,
    oracle,
    support::{
        app::TestApp,
        people,
        sending::{self, begun, deliver, draft, press, status},
        sink::{Fault, Rule, Sink, When},
    },
};

const PEOPLE: usize = 40;
const CONNECTIONS: u64 = 2;

/// A process that does not outlive its test: its mail server's port is somebody else's then.
pub struct Process(Child);

impl Process {
    /// Asks it to end; whether it did so in good order.
    fn ends_well(mut self) -> bool {
        let sent = Command::new("kill").arg(self.0.id().to_string()).status().unwrap();
        sent.success() && self.0.wait().unwrap().success()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An application, its mail server, and processes of its own that die.
pub struct Harness {
    pub app: TestApp,
    pub sink: Sink,
    connections: u64,
    campaign: i64,
}

async fn harness(backend: Backend, connections: u64) -> Harness {
    // So slow that what is on its way when a process dies is really on its way.
    let rules = vec![
        Rule::new(When::Every(7), Fault::Dot(451)),
        Rule::new(When::Every(4), Fault::SlowDot(Duration::from_millis(3))),
    ];
    let mut harness = Harness::open(backend, connections, rules, 0).await;
    let app = &harness.app;
    people::crowd(app.db(), app.store.id, PEOPLE, &[], app.now()).await;
    harness.campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    harness
}

impl Harness {
    /// Without customers yet.
    pub async fn open(backend: Backend, connections: u64, rules: Vec<Rule>, undo_seconds: u32) -> Self {
        let given = Given {
            lease_seconds: Some("1".to_owned()),
            retry_scale: Some("0.0001".to_owned()),
            undo_seconds: Some(undo_seconds.to_string()),
            ..Given::default()
        };
        let (app, sink) = TestApp::mailing(backend, rules, &format!("?connections={connections}"), given).await;
        Harness {
            app,
            sink,
            connections,
            campaign: 0,
        }
    }

    /// Whoever starts from now on begins at the application's time.
    pub fn share_the_time(&self) {
        let ahead = self.app.now() - Clock::System.now();
        let file = self.app.folder.path().join("clock");
        std::fs::write(file, ahead.num_seconds().to_string()).unwrap();
    }

    /// A process of its own that dies at the place.
    pub fn child(&self, program: &str, arguments: &[&str], point: Option<&str>) -> Process {
        started(&mut self.command(program, arguments, point))
    }

    fn command(&self, program: &str, arguments: &[&str], point: Option<&str>) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.app.folder.path())
            .env("LOUPE_DATABASE_URL", &self.app.url)
            .env(
                "LOUPE_SMTP_URL",
                format!("{}?connections={}", self.sink.url(), self.connections),
            )
            .env("LOUPE_SECRET_KEY", "a secret key for tests, long enough")
            .env("LOUPE_LEASE_SECONDS", "1")
            .env("LOUPE_RETRY_SCALE", "0.0001")
            .env("LOUPE_UNDO_SECONDS", "0")
            .env("LOUPE_CLOCK_FILE", self.app.folder.path().join("clock"))
            .env("LOUPE_LOG", "error")
            .stdout(self.errors())
            .stderr(self.errors());
        if let Some(point) = point {
            command.env("LOUPE_FAILPOINT", point);
        }
        command
    }

    /// Where the processes say what went wrong.
    fn errors(&self) -> File {
        let file = self.app.folder.path().join("errors.log");
        File::options().create(true).append(true).open(file).unwrap()
    }

    pub fn worker(&self, point: Option<&str>) -> Process {
        self.child(env!("CARGO_BIN_EXE_loupe"), &["worker"], point)
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let said = std::fs::read_to_string(self.app.folder.path().join("errors.log"));
            eprintln!("the processes said: {}", said.unwrap_or_default());
        }
    }
}

fn started(command: &mut Command) -> Process {
    Process(command.spawn().expect("the program starts"))
}

/// Waits for the death that was ordered.
pub async fn dies(mut process: Process, point: &str) {
    let begin = Instant::now();
    let ended = loop {
        if let Some(ended) = process.0.try_wait().unwrap() {
            break ended;
        }
        if begin.elapsed() > Duration::from_secs(120) {
            panic!("{point} was never reached");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(ended.code(), None, "{point}: it was to abort and ended with {ended}");
}

pub async fn dies_at(backend: Backend, point: Point) {
    let harness = harness(backend, CONNECTIONS).await;
    let (app, name) = (&harness.app, point.name());
    // The fifth time, where it happens for every message.
    let busy = matches!(
        point,
        Point::BeforeMark
            | Point::AfterMark
            | Point::BeforeContent
            | Point::AfterContent
            | Point::AfterAnswer
            | Point::BeforeOutcome
            | Point::AfterOutcome
    );
    let ordered = format!("{name}:{}", if busy { 5 } else { 1 });
    let mut crashes = 1;
    match point {
        Point::BeforeClaim | Point::ClaimWritten | Point::FreezeWritten | Point::AfterFreeze => {
            let campaign = harness.campaign.to_string();
            let initiator = env!("CARGO_BIN_EXE_loupe-chaos");
            dies(
                harness.child(initiator, &["press", &app.url, &campaign], Some(&ordered)),
                &name,
            )
            .await;
            let before = status(app.db(), harness.campaign).await;
            let expected = if point == Point::AfterFreeze {
                "sending"
            } else {
                "draft"
            };
            assert_eq!(before, expected, "{name}: all of it or nothing");
        }
        _ => {
            begun(press(&app.state, &app.store, harness.campaign).await);
        }
    }
    match point {
        Point::BeforeClaim | Point::ClaimWritten | Point::FreezeWritten => {
            begun(press(&app.state, &app.store, harness.campaign).await);
        }
        Point::AfterFreeze => {}
        Point::BeforeRecovery | Point::RecoveryWritten | Point::AfterRecovery => {
            dies(harness.worker(Some("AfterContent:7")), "AfterContent").await;
            dies(harness.worker(Some(&ordered)), &name).await;
            crashes = 2;
        }
        Point::BeforeRelease | Point::ReleaseWritten | Point::AfterRelease => {
            let child = harness.worker(Some(&ordered));
            while harness.sink.counts().accepted < 5 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            let asked = Command::new("kill").arg(child.0.id().to_string()).status().unwrap();
            assert!(asked.success());
            dies(child, &name).await;
        }
        _ => dies(harness.worker(Some(&ordered)), &name).await,
    }
    let send = loupe::sends::queries::latest_of_campaign(app.db(), app.store.id, harness.campaign)
        .await
        .unwrap()
        .unwrap();
    let ended = if send.state.is_open() {
        let heir = harness.worker(None);
        let ended = sending::until(&app.state, &app.store, send.id, |s| !s.state.is_open()).await;
        assert!(heir.ends_well(), "it stops in an orderly way");
        ended
    } else {
        deliver(&app.state, &app.store, send.id).await
    };
    assert!(sending::is_done(&ended), "{name}: {:?}", ended.problem);
    assert_eq!(status(app.db(), harness.campaign).await, "sent", "{name}");
    let verdict = oracle::examine(app.db(), app.store.id, &arrived(&harness.sink), &HashSet::new())
        .await
        .unwrap();
    assert_eq!(verdict.wrong, Vec::<String>::new(), "{name}");
    assert_eq!(verdict.messages, PEOPLE as u64, "{name}");
    assert_eq!(verdict.accepted + verdict.unknown_after_crash, PEOPLE as u64, "{name}");
    assert!(
        verdict.unknown_after_crash <= 2 * CONNECTIONS * crashes,
        "{name}: {verdict:?}"
    );
    // What was never marked is certainly not unknown.
    if matches!(
        point,
        Point::Preparing | Point::BeforeLease | Point::LeaseWritten | Point::AfterLease | Point::BeforeOffer
    ) {
        assert_eq!(verdict.unknown_after_crash, 0, "{name}");
    }
    if matches!(
        point,
        Point::AfterMark | Point::BeforeContent | Point::AfterContent | Point::AfterAnswer
    ) {
        assert!(verdict.unknown_after_crash > 0, "{name}: somebody had been marked");
    }
}

#[derive(Clone, Copy, Debug)]
enum Provider {
    MailServer,
    Outbox,
}

/// Building somebody's message breaks what builds it: it has failed, and everybody else gets
/// theirs from the same process, over the same connection.
async fn a_poisoned_row(backend: Backend, provider: Provider) {
    let harness = harness(backend, 1).await;
    let app = &harness.app;
    let send = begun(press(&app.state, &app.store, harness.campaign).await);
    let mut worker = harness.command(env!("CARGO_BIN_EXE_loupe"), &["worker"], Some("Building:5:panic"));
    if let Provider::Outbox = provider {
        worker.env_remove("LOUPE_SMTP_URL");
    }
    let child = started(&mut worker);
    let ended = sending::until(&app.state, &app.store, send, |s| !s.state.is_open()).await;
    assert!(sending::is_done(&ended), "{provider:?}: {:?}", ended.problem);
    assert!(child.ends_well(), "{provider:?}: one process did it all");
    let after = sending::tally(app.db(), &app.store, send).await;
    assert_eq!((after.sent, after.failed), (PEOPLE as i64 - 1, 1), "{provider:?}");
    let why: String = loupe::on_db!(app.db(), |pool| sqlx::query_scalar(
        "select reply from messages where send_id = $1 and state = 'failed'"
    )
    .bind(send)
    .fetch_one(pool)
    .await)
    .unwrap();
    assert_eq!(why, "The message could not be built.");
    let said = std::fs::read_to_string(app.folder.path().join("errors.log")).unwrap();
    assert!(
        said.contains("src/failpoints.rs:") && !said.contains("ordered"),
        "the log tells where it broke and not its words, which may quote a message: {said}"
    );
    if let Provider::MailServer = provider {
        assert_eq!(harness.sink.counts().connections, 1, "its connection was not lost");
    }
}

/// Preparing a send breaks: it is given back, and the process is there for the others.
async fn a_poisoned_send(backend: Backend) {
    let harness = harness(backend, 1).await;
    let app = &harness.app;
    let send = begun(press(&app.state, &app.store, harness.campaign).await);
    let other = draft(app.db(), &app.store, "Winter", &RecipientFilter::All).await;
    let other = begun(press(&app.state, &app.store, other).await);
    let child = harness.worker(Some("Preparing:1:panic"));
    let ended = sending::until(&app.state, &app.store, other, |s| !s.state.is_open()).await;
    assert!(sending::is_done(&ended), "{:?}", ended.problem);
    assert!(child.ends_well(), "one process did it all");
    let given_back = loupe::sends::queries::find(app.db(), app.store.id, send)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        given_back.problem.as_deref(),
        Some("The message could not be prepared.")
    );
    assert_eq!(status(app.db(), harness.campaign).await, "draft");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_send_is_given_back_on_sqlite() {
    a_poisoned_send(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_send_is_given_back_on_postgres() {
    a_poisoned_send(Backend::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_row_fails_alone_on_sqlite() {
    a_poisoned_row(Backend::Sqlite, Provider::MailServer).await;
    a_poisoned_row(Backend::Sqlite, Provider::Outbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_row_fails_alone_on_postgres() {
    a_poisoned_row(Backend::Postgres, Provider::MailServer).await;
    a_poisoned_row(Backend::Postgres, Provider::Outbox).await;
}

/// A carrier breaks where it is for the n-th time, the only one there is: the process lives on, another takes its place, and
/// what the first had in hand is taken over as from any sender that fell silent.
async fn a_broken_carrier(backend: Backend, point: Point, nth: u32, unknown: std::ops::RangeInclusive<u64>) {
    let harness = harness(backend, 1).await;
    let (app, name) = (&harness.app, point.name());
    let send = begun(press(&app.state, &app.store, harness.campaign).await);
    let child = harness.worker(Some(&format!("{name}:{nth}:panic")));
    let ended = sending::until(&app.state, &app.store, send, |s| !s.state.is_open()).await;
    assert!(sending::is_done(&ended), "{name}: {:?}", ended.problem);
    assert!(child.ends_well(), "{name}: it was the same process all along");
    let verdict = oracle::examine(app.db(), app.store.id, &arrived(&harness.sink), &HashSet::new())
        .await
        .unwrap();
    assert_eq!(verdict.wrong, Vec::<String>::new(), "{name}");
    assert_eq!(verdict.accepted + verdict.unknown_after_crash, PEOPLE as u64, "{name}");
    assert!(unknown.contains(&verdict.unknown_after_crash), "{name}: {verdict:?}");
    assert!(
        harness.sink.counts().connections > 1,
        "{name}: its connection died with it"
    );
}

async fn every_broken_carrier(backend: Backend) {
    tokio::join!(
        a_broken_carrier(backend, Point::BeforeOffer, 1, 0..=0),
        a_broken_carrier(backend, Point::AfterOffer, 1, 1..=1),
        a_broken_carrier(backend, Point::BeforeContent, 3, 1..=2),
        a_broken_carrier(backend, Point::AfterContent, 3, 1..=2),
        a_broken_carrier(backend, Point::AfterAnswer, 3, 1..=2),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_carrier_is_noticed_and_replaced_on_sqlite() {
    Box::pin(every_broken_carrier(Backend::Sqlite)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_carrier_is_noticed_and_replaced_on_postgres() {
    Box::pin(every_broken_carrier(Backend::Postgres)).await;
}
