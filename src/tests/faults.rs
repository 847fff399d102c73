//! One thing going wrong at a time: what the row says then, and how many copies there are.

use std::time::Duration;

use chrono::TimeDelta;
use loupe::{
    db::{self, Backend, Db},
    dispatch::{self, store as ledger},
    on_db, on_tx,
    recipients::model::RecipientFilter,
    sends::{ending, model::SendState},
    server::{AppState, settings::Given},
    time::Clock,
};
use tokio_util::sync::CancellationToken;

use crate::{
    oracle::{self, Arrived},
    support::{
        app::TestApp,
        people,
        sending::{self, begun, deliver, draft, is_done, press, status, tally},
        sink::{self, Fault, Rule, Sink, When},
    },
};

async fn app_with_sink(backend: Backend, rules: Vec<Rule>, options: &str) -> (TestApp, Sink) {
    let sink = Sink::start(sink::Settings {
        rules,
        ..sink::Settings::default()
    })
    .await
    .unwrap();
    let given = Given {
        smtp_url: Some(format!("{}{options}", sink.url())),
        lease_seconds: Some("1".to_owned()),
        ..Given::default()
    };
    (TestApp::with(backend, given).await, sink)
}

pub fn arrived(sink: &Sink) -> Vec<Arrived> {
    sink.received()
        .into_iter()
        .map(|m| Arrived {
            message_id: m.message_id,
            recipient: m.recipient,
            answered: m.answered,
        })
        .collect()
}

/// Nothing twice, nobody lost, every number right.
async fn all_is_well(app: &TestApp, sink: &Sink) -> oracle::Verdict {
    let verdict = oracle::examine(app.db(), app.store.id, &arrived(sink)).await.unwrap();
    assert_eq!(verdict.wrong, Vec::<String>::new());
    verdict
}

#[derive(Debug, PartialEq, Eq, sqlx::FromRow)]
struct Row {
    state: String,
    attempts: i64,
    reply_code: Option<i64>,
}

async fn row_of(db: &Db, send: i64, address: &str) -> Row {
    on_db!(db, |pool| sqlx::query_as(
        "select state, attempts, reply_code from messages where send_id = $1 and addr_norm = $2"
    )
    .bind(send)
    .bind(address)
    .fetch_one(pool)
    .await)
    .unwrap()
}

