//! A sender goes away, stops or falls behind, and another takes over: what it left is known for
//! what it is.

use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use loupe::{
    context::{AppState, settings::Given},
    db::{self, Backend, Db},
    dispatch,
    error::AppError,
    messages::queries::{late, leases as ledger, settle},
    on_db, on_tx,
    recipients::model::RecipientFilter,
    sends::{
        ending,
        rules::{StartCampaign, start_campaign_as},
    },
    time::Clock,
};

use crate::{
    dispatch::faults::{all_is_well, app_with_sink},
    support::{
        app::TestApp,
        people,
        sending::{self, begun, deliver, draft, is_done, press, tally},
        sink::{Fault, Rule, When},
    },
};

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

/// What a sender did before it died, or is about to go on with: some messages leased, some marked.
pub async fn leave_behind(app: &TestApp, send: i64, leased: i64, marked: usize) -> Vec<ledger::Leased> {
    let mut tx = app.db().begin().await.unwrap();
    let rows = ledger::lease(&mut tx, send, ("gone", 0), None, leased, app.now())
        .await
        .unwrap();
    assert_eq!(i64::try_from(rows.len()).unwrap(), leased);
    let marks = tickets(&rows[..marked]);
    assert_eq!(
        ledger::mark_attempting(&mut tx, &marks, app.now()).await.unwrap(),
        u64::try_from(marked).unwrap()
    );
    tx.commit().await.unwrap();
    rows
}

fn tickets(rows: &[ledger::Leased]) -> String {
    let all: Vec<_> = rows
        .iter()
        .map(|row| ledger::LeaseToken {
            id: row.id,
            epoch: row.epoch,
        })
        .collect();
    serde_json::to_string(&all).unwrap()
}

/// What it says came of one of them.
pub fn outcome(row: &ledger::Leased, state: &'static str) -> String {
    let settled = settle::Settled {
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
    assert_eq!(marked, 0, "a lost lease is not marked");
    let outcomes = outcome(&left[5], "rejected");
    assert_eq!(settle::settle(&mut tx, &outcomes, app.now()).await.unwrap(), 0);
    assert_eq!(
        late::unsettled(app.db(), &outcomes).await.unwrap(),
        vec![left[5].id],
        "what it is sure of is not on the row"
    );
    let outcomes = outcome(&left[0], "accepted");
    assert_eq!(settle::settle(&mut tx, &outcomes, app.now()).await.unwrap(), 0);
    assert_eq!(
        late::unsettled(app.db(), &outcomes).await.unwrap(),
        vec![left[0].id],
        "what it is sure of is not on the row"
    );
    assert_eq!(
        loupe::dispatch::late_outcomes::settle_late(&mut tx, &outcome(&left[5], "rejected"), app.now())
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        loupe::dispatch::late_outcomes::settle_late(&mut tx, &outcome(&left[1], "queued"), app.now())
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        loupe::dispatch::late_outcomes::settle_late(&mut tx, &outcome(&left[0], "accepted"), app.now())
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        loupe::dispatch::late_outcomes::settle_late(&mut tx, &outcome(&left[2], "rejected"), app.now())
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
    let row = loupe::sends::queries::find(app.db(), app.store.id, send)
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
        loupe::messages::queries::locks::hold_sends(&mut tx, &outcome(row, "queued"))
            .await
            .unwrap();
        settle::settle(&mut tx, &outcome(row, "queued"), app.now())
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

/// Whoever is on the wire when a campaign is given back may have it or not: until that is known,
/// sending it again would leave them out, and lose them if they do not.
async fn sending_again_waits_for_what_is_on_the_wire(backend: Backend) {
    let (app, sink) = app_with_sink(backend, vec![], "?connections=2").await;
    people::crowd(app.db(), app.store.id, 6, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    begin_sending(app.db(), send).await;
    let left = leave_behind(&app, send, 4, 2).await;
    let row = loupe::sends::queries::find(app.db(), app.store.id, send)
        .await
        .unwrap()
        .unwrap();
    let mut tx = app.db().begin().await.unwrap();
    ending::revert(&mut tx, &row, "The provider is away.", app.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let again = StartCampaign {
        campaign_id: campaign,
        version: None,
        token: loupe::tokens::public(),
        skip_already: true,
        shown_count: None,
    };
    let initiator = sending::initiator(&app.state, &app.store);
    let refused = start_campaign_as(app.db(), &initiator, &again).await;
    assert!(
        matches!(&refused, Err(AppError::Refused { words, .. }) if words.contains("on their way")),
        "{refused:?}"
    );

    let mut tx = app.db().begin().await.unwrap();
    for row in &left {
        settle::settle(&mut tx, &outcome(row, "queued"), app.now())
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let send = begun(start_campaign_as(app.db(), &initiator, &again).await.unwrap());
    assert!(is_done(&deliver(&app.state, &app.store, send).await));
    assert_eq!(all_is_well(&app, &sink).await.accepted, 6, "nobody is left out");
}

#[tokio::test]
async fn sending_again_waits_for_what_is_on_the_wire_on_sqlite() {
    sending_again_waits_for_what_is_on_the_wire(Backend::Sqlite).await;
}

#[tokio::test]
async fn sending_again_waits_for_what_is_on_the_wire_on_postgres() {
    sending_again_waits_for_what_is_on_the_wire(Backend::Postgres).await;
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

/// A stop waits for an answer that takes longer than a lease lasts. Another instance, which takes
/// over whatever nobody keeps, does not call it unknown meanwhile.
async fn what_is_on_the_wire_stays_ours_while_we_stop(backend: Backend) {
    let slowly = Rule::new(When::Nth(1), Fault::SlowDot(Duration::from_secs(4)));
    let given = Given {
        lease_seconds: Some("2".to_owned()),
        ..Given::default()
    };
    let (app, sink) = TestApp::mailing(backend, vec![slowly], "?connections=1", given).await;
    people::crowd(app.db(), app.store.id, 3, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    let stop = CancellationToken::new();
    let task = tokio::spawn(dispatch::run(app.state.clone(), stop.clone()));
    while in_state(app.db(), "attempting").await == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    stop.cancel();
    while !task.is_finished() {
        let mut tx = app.db().begin().await.unwrap();
        let (_, unknown) = loupe::messages::queries::recover::recover(
            &mut tx,
            loupe::messages::queries::recover::ReapScope::Expired,
            app.now(),
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(unknown, 0, "it is not over");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    task.await.unwrap();
    let sent = in_state(app.db(), "accepted").await;
    assert!(sent > 0, "what was begun is finished");
    assert_eq!(
        in_state(app.db(), "queued").await,
        3 - sent,
        "the others are given back"
    );
    assert!(is_done(&deliver(&app.state, &app.store, send).await));
    assert_eq!(all_is_well(&app, &sink).await.accepted, 3);
}

async fn in_state(db: &Db, state: &str) -> i64 {
    on_db!(db, |pool| sqlx::query_scalar(
        "select count(*) from messages where state = $1"
    )
    .bind(state)
    .fetch_one(pool)
    .await)
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_the_wire_stays_ours_while_we_stop_on_sqlite() {
    what_is_on_the_wire_stays_ours_while_we_stop(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_the_wire_stays_ours_while_we_stop_on_postgres() {
    what_is_on_the_wire_stays_ours_while_we_stop(Backend::Postgres).await;
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
