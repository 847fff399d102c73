//! A provider in trouble: the breaker stops the bleeding, says why, and lets the rest go later.

use chrono::TimeDelta;
use tokio::task::JoinHandle;

use tokio_util::sync::CancellationToken;

use loupe::{
    channels::email::smtp::Account,
    context::{actor::Role, settings::Given},
    db::Backend,
    dispatch,
    recipients::model::RecipientFilter,
    sends::{model::SendState, queries::SendRecord},
};

use crate::support::{
    app::TestApp,
    people,
    planning::{audit, planned, run_until, sends_of},
    sending::{self, begun, draft, is_done, press, status, tally},
    sink::{Fault, Rule, Sink, When},
};

pub const PEOPLE: usize = 40;
pub const CONNECTIONS: i64 = 2;

/// A campaign on its way to a server that fails, and a dispatcher.
pub struct House {
    pub app: TestApp,
    pub sink: Sink,
    pub campaign: i64,
    pub send: i64,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

async fn house(backend: Backend, fault: Fault) -> House {
    house_with(backend, Rule::new(When::Always, fault)).await
}

pub async fn house_with(backend: Backend, rule: Rule) -> House {
    let rules = vec![rule];
    let options = format!("?connections={CONNECTIONS}");
    let (app, sink) = TestApp::mailing(backend, rules, &options, Given::default()).await;
    people::crowd(app.db(), app.store.id, PEOPLE, &[], app.now()).await;
    let campaign = draft(app.db(), &app.store, "Autumn", &RecipientFilter::All).await;
    let send = begun(press(&app.state, &app.store, campaign).await);
    let stop = CancellationToken::new();
    let task = tokio::spawn(dispatch::run(app.state.clone(), stop.clone()));
    House {
        app,
        sink,
        campaign,
        send,
        stop,
        task,
    }
}

impl House {
    pub async fn until(&self, wanted: impl Fn(&SendRecord) -> bool) -> SendRecord {
        sending::until(&self.app.state, &self.app.store, self.send, wanted).await
    }