/// A fault for the fourth of twelve, over one connection: its row, then, with the server well
/// again and a day later, its last state and the copies the server has.
async fn one_fault(backend: Backend, fault: Fault, then: (&str, i64, Option<i64>), at_last: (&str, usize)) {
    let (app, sink) = app_with_sink(backend, vec![Rule::new(When::Nth(4), fault)], "?connections=1").await;
    people::crowd(app.db(), app.store.id, 12, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    let stop = CancellationToken::new();
    let task = tokio::spawn(dispatch::run(app.state.clone(), stop.clone()));
    let expected = Row {
        state: then.0.to_owned(),
        attempts: then.1,
        reply_code: then.2,
    };
    let begin = std::time::Instant::now();
    loop {
        let row = row_of(app.db(), send, "p000004@example.com").await;
        let rest = tally(app.db(), &app.store, send).await;
        if row == expected && rest.waiting == i64::from(then.0 == "queued") {
            break;
        }
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "{fault:?}: {row:?}, {rest:?}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    sink.set_rules(vec![]);
    app.clock.set(app.now() + TimeDelta::days(1));
    app.state.wake.notify_one();
    let ended = sending::until(&app.state, &app.store, send, |s| !s.state.is_open()).await;
    stop.cancel();
    task.await.unwrap();
    assert!(is_done(&ended), "{fault:?}: {:?}", ended.problem);
    assert_eq!(status(app.db(), campaign).await, "sent");
    assert_eq!(
        row_of(app.db(), send, "p000004@example.com").await.state,
        at_last.0,
        "{fault:?}"
    );
    let taken = |m: &&sink::Received| m.recipient == "p000004@example.com" && matches!(m.answered, 0 | 250);
    assert_eq!(sink.received().iter().filter(taken).count(), at_last.1, "{fault:?}");
    assert_eq!(sink.faults().get(fault.name()), Some(&1), "{fault:?} has struck");
    let verdict = all_is_well(&app, &sink).await;
    assert_eq!(verdict.messages, 12);
}

async fn every_fault(backend: Backend) {
    let again = |code| ("queued", 1, Some(code));
    let never = |code| ("rejected", 1, Some(code));
    let unknown = ("unknown", 1, None);
    let accepted = ("accepted", 1, None);
    let sent = ("accepted", 1);
    let refused = ("rejected", 0);
    let cases = [
        (Fault::Mail(451), again(451), sent),
        (Fault::Rcpt(450), again(450), sent),
        (Fault::Rcpt(550), never(550), refused),
        (Fault::RcptButData(550), never(550), refused),
        (Fault::Data(451), again(451), sent),
        (Fault::Data(554), never(554), refused),
        (Fault::Closing, again(421), sent),
        (Fault::HangUpBeforeData, accepted, sent),
        (Fault::HangUpInContent, unknown, ("unknown", 0)),
        (Fault::HangUpAfterDot, unknown, ("unknown", 1)),
        (Fault::ResetAfterAccept, accepted, sent),
        (Fault::SlowDot(Duration::from_millis(300)), accepted, sent),
        (Fault::Dot(452), again(452), sent),
        (Fault::Dot(554), never(554), refused),
        (Fault::ClosingAfterDot, again(421), sent),
        (Fault::Nonsense, unknown, ("unknown", 1)),
    ];
    let all = cases.map(|(fault, then, at_last)| one_fault(backend, fault, then, at_last));
    futures::future::join_all(all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_ends_in_the_right_state_on_sqlite() {
    every_fault(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_ends_in_the_right_state_on_postgres() {
    every_fault(Backend::Postgres).await;
}

/// The same program a second time, with its own connections and its own clock.
async fn another_instance(app: &TestApp, clock: Clock) -> AppState {
    let db = db::connect(&app.url).await.unwrap();
    AppState::new(db, clock, (*app.state.settings).clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_race_and_everybody_gets_it_once() {
    let slowly = Rule::new(When::Every(3), Fault::SlowDot(Duration::from_millis(5)));
    let (app, sink) = app_with_sink(Backend::Postgres, vec![slowly], "?connections=4").await;
    people::crowd(app.db(), app.store.id, 400, &["wedding"], app.now()).await;
    let mut sends = Vec::new();
    for (name, filter) in [
        ("Autumn", RecipientFilter::All),
        ("Winter", RecipientFilter::Tags(vec!["wedding".into()])),
        ("Spring", RecipientFilter::All),
    ] {
        let campaign = draft(app.db(), &app.store, name, &filter).await;
        sends.push(begun(press(&app.state, &app.store, campaign).await));
    }
    // Instances disagree about the time; their database does not.
    let ahead = another_instance(&app, Clock::fixed(app.now() + TimeDelta::hours(3))).await;
    let stop = CancellationToken::new();
    let tasks = [&app.state, &ahead].map(|state| tokio::spawn(dispatch::run(state.clone(), stop.clone())));
    for send in &sends {
        let ended = sending::until(&app.state, &app.store, *send, |s| !s.state.is_open()).await;
        assert!(is_done(&ended), "{:?}", ended.problem);
    }
    stop.cancel();
    for task in tasks {
        task.await.unwrap();
    }
    let verdict = all_is_well(&app, &sink).await;
    assert_eq!((verdict.messages, verdict.accepted), (1200, 1200));
    assert!(sink.counts().connections > 4, "both took part");
}

/// What a sender did before it died: some messages leased, some marked.
async fn leave_behind(app: &TestApp, send: i64, leased: i64, marked: usize) -> Vec<ledger::Leased> {
    let mut tx = app.db().begin().await.unwrap();
    let rows = ledger::lease(&mut tx, send, "gone", 0, leased, app.now())
        .await
        .unwrap();
    assert_eq!(i64::try_from(rows.len()).unwrap(), leased);
    let marks = tickets(&rows[..marked]);
    assert_eq!(
        ledger::mark_attempting(&mut tx, &marks, app.now()).await.unwrap().len(),
        marked
    );
    tx.commit().await.unwrap();
    rows
}

fn tickets(rows: &[ledger::Leased]) -> String {
    let all: Vec<_> = rows
        .iter()
        .map(|row| ledger::Ticket {
            id: row.id,
            epoch: row.epoch,
        })
        .collect();
    serde_json::to_string(&all).unwrap()
}

fn outcome(row: &ledger::Leased, state: &'static str) -> String {
    let settled = ledger::Settled {
        id: row.id,
        epoch: row.epoch,
        state,
        code: None,
        reply: Some("250 2.0.0 taken".to_owned()),
        next_at: (state == "queued").then(|| "2026-05-01T00:00:00+00:00".to_owned()),
        refund: i64::from(state == "queued"),
    };
    serde_json::to_string(&[settled]).unwrap()
}

async fn begin_sending(db: &Db, send: i64) {
    let mut tx = db.begin().await.unwrap();
    on_tx!(&mut tx, |conn| sqlx::query(
        "update sends set state = 'sending' where id = $1"
    )
    .bind(send)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
    .unwrap();
    tx.commit().await.unwrap();
}

async fn a_dead_sender_is_taken_over(backend: Backend) {
    let (app, sink) = app_with_sink(backend, vec![], "?connections=2").await;
    people::crowd(app.db(), app.store.id, 40, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    begin_sending(app.db(), send).await;
    let left = leave_behind(&app, send, 10, 4).await;
    let ended = deliver(&app.state, &app.store, send).await;
    assert!(is_done(&ended));
    let after = tally(app.db(), &app.store, send).await;
    assert_eq!((after.sent, after.unconfirmed), (36, 4));
    let verdict = all_is_well(&app, &sink).await;
    assert_eq!((verdict.unknown_after_crash, verdict.unknown_arrived), (4, 0));

    // The dead one wakes up. What it has not marked it may not send; what it is sure of counts.
    let mut tx = app.db().begin().await.unwrap();
    let marked = ledger::mark_attempting(&mut tx, &tickets(&left), app.now())
        .await
        .unwrap();
    assert_eq!(marked, Vec::<i64>::new(), "a lost lease is not marked");
    assert!(
        ledger::settle(&mut tx, &outcome(&left[5], "rejected"), app.now())
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        ledger::settle(&mut tx, &outcome(&left[0], "accepted"), app.now())
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        ledger::settle_late(&mut tx, &outcome(&left[5], "rejected"), app.now())
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        ledger::settle_late(&mut tx, &outcome(&left[1], "queued"), app.now())
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        ledger::settle_late(&mut tx, &outcome(&left[0], "accepted"), app.now())
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        ledger::settle_late(&mut tx, &outcome(&left[2], "rejected"), app.now())
            .await
            .unwrap(),
        1
    );
    tx.commit().await.unwrap();
    let after = tally(app.db(), &app.store, send).await;
    assert_eq!((after.sent, after.failed, after.unconfirmed), (37, 1, 2));
    let written: (i64, i64) = on_db!(app.db(), |pool| sqlx::query_as(
        "select sent_count, failed_count from campaigns where id = $1"
    )
    .bind(campaign)
    .fetch_one(pool)
    .await)
    .unwrap();
    assert_eq!(written, (37, 1), "the campaign's own numbers follow its rows");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_sender_is_taken_over_on_sqlite() {
    a_dead_sender_is_taken_over(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_sender_is_taken_over_on_postgres() {
    a_dead_sender_is_taken_over(Backend::Postgres).await;
}

async fn nothing_goes_back_into_a_queue_that_has_ended(backend: Backend) {
    let (app, _sink) = app_with_sink(backend, vec![], "?connections=2").await;
    people::crowd(app.db(), app.store.id, 6, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    begin_sending(app.db(), send).await;
    let left = leave_behind(&app, send, 4, 2).await;
    let row = loupe::sends::store::find(app.db(), app.store.id, send)
        .await
        .unwrap()
        .unwrap();
    let mut tx = app.db().begin().await.unwrap();
    assert!(
        ending::revert(&mut tx, &row, "The provider is away.", app.now())
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    let mut tx = app.db().begin().await.unwrap();
    for row in &left {
        ledger::hold_sends(&mut tx, &outcome(row, "queued")).await.unwrap();
        ledger::settle(&mut tx, &outcome(row, "queued"), app.now())
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let after = tally(app.db(), &app.store, send).await;
    assert_eq!((after.cancelled, after.waiting), (6, 0), "{after:?}");
}

#[tokio::test]
async fn nothing_goes_back_into_a_queue_that_has_ended_on_sqlite() {
    nothing_goes_back_into_a_queue_that_has_ended(Backend::Sqlite).await;
}

#[tokio::test]
async fn nothing_goes_back_into_a_queue_that_has_ended_on_postgres() {
    nothing_goes_back_into_a_queue_that_has_ended(Backend::Postgres).await;
}

async fn a_stop_in_the_middle_doubles_and_loses_nothing(backend: Backend) {
    let slowly = Rule::new(When::Always, Fault::SlowDot(Duration::from_millis(10)));
    let (app, sink) = app_with_sink(backend, vec![slowly], "?connections=4").await;
    people::crowd(app.db(), app.store.id, 300, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    for more in [30, 90, 150] {
        let stop = CancellationToken::new();
        let task = tokio::spawn(dispatch::run(app.state.clone(), stop.clone()));
        while sink.counts().accepted < more {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        stop.cancel();
        task.await.unwrap();
        let held: i64 = on_db!(app.db(), |pool| sqlx::query_scalar(
            "select count(*) from messages where state in ('leased', 'attempting')"
        )
        .fetch_one(pool)
        .await)
        .unwrap();
        assert_eq!(held, 0, "what was leased is given back, what was begun is finished");
        let sent = tally(app.db(), &app.store, send).await.sent;
        assert_eq!(u64::try_from(sent).unwrap(), sink.counts().accepted);
        assert!(sent < 300, "stopped in the middle");
    }
    assert!(is_done(&deliver(&app.state, &app.store, send).await));
    let verdict = all_is_well(&app, &sink).await;
    assert_eq!(verdict.accepted, 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_the_middle_doubles_and_loses_nothing_on_sqlite() {
    a_stop_in_the_middle_doubles_and_loses_nothing(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_the_middle_doubles_and_loses_nothing_on_postgres() {
    a_stop_in_the_middle_doubles_and_loses_nothing(Backend::Postgres).await;
}

async fn a_clock_that_jumps_changes_nothing(backend: Backend) {
    let slowly = Rule::new(When::Always, Fault::SlowDot(Duration::from_millis(5)));
    let (app, sink) = app_with_sink(backend, vec![slowly], "?connections=2").await;
    people::crowd(app.db(), app.store.id, 200, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    let stop = CancellationToken::new();
    let task = tokio::spawn(dispatch::run(app.state.clone(), stop.clone()));
    let begin = app.now();
    while sink.counts().accepted < 20 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    // Back in time nothing new is due, and nothing is lost by that.
    for days in [400, -400, 1, -1, 0] {
        app.clock.set(begin + TimeDelta::days(days));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let ended = sending::until(&app.state, &app.store, send, |s| !s.state.is_open()).await;
    stop.cancel();
    task.await.unwrap();
    assert!(is_done(&ended));
    assert_eq!(all_is_well(&app, &sink).await.accepted, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_changes_nothing_on_sqlite() {
    a_clock_that_jumps_changes_nothing(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_changes_nothing_on_postgres() {
    a_clock_that_jumps_changes_nothing(Backend::Postgres).await;
}

#[tokio::test]
async fn a_transaction_that_sqlite_ended_by_itself_blocks_no_other() {
    let app = TestApp::new(Backend::Sqlite).await;
    let mut tx = app.db().begin().await.unwrap();
    // What a full disk does.
    on_tx!(&mut tx, |conn| sqlx::query("rollback")
        .execute(&mut *conn)
        .await
        .map(|_| ()))
    .unwrap();
    assert!(tx.commit().await.is_err());
    people::crowd(app.db(), app.store.id, 1, &[], app.now()).await;
}

/// Statements that make every mark fail while the table `trouble` has a row.
const REFUSE: [&str; 2] = [
    "create table trouble (id integer)",
    "create trigger refuse before update on messages when new.state = 'attempting' and exists (select 1 from trouble)
     begin select raise(abort, 'not now'); end",
];
const REFUSE_POSTGRES: [&str; 3] = [
    "create table trouble (id integer)",
    "create function refuse() returns trigger language plpgsql as $$ begin
       if new.state = 'attempting' and exists (select 1 from trouble) then raise exception 'not now'; end if;
       return new; end $$",
    "create trigger refuse before update on messages for each row execute function refuse()",
];

async fn run_all(db: &Db, statements: &[&'static str]) {
    let mut tx = db.begin().await.unwrap();
    for sql in statements {
        on_tx!(&mut tx, |conn| sqlx::query(*sql).execute(&mut *conn).await.map(|_| ())).unwrap();
    }
    tx.commit().await.unwrap();
}

/// Marks that cannot be written hold nobody for ever: the process lives on, and everybody still
/// gets it, once.
async fn a_database_that_refuses_for_a_while(backend: Backend) {
    let (app, sink) = app_with_sink(backend, vec![], "?connections=3").await;
    people::crowd(app.db(), app.store.id, 60, &[], app.now()).await;
    let refuse: &[&str] = match backend {
        Backend::Sqlite => &REFUSE,
        Backend::Postgres => &REFUSE_POSTGRES,
    };
    run_all(app.db(), refuse).await;
    run_all(app.db(), &["insert into trouble (id) values (1)"]).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    let stop = CancellationToken::new();
    let task = tokio::spawn(dispatch::run(app.state.clone(), stop.clone()));
    sending::until(&app.state, &app.store, send, |s| s.state == SendState::Sending).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(sink.received().len(), 0, "nothing goes out unmarked");
    run_all(app.db(), &["delete from trouble"]).await;
    let ended = sending::until(&app.state, &app.store, send, |s| !s.state.is_open()).await;
    stop.cancel();
    task.await.unwrap();
    assert!(is_done(&ended));
    assert_eq!(all_is_well(&app, &sink).await.accepted, 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_refuses_for_a_while_on_sqlite() {
    a_database_that_refuses_for_a_while(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_refuses_for_a_while_on_postgres() {
    a_database_that_refuses_for_a_while(Backend::Postgres).await;
}
