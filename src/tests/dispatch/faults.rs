//! One thing going wrong at a time: what the row says then, and how many copies there are.

use std::{collections::HashSet, time::Duration};

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use loupe::{
    context::settings::Given,
    db::{Backend, Db},
    dispatch, on_db, on_tx,
    recipients::model::RecipientFilter,
    sends::model::SendState,
};

use crate::{
    oracle::{self, Arrived},
    support::{
        app::TestApp,
        people,
        sending::{self, begun, draft, is_done, press, status, tally},
        sink::{Fault, Received, Rule, Sink, When},
    },
};

/// A store whose mail server does this wrong, and leases of a second.
pub async fn app_with_sink(backend: Backend, rules: Vec<Rule>, options: &str) -> (TestApp, Sink) {
    let given = Given {
        lease_seconds: Some("1".to_owned()),
        ..Given::default()
    };
    TestApp::mailing(backend, rules, options, given).await
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
pub async fn all_is_well(app: &TestApp, sink: &Sink) -> oracle::Verdict {
    let verdict = oracle::examine(app.db(), app.store.id, &arrived(sink), &HashSet::new())
        .await
        .unwrap();
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
    let taken = |m: &&Received| m.recipient == "p000004@example.com" && matches!(m.answered, 0 | 250);
    assert_eq!(sink.received().iter().filter(taken).count(), at_last.1, "{fault:?}");
    assert_eq!(sink.faults().get(fault.name()), Some(&1), "{fault:?} has struck");
    let verdict = all_is_well(&app, &sink).await;
    assert_eq!(verdict.messages, 12);
}

async fn every_fault(backend: Backend) {
    let again = |code| ("queued", 1, Some(code));
    let never = |code| ("rejected", 1, Some(code));
    let unknown = ("unconfirmed", 1, None);
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
        (Fault::Closing, accepted, sent),
        (Fault::HangUpBeforeData, accepted, sent),
        (Fault::HangUpInContent, unknown, ("unconfirmed", 0)),
        (Fault::HangUpAfterDot, unknown, ("unconfirmed", 1)),
        (Fault::ResetAfterAccept, accepted, sent),
        (Fault::SlowDot(Duration::from_millis(300)), accepted, sent),
        (Fault::Dot(452), again(452), sent),
        (Fault::Dot(554), never(554), refused),
        (Fault::ClosingAfterDot, again(421), sent),
        (Fault::Nonsense, unknown, ("unconfirmed", 1)),
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
