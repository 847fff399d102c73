//! A refusal that is the mail account's, or everybody's, is nobody's own: all wait, and get theirs
//! when the server takes it again.

use chrono::TimeDelta;
use loupe::{
    context::actor::Role,
    db::Backend,
    messages::model::Tally,
    sends::{model::SendState, queries::SendRecord},
};

use crate::{
    dispatch::circuit_breaker::{CONNECTIONS, House, PEOPLE, house_with},
    support::{
        planning::audit,
        sending::{is_done, status, tally},
        sink::{Fault, Rule, Stage, When},
    },
};

const QUOTA: &str = "550 5.4.5 Daily user sending quota exceeded. a1b2-20020a - gsmtp";
/// Nobody can tell from this what it is about.
const NO: &str = "554 5.7.1 <p@example.com>: transaction 4711 refused";

impl House {
    async fn tally(&self) -> Tally {
        tally(self.app.db(), &self.app.store, self.send).await
    }

    /// Waits until nobody is held, and nobody has failed.
    async fn nobody_has_failed(&self) -> Tally {
        let begin = std::time::Instant::now();
        loop {
            self.nobody_is_held().await;
            let now = self.tally().await;
            if now.failed == 0 {
                return now;
            }
            assert!(begin.elapsed() < std::time::Duration::from_secs(20), "{now:?}");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
}

/// After twelve the server says this at this place, to everybody: the send pauses with its words.
async fn pauses_and_fails_nobody(backend: Backend, stage: Stage, said: &'static str, shown: &str) {
    let house = house_with(backend, Rule::new(When::Beyond(12), Fault::Says(stage, said))).await;
    let (app, send) = (&house.app, house.send);
    let paused = house.until(|s| s.paused_at.is_some()).await;
    assert_eq!((paused.state, paused.paused_by), (SendState::Sending, None));
    let problem = paused.problem.clone().unwrap_or_default();
    assert!(
        problem.contains(shown) && !problem.contains('@'),
        "{stage:?}: {problem}"
    );
    let first = house.nobody_has_failed().await;
    // What was offered when it paused has gone back.
    let others = CONNECTIONS - 1;
    assert!((12 - others..=12).contains(&first.sent), "{stage:?}: {first:?}");
    assert_eq!(first.sent + first.waiting, 40, "{stage:?}: {first:?}");
    assert_eq!(status(app.db(), house.campaign).await, "sending");
    let cookie = app.sign_in_as(Role::Owner).await;
    let page = app
        .get(&format!("/marketing/campaigns/{}", house.campaign), &cookie)
        .await
        .text;
    assert!(
        page.contains(&format!("Paused — {} of 40", first.sent)) && page.contains(shown),
        "{stage:?}: {page}"
    );

    // Still so: one goes first, and does not pay.
    let offered = house.sink.counts().offered;
    house.pass(TimeDelta::minutes(2));
    house.until(|s| s.resume_at > paused.resume_at).await;
    let second = house.nobody_has_failed().await;
    assert_eq!(second, first, "{stage:?}");
    let tried = house.sink.counts().offered - offered;
    assert!((1..=2).contains(&tried), "{stage:?}: {tried} were offered");

    house.sink.set_rules(vec![]);
    house.pass(TimeDelta::minutes(10));
    let ended = house.until(|s| !s.state.is_open()).await;
    assert!(is_done(&ended) && ended.problem.is_none(), "{stage:?}: {ended:?}");
    let after = tally(app.db(), &app.store, send).await;
    assert_eq!((after.sent, after.failed, after.unconfirmed), (40, 0, 0), "{stage:?}");
    let (_, sink) = house.end().await;
    let copies = sink.copies();
    assert!(
        copies.len() == PEOPLE && copies.values().all(|copies| *copies == 1),
        "{stage:?}"
    );
}

async fn a_used_up_quota(backend: Backend) {
    let words = "stops our account: 550 5.4.5 Daily user sending quota exceeded";
    tokio::join!(
        pauses_and_fails_nobody(backend, Stage::Mail, QUOTA, words),
        pauses_and_fails_nobody(backend, Stage::Rcpt, QUOTA, words),
        pauses_and_fails_nobody(backend, Stage::Data, QUOTA, words),
        pauses_and_fails_nobody(backend, Stage::Dot, QUOTA, words),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_up_quota_fails_nobody_on_sqlite() {
    Box::pin(a_used_up_quota(Backend::Sqlite)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_up_quota_fails_nobody_on_postgres() {
    Box::pin(a_used_up_quota(Backend::Postgres)).await;
}

async fn the_same_for_everybody(backend: Backend) {
    let words = "refuses everybody: 554 5.7.1";
    tokio::join!(
        pauses_and_fails_nobody(backend, Stage::Rcpt, NO, words),
        pauses_and_fails_nobody(backend, Stage::Dot, NO, words),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_unknown_answer_for_everybody_fails_nobody_on_sqlite() {
    Box::pin(the_same_for_everybody(Backend::Sqlite)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_unknown_answer_for_everybody_fails_nobody_on_postgres() {
    Box::pin(the_same_for_everybody(Backend::Postgres)).await;
}

/// From the first person on: three are enough to see it.
async fn a_refusal_for_everybody(backend: Backend) {
    let house = house_with(backend, Rule::new(When::Always, Fault::Dot(554))).await;
    let paused = house.until(|s| s.paused_at.is_some()).await;
    let problem = paused.problem.clone().unwrap_or_default();
    assert!(problem.contains("refuses everybody: 554"), "{problem}");
    let first = house.nobody_has_failed().await;
    assert_eq!(first.waiting, 40, "{first:?}");
    let offered = house.sink.counts().offered;
    let most = 3 + 2 * u64::try_from(CONNECTIONS).unwrap();
    assert!((3..=most).contains(&offered), "{offered} were offered");
    house.sink.set_rules(vec![]);
    house.pass(TimeDelta::minutes(2));
    let ended = house.until(|s| !s.state.is_open()).await;
    assert!(is_done(&ended) && ended.problem.is_none(), "{ended:?}");
    assert_eq!(house.tally().await.sent, 40);
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_for_everybody_pauses_on_sqlite() {
    a_refusal_for_everybody(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_for_everybody_pauses_on_postgres() {
    a_refusal_for_everybody(Backend::Postgres).await;
}

/// It stops at the very moment at which it is seen: those before are put back all the same.
async fn a_stop_forgets_nobody(backend: Backend) {
    let house = house_with(backend, Rule::new(When::Beyond(12), Fault::Says(Stage::Dot, NO))).await;
    house.until(|s| s.paused_at.is_some()).await;
    let (store, send) = (house.app.store.clone(), house.send);
    let (app, _sink) = house.end().await;
    let after = tally(app.db(), &store, send).await;
    assert_eq!((after.failed, after.sent + after.waiting), (0, 40), "{after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_forgets_nobody_on_sqlite() {
    a_stop_forgets_nobody(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_forgets_nobody_on_postgres() {
    a_stop_forgets_nobody(Backend::Postgres).await;
}

/// One message alone is refused with an account's words: a few pauses, and then it has failed alone.
async fn one_message_stops_nobody_for_ever(backend: Backend) {
    let rule = Rule::new(When::To("p000004@".to_owned()), Fault::Says(Stage::Dot, QUOTA));
    let house = house_with(backend, rule).await;
    for _ in 0..12 {
        let waits = |s: &SendRecord| s.resume_at.is_some_and(|at| at > house.app.now());
        let now = house.until(|s| !s.state.is_open() || waits(s)).await;
        if !now.state.is_open() {
            break;
        }
        house.nobody_is_held().await;
        house.pass(TimeDelta::minutes(6));
    }
    let ended = house.until(|s| !s.state.is_open()).await;
    assert!(is_done(&ended) && ended.problem.is_none(), "{ended:?}");
    let after = house.tally().await;
    assert_eq!((after.sent, after.failed), (39, 1), "{after:?}");
    let log = audit(house.app.db(), house.campaign).await;
    let pauses = log.iter().filter(|row| row.1 == "send.paused").count();
    assert!((1..=6).contains(&pauses), "{log:?}");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_stops_nobody_for_ever_on_sqlite() {
    one_message_stops_nobody_for_ever(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_stops_nobody_for_ever_on_postgres() {
    one_message_stops_nobody_for_ever(Backend::Postgres).await;
}
