//! Pressing, sending and waiting.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use loupe::{
    dispatch, on_db, on_tx,
    sends::{self, queries::SendRecord},
};

use super::scenario::{CAMPAIGNS, SOME, Scenario, slow};
use crate::support::{
    planning,
    sending::tally,
    sink::{Fault, Rule, When},
};

impl Scenario {
    /// Every row of what is done with sends, as text.
    pub async fn rows(&self) -> Vec<String> {
        on_db!(self.harness.app.db(), |pool| sqlx::query_scalar(
            "select 'campaign ' || id || ' ' || status || ' ' || coalesce(hold, '') || ' ' || coalesce(problem, '')
                    || ' ' || coalesce(cast(sent_count as text), '') from campaigns
             union all
             select 'send ' || id || ' ' || state || ' ' || coalesce(problem, '') || ' ' || coalesce(paused_by, '')
                    || ' ' || cast(hold_until as text) || case when needs_reconcile then ' loose' else '' end
                    || coalesce(' contacts after ' || cast(contacts_after as text), '') from sends
             union all
             select 'message ' || id || ' ' || state || ' ' || coalesce(resolution, '') || ' ' || coalesce(reply, '')
               from messages
             union all select 'event ' || id || ' ' || action from audit_events
             order by 1"
        )
        .fetch_all(pool)
        .await)
        .unwrap()
    }

    pub(super) fn ask(&mut self, path: &str, fields: &str) {
        self.form = Some((path.to_owned(), fields.to_owned()));
    }

    /// Presses what is to be pressed, here.
    pub(super) async fn press_in_time(&self) {
        if let Some((path, fields)) = &self.form {
            self.post(path, fields).await;
        }
    }

    pub(super) async fn act(&self, what: &str) {
        let path = format!("/api/sends/{what}");
        self.post(&path, &format!("send_id={}", self.send)).await;
    }

    pub(super) async fn post(&self, path: &str, fields: &str) {
        let answer = self
            .harness
            .app
            .post_form_text(path, CAMPAIGNS, fields.to_owned(), &self.cookie)
            .await;
        assert!(!answer.status.is_server_error(), "{}: {}", self.name, answer.text);
    }

    pub(super) fn pass(&self, minutes: i64) {
        let app = &self.harness.app;
        app.clock.set(app.now() + TimeDelta::minutes(minutes));
    }

    pub(super) fn server_fails(&self) {
        self.harness
            .sink
            .set_rules(vec![Rule::new(When::Always, Fault::Closing)]);
    }

    /// Sends until the provider's trouble has paused it.
    pub(super) async fn until_paused(&self) {
        self.server_fails();
        self.sends_until(|send, _| send.paused_at.is_some()).await;
    }

    /// Whoever looks may be late: the others wait for the mail server.
    pub(super) async fn until_some_have_it(&self) {
        let mut rules: Vec<Rule> = (1..=SOME.unsigned_abs())
            .map(|n| Rule::new(When::Nth(n), Fault::SlowDot(Duration::from_millis(20))))
            .collect();
        rules.push(Rule::new(When::Always, Fault::SlowDot(Duration::from_millis(700))));
        self.harness.sink.set_rules(rules);
        self.sends_until(|_, sent| sent >= SOME).await;
        self.harness.sink.set_rules(slow());
    }

    /// A sender works until this is so, and then ends in good order.
    pub(super) async fn sends_until(&self, wanted: impl Fn(&SendRecord, i64) -> bool) {
        let app = &self.harness.app;
        self.sends_while(async {
            let begin = Instant::now();
            loop {
                let sent = tally(app.db(), &app.store, self.send).await.sent;
                let send = self.the_send().await;
                if wanted(&send, sent) {
                    return;
                }
                self.waited(begin, &format!("{send:?}")).await;
            }
        })
        .await;
    }

    /// A sender works meanwhile, and then ends in good order.
    pub(super) async fn sends_while(&self, meanwhile: impl Future<Output = ()>) {
        let stop = CancellationToken::new();
        let task = tokio::spawn(dispatch::run(self.harness.app.state.clone(), stop.clone()));
        meanwhile.await;
        stop.cancel();
        task.await.unwrap();
    }

    /// A sender works until every send has ended and nobody is in anybody's hand.
    pub(super) async fn all_go_out(&self) {
        self.sends_while(self.until(
            "select not exists (select 1 from sends where state in ('holding', 'sending'))
                and not exists (select 1 from messages where state in ('queued', 'leased', 'attempting'))",
        ))
        .await;
    }

    /// A scheduler works until there is nothing left for it.
    pub(super) async fn runner_settles(&self) {
        let running = planning::Running::start(&self.harness.app.state);
        self.until(
            "select not exists (select 1 from campaigns where status = 'scheduled' and hold is null)
                and not exists (select 1 from messages where state = 'unconfirmed' and resolution is null)
                and not exists (select 1 from sends where needs_reconcile or contacts_after is not null)",
        )
        .await;
        running.stop().await;
    }

    pub(super) async fn until_rows(&self, which: &str) {
        self.until(&format!("select exists (select 1 from messages where {which})"))
            .await;
    }

    pub(super) async fn until(&self, question: &str) {
        let begin = Instant::now();
        loop {
            let is_so: bool = on_db!(self.harness.app.db(), |pool| sqlx::query_scalar(sqlx::AssertSqlSafe(
                question
            ))
            .fetch_one(pool)
            .await)
            .unwrap();
            if is_so {
                return;
            }
            self.waited(begin, question).await;
        }
    }

    pub(super) async fn waited(&self, begin: Instant, what: &str) {
        if begin.elapsed() > Duration::from_secs(90) {
            panic!("{}: never {what}; {:#?}", self.name, self.rows().await);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    /// Whoever has it is taken for dead although it lives.
    pub(super) async fn take_over(&self) {
        self.until_rows("state = 'attempting'").await;
        let app = &self.harness.app;
        let mut tx = app.db().begin().await.unwrap();
        on_tx!(&mut tx, |conn| sqlx::query(
            "update messages set lease_until = created_at where lease_until is not null"
        )
        .execute(&mut *conn)
        .await
        .map(|_| ()))
        .unwrap();
        let whose = loupe::messages::queries::recover::ReapScope::Expired;
        let (_, unknown) = loupe::messages::queries::recover::recover(&mut tx, whose, app.now())
            .await
            .unwrap();
        assert!(unknown > 0, "{}", self.name);
        tx.commit().await.unwrap();
    }

    pub(super) async fn change(&self, sql: &'static str, at: chrono::DateTime<chrono::Utc>) {
        let mut tx = self.harness.app.db().begin().await.unwrap();
        on_tx!(&mut tx, |conn| sqlx::query(sql)
            .bind(at)
            .execute(&mut *conn)
            .await
            .map(|_| ()))
        .unwrap();
        tx.commit().await.unwrap();
    }

    pub(super) async fn the_send(&self) -> SendRecord {
        let app = &self.harness.app;
        let send = sends::queries::find(app.db(), app.store.id, self.send).await;
        send.unwrap().unwrap()
    }

    pub(super) async fn by_token(&self, token: &str) -> i64 {
        let app = &self.harness.app;
        let send = sends::queries::by_token(app.db(), app.store.id, token).await;
        send.unwrap().map_or(0, |send| send.id)
    }
}
