//! The limit for each recipient domain.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use tokio_util::sync::CancellationToken;

use loupe::{
    context::{AppState, actor::Role},
    db::{self, Db},
    dispatch,
    mail_accounts::account_queries,
    on_db,
    recipients::model::RecipientFilter,
    time::Clock,
};

use crate::support::{
    app::TestApp,
    people,
    sending::{begun, draft, press},
    sink::Sink,
};

mod changes;
mod holds;
mod line;

async fn set(app: &TestApp, domain_rate: &str) {
    let cookie = app.sign_in_as(Role::Owner).await;
    let fields = [("domain_rate", domain_rate)];
    let answer = app
        .post_form("/api/settings/mail-server", "/settings", &fields, &cookie)
        .await;
    assert_eq!(answer.location(), "/settings?ok=mail-server");
}

fn account(app: &TestApp) -> String {
    app.state.settings.smtp.as_ref().unwrap().key()
}

async fn kept(app: &TestApp) -> Option<i64> {
    account_queries::limits(app.db(), &account(app))
        .await
        .unwrap()
        .domain_rate
}

/// Adds customers whose mailboxes are all at one domain.
async fn crowd_at_slow_test(app: &TestApp, n: usize) -> Vec<i64> {
    let ids = people::crowd(app.db(), app.store.id, n, &[], app.now()).await;
    let all_at = "update customers set email = replace(email, 'example.com', 'slow.test'),
                         email_norm = replace(email_norm, 'example.com', 'slow.test') where id <= $1";
    people::change(app.db(), all_at, ids[n - 1]).await;
    ids
}

/// Adds customers of whom each has a domain of their own, which ends in `.example`.
async fn each_at_their_own(app: &TestApp, n: usize) {
    let before = people::crowd(app.db(), app.store.id, n, &[], app.now()).await;
    let own = "update customers set email = 'amara@shop' || id || '.example',
                      email_norm = 'amara@shop' || id || '.example' where id >= $1";
    people::change(app.db(), own, before[0]).await;
}

async fn start(app: &TestApp, name: &str, filter: &RecipientFilter) -> i64 {
    let campaign = draft(app.db(), &app.store, name, filter).await;
    begun(press(&app.state, &app.store, campaign).await)
}

/// A program that sends. Its clock runs: what is put off comes up again.
struct Program {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Program {
    fn of(app: &TestApp) -> Self {
        Self::with(app, app.db().clone())
    }

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

/// Waits until a count is as wanted.
async fn becomes(app: &TestApp, count: &'static str, wanted: i64) {
    let begin = Instant::now();
    loop {
        let now = number(app, count).await;
        if now == wanted {
            return;
        }
        assert!(begin.elapsed() < Duration::from_secs(120), "still {now}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn number(app: &TestApp, sql: &'static str) -> i64 {
    on_db!(app.db(), |pool| sqlx::query_scalar(sql).fetch_one(pool).await).unwrap()
}

/// Those who have not been looked at yet.
const NEVER_LOOKED_AT: &str = "select count(*) from messages where state = 'queued' and epoch = 0";

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