    /// Waits until what the other connection was in the middle of has its outcome: nobody is left
    /// waiting for a lease to run out.
    pub async fn nobody_is_held(&self) {
        let begin = std::time::Instant::now();
        loop {
            let held: i64 = loupe::on_db!(self.app.db(), |pool| sqlx::query_scalar(
                "select count(*) from messages where state in ('leased', 'attempting')"
            )
            .fetch_one(pool)
            .await)
            .unwrap();
            if held == 0 {
                return;
            }
            // The lease is 30 seconds.
            assert!(begin.elapsed() < std::time::Duration::from_secs(20), "{held} are held");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// Lets this much time pass.
    pub fn pass(&self, time: TimeDelta) {
        self.app.clock.set(self.app.now() + time);
        self.app.state.wake.notify_one();
    }

    pub async fn end(self) -> (TestApp, Sink) {
        self.stop.cancel();
        self.task.await.unwrap();
        (self.app, self.sink)
    }
}

/// Paused because of the fault, with everybody it did not cost still queued; then the server is
/// well again and the rest goes, once each.
async fn pauses_and_goes_on(backend: Backend, fault: Fault, costs: (i64, i64), words: &str) {
    let house = house(backend, fault).await;
    let (app, send) = (&house.app, house.send);
    let paused = house.until(|s| s.paused_at.is_some()).await;
    let problem = paused.problem.clone().unwrap_or_default();
    assert!(problem.contains(words), "{fault:?}: {problem}");
    assert_eq!((paused.state, paused.paused_by), (SendState::Sending, None));
    house.nobody_is_held().await;
    let first = tally(app.db(), &app.store, send).await;
    assert!(
        (costs.0..=costs.1).contains(&first.unconfirmed),
        "{fault:?}: stopped after {first:?}"
    );
    assert_eq!(first.waiting + first.unconfirmed, 40, "{fault:?}: {first:?}");
    assert_eq!(status(app.db(), house.campaign).await, "sending");

    // Tried again by itself, with one message.
    let offered = house.sink.counts().offered;
    house.pass(TimeDelta::minutes(2));
    house.until(|s| s.resume_at > paused.resume_at).await;
    house.nobody_is_held().await;
    let second = tally(app.db(), &app.store, send).await;
    assert!(second.unconfirmed <= first.unconfirmed + 1, "{fault:?}: {second:?}");
    let tried = house.sink.counts().offered - offered;
    assert!((1..=2).contains(&tried), "{fault:?}: {tried} were offered");

    house.sink.set_rules(vec![]);
    house.pass(TimeDelta::minutes(10));
    house.until(|s| s.paused_at.is_none()).await;
    house.pass(TimeDelta::minutes(20));
    let ended = house.until(|s| !s.state.is_open()).await;
    assert!(is_done(&ended) && ended.problem.is_none(), "{fault:?}: {ended:?}");
    let after = tally(app.db(), &app.store, send).await;
    assert_eq!(
        (after.sent, after.unconfirmed),
        (40 - second.unconfirmed, second.unconfirmed)
    );
    let (_, sink) = house.end().await;
    assert!(
        sink.copies().values().all(|copies| *copies == 1),
        "{fault:?}: nobody gets it twice"
    );
}

async fn each_kind_of_trouble(backend: Backend) {
    // Three, and what the other connection was in the middle of.
    let ambiguous = (3, 3 + CONNECTIONS - 1);
    tokio::join!(
        pauses_and_goes_on(backend, Fault::HangUpAfterDot, ambiguous, "doesn't answer"),
        pauses_and_goes_on(backend, Fault::HangUpInContent, ambiguous, "doesn't answer"),
        pauses_and_goes_on(backend, Fault::HangUpBeforeData, (0, 0), "hangs up without an answer"),
        pauses_and_goes_on(backend, Fault::Closing, (0, 0), "come back later: 421"),
        pauses_and_goes_on(backend, Fault::ClosingAfterDot, (0, 0), "come back later: 421"),
        pauses_and_goes_on(backend, Fault::Rcpt(450), (0, 0), "puts everything off: 450"),
        pauses_and_goes_on(backend, Fault::Dot(452), (0, 0), "puts everything off: 452"),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_trouble_pauses_and_passes_on_sqlite() {
    Box::pin(each_kind_of_trouble(Backend::Sqlite)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_trouble_pauses_and_passes_on_postgres() {
    Box::pin(each_kind_of_trouble(Backend::Postgres)).await;
}

/// The page says why, and somebody may try again before it does so by itself.
async fn a_person_may_try_again(backend: Backend) {
    let house = house(backend, Fault::Closing).await;
    let app = &house.app;
    house.until(|s| s.paused_at.is_some()).await;
    let cookie = app.sign_in_as(Role::Owner).await;
    let page = format!("/marketing/campaigns/{}", house.campaign);
    let shown = app.get(&page, &cookie).await.text;
    assert!(shown.contains("Paused — 0 of 40"), "{shown}");
    assert!(shown.contains("come back later: 421"), "why it is paused: {shown}");
    house.sink.set_rules(vec![]);
    let id = house.send.to_string();
    app.post_form("/api/sends/resume", &page, &[("send_id", &id)], &cookie)
        .await;
    house.until(|s| s.paused_at.is_none() && s.problem.is_none()).await;
    house.pass(TimeDelta::minutes(5));
    let ended = house.until(|s| !s.state.is_open()).await;
    assert!(is_done(&ended));
    let (app, _sink) = house.end().await;
    assert_eq!(tally(app.db(), &app.store, ended.id).await.sent, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_try_again_on_sqlite() {
    a_person_may_try_again(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_try_again_on_postgres() {
    a_person_may_try_again(Backend::Postgres).await;
}

/// Fired by the scheduler, an hour of trouble: a draft again, with what went out recorded, and the
/// owner is told.
async fn an_hour_of_trouble_gives_a_planned_campaign_back(backend: Backend) {
    let rules = vec![
        Rule::new(When::Nth(1), Fault::SlowDot(std::time::Duration::from_millis(1))),
        Rule::new(When::Always, Fault::Closing),
    ];
    let (mut app, sink) = TestApp::mailing(backend, rules, "", Given::default()).await;
    people::crowd(app.db(), app.store.id, PEOPLE, &[], app.now()).await;
    let campaign = planned(app.db(), &app.store, "Autumn", &RecipientFilter::All, app.now()).await;
    run_until(&app.state, campaign, |row| row.status == "sending").await;
    let send = sends_of(app.db(), &app.store, campaign).await[0].id;
    let mut settings = (*app.state.settings).clone();
    settings.smtp = Some(Account::parse(&format!("{}?connections=1", sink.url())).unwrap());
    app.state.settings = std::sync::Arc::new(settings);
    let stop = CancellationToken::new();
    let task = tokio::spawn(dispatch::run(app.state.clone(), stop.clone()));
    sending::until(&app.state, &app.store, send, |s| s.paused_at.is_some()).await;
    app.clock.set(app.now() + TimeDelta::minutes(59));
    app.state.wake.notify_one();
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    assert_eq!(
        status(app.db(), campaign).await,
        "sending",
        "not before the hour is over"
    );
    app.clock.set(app.now() + TimeDelta::minutes(2));
    app.state.wake.notify_one();
    let ended = sending::until(&app.state, &app.store, send, |s| !s.state.is_open()).await;
    stop.cancel();
    task.await.unwrap();
    assert_eq!(ended.state, SendState::Reverted);
    let problem = ended.problem.unwrap_or_default();
    assert!(problem.contains("421") && problem.contains("60 minutes"), "{problem}");
    let after = tally(app.db(), &app.store, send).await;
    assert_eq!((after.sent, after.cancelled, after.waiting), (1, 39, 0), "{after:?}");
    assert_eq!(status(app.db(), campaign).await, "draft");

    let cookie = app.sign_in_as(Role::Owner).await;
    let page = app.get(&format!("/marketing/campaigns/{campaign}"), &cookie).await.text;
    assert!(
        page.contains("Sending stopped") && page.contains("60 minutes"),
        "{page}"
    );
    let list = app.get("/marketing/campaigns", &cookie).await.text;
    assert!(list.contains("Sending stopped"), "{list}");
    let log = audit(app.db(), campaign).await;
    let given_up = log
        .iter()
        .filter(|(actor, action, _)| actor == "Loupe" && action == "send.reverted");
    let summaries: Vec<_> = given_up.map(|(.., summary)| summary.as_str()).collect();
    assert_eq!(summaries.len(), 1, "{log:?}");
    assert!(summaries[0].contains("39 customers still to go"), "{summaries:?}");
    assert!(log.iter().any(|(_, action, _)| action == "send.paused"), "{log:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_of_trouble_gives_a_planned_campaign_back_on_sqlite() {
    an_hour_of_trouble_gives_a_planned_campaign_back(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_of_trouble_gives_a_planned_campaign_back_on_postgres() {
    an_hour_of_trouble_gives_a_planned_campaign_back(Backend::Postgres).await;
}

/// Nobody was there while the hour passed: the server is well by now, and a try shows it.
async fn an_hour_without_a_try_gives_nothing_back(backend: Backend) {
    let house = house(backend, Fault::Closing).await;
    house.until(|s| s.paused_at.is_some()).await;
    house.nobody_is_held().await;
    let send = house.send;
    let (app, sink) = house.end().await;
    sink.set_rules(vec![]);
    app.clock.set(app.now() + TimeDelta::minutes(90));
    let ended = sending::deliver(&app.state, &app.store, send).await;
    assert!(is_done(&ended) && ended.problem.is_none(), "{ended:?}");
    assert_eq!(tally(app.db(), &app.store, send).await.sent, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_without_a_try_gives_nothing_back_on_sqlite() {
    an_hour_without_a_try_gives_nothing_back(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_without_a_try_gives_nothing_back_on_postgres() {
    an_hour_without_a_try_gives_nothing_back(Backend::Postgres).await;
}

/// The server works again at the very moment at which a person pauses: the person is heard.
async fn a_persons_pause_outlives_the_trouble(backend: Backend) {
    let house = house(backend, Fault::Closing).await;
    house.until(|s| s.paused_at.is_some()).await;
    house.nobody_is_held().await;
    let (id, cookie) = (house.send.to_string(), house.app.sign_in_as(Role::Owner).await);
    let page = format!("/marketing/campaigns/{}", house.campaign);
    let fields = [("send_id", &*id)];
    house.app.post_form("/api/sends/pause", &page, &fields, &cookie).await;
    let mut tx = house.app.db().begin().await.unwrap();
    loupe::sends::queries::resume_from_trouble(&mut tx, house.send)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let paused = house.until(|_| true).await;
    assert!(paused.paused_at.is_some() && paused.paused_by.is_some(), "{paused:?}");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_pause_outlives_the_trouble_on_sqlite() {
    a_persons_pause_outlives_the_trouble(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_pause_outlives_the_trouble_on_postgres() {
    a_persons_pause_outlives_the_trouble(Backend::Postgres).await;
}
