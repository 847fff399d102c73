//! What stands when it dies, and how it dies.

use std::time::Duration;

use chrono::TimeDelta;
use loupe::{
    channels::email::events::Provider, context::actor::Role, db::Backend, failpoints::Point, instance,
    recipients::model::RecipientFilter, sends,
};

use super::Action;
use crate::{
    dispatch::crash_recovery::{self, Harness},
    sends::after_sending::unconfirmed_ids,
    support::{
        app::{borrowed, encoded, fields_of},
        people, planning, providers,
        sending::{begun, draft, press},
        sink::{Fault, Rule, When},
    },
};

pub(super) const PEOPLE: usize = 12;
/// How many have it when somebody interferes, at least.
pub(super) const SOME: i64 = 4;
pub(super) const CAMPAIGNS: &str = "/marketing/campaigns";

pub struct Scenario {
    pub(super) name: String,
    pub(super) harness: Harness,
    pub(super) cookie: String,
    pub(super) people: Vec<i64>,
    pub(super) campaign: i64,
    /// The send it is about.
    pub(super) send: i64,
    /// What the person presses; nobody does where a worker dies by itself.
    pub(super) form: Option<(String, String)>,
    /// Who says no on the way.
    pub(super) opted_out: usize,
}

/// So slow that what is on its way when a process dies is really on its way.
pub(super) fn slow() -> Vec<Rule> {
    vec![Rule::new(When::Always, Fault::SlowDot(Duration::from_millis(20)))]
}

impl Scenario {
    pub async fn open(backend: Backend, action: Action, name: &str) -> Self {
        let undo_seconds = match action {
            Action::Undo | Action::UndoAgain | Action::Hurry => 60,
            _ => 0,
        };
        let harness = Harness::open(backend, 1, slow(), undo_seconds).await;
        let app = &harness.app;
        let filter = match action {
            Action::SendToNobody | Action::FireForNobody => RecipientFilter::Tags(vec!["vip".to_owned()]),
            _ => RecipientFilter::All,
        };
        let people = people::crowd(app.db(), app.store.id, PEOPLE, &[], app.now()).await;
        let campaign = draft(app.db(), &app.store, "Autumn", &filter).await;
        Self {
            name: name.to_owned(),
            cookie: app.sign_in_as(Role::Owner).await,
            people,
            campaign,
            send: 0,
            form: None,
            opted_out: 0,
            harness,
        }
    }

    /// Everything up to the press, or to the start of the worker, that it dies in.
    pub async fn prepare(&mut self, action: Action) {
        match action {
            Action::Sending => {}
            Action::Undo => self.begin_and_ask("undo").await,
            Action::Hurry => self.begin_and_ask("go").await,
            Action::Stop => self.midway_and_ask("stop").await,
            Action::Pause => self.midway_and_ask("pause").await,
            Action::Resume => {
                self.midway_and_ask("resume").await;
                self.act("pause").await;
            }
            Action::GoOn => self.midway_and_ask("go-on").await,
            Action::EndStalled => self.midway_and_ask("end").await,
            Action::EndUntouched => self.begin_and_ask("end").await,
            Action::SendRest => {
                self.midway_and_ask("stop").await;
                self.act("stop").await;
                let page = format!("{CAMPAIGNS}/{}", self.campaign);
                let html = self.harness.app.get(&page, &self.cookie).await.text;
                let fields = fields_of(&html, "/api/campaigns/send-rest");
                self.ask("/api/campaigns/send-rest", &encoded(&borrowed(&fields)));
            }
            Action::SendToNobody => {
                let id = self.campaign;
                self.ask(
                    "/api/campaigns/confirm",
                    &format!("id={id}&send_token=t&version=1&quiet_hours_confirmed=true"),
                );
            }
            Action::Bulk => self.ask("/api/bulk-email/send", &bulk("first", "")),
            Action::BulkRest => {
                self.post("/api/bulk-email/send", &bulk("first", "")).await;
                self.send = self.by_token("first").await;
                self.until_some_have_it().await;
                self.act("stop").await;
                self.ask("/api/bulk-email/send", &bulk("rest", &self.send.to_string()));
            }
            Action::TreatAsSent => self.leave_unconfirmed_and_ask("treat-as-sent", "").await,
            Action::Repeat => {
                providers::belongs_to(&self.harness.app, Provider::Resend).await;
                self.never_answers_two();
                self.begin().await;
            }
            Action::RepeatTooLate => {
                providers::belongs_to(&self.harness.app, Provider::Resend).await;
                self.never_answers_two();
                self.begin().await;
                self.sends_while(self.until_rows("state = 'queued' and idempotent_retries > 0"))
                    .await;
                let long_ago = self.harness.app.now() - TimeDelta::days(1);
                self.change(
                    "update messages set key_until = $1 where idempotent_retries > 0",
                    long_ago,
                )
                .await;
                self.pass(5);
            }
            Action::ProviderEvent => {
                let kept = providers::belongs_to(&self.harness.app, Provider::Mailgun).await;
                self.leave_unconfirmed().await;
                let message = unconfirmed_ids(&self.harness.app, self.send).await[0];
                let id = providers::message_id(&self.harness.app, message).await;
                let post = providers::Post::of(&self.harness.app, Provider::Mailgun, "delivered", &id, 0);
                self.ask(&format!("/hooks/email/{}", kept.hook_token), &post.body);
            }
            Action::Again => self.leave_unconfirmed_and_ask("again", "&send_token=t").await,
            Action::UndoAgain => {
                self.leave_unconfirmed_and_ask("again", "&send_token=t").await;
                self.press_in_time().await;
                self.send = self.by_token("t").await;
                self.ask("/api/sends/undo", &format!("send_id={}", self.send));
            }
            Action::Correct => {
                self.leave_unconfirmed().await;
                let path = format!("/sends/{}/correction", self.send);
                let fields = "subject=Correction%3A+at+6&body=At+6.&send_token=t&shown_count=12";
                self.ask(&path, fields);
            }
            Action::Reconcile => {
                self.begin().await;
                self.harness.sink.hold_answers();
                self.sends_while(async {
                    self.until_rows("state = 'attempting'").await;
                    self.act("stop").await;
                    self.harness.sink.release_answers();
                })
                .await;
            }
            Action::Contacts => {
                self.begin().await;
                self.all_go_out().await;
                // As a send to many more leaves it.
                let now = self.harness.app.now();
                self.change(
                    "update customers set last_contacted_at = null where last_contacted_at <= $1",
                    now,
                )
                .await;
                self.change("update sends set contacts_after = 0 where finished_at <= $1", now)
                    .await;
            }
            Action::SettleOld => {
                self.leave_unconfirmed().await;
                let long_ago = self.harness.app.now() - sends::unconfirmed::SETTLES_ITSELF_AFTER - TimeDelta::hours(1);
                self.change(
                    "update messages set settled_at = $1 where state = 'unconfirmed'",
                    long_ago,
                )
                .await;
            }
            Action::OptOut | Action::LateAnswer | Action::LateAnswerAfterStop | Action::AnswerAfterStop => {
                self.begin().await
            }
            Action::Outage => {
                self.begin().await;
                self.server_fails();
            }
            Action::OutageOver => {
                self.begin().await;
                self.until_paused().await;
                self.harness.sink.set_rules(slow());
            }
            Action::TroubleForLong => {
                self.begin().await;
                self.until_paused().await;
                let long_ago = self.harness.app.now() - TimeDelta::minutes(61);
                self.change("update sends set paused_at = $1, resume_at = $1", long_ago)
                    .await;
            }
            Action::Fire | Action::FireForNobody => self.plan(self.campaign, TimeDelta::zero()).await,
            Action::FireTooLate => self.plan(self.campaign, TimeDelta::hours(-2)).await,
            Action::Confirm => {
                instance::settle(&self.harness.app.state).await.unwrap();
                self.midway_and_ask("").await;
                let (app, all) = (&self.harness.app, RecipientFilter::All);
                planning::planned(app.db(), &app.store, "Winter", &all, app.now()).await;
                let mut tx = app.db().begin().await.unwrap();
                instance::mark_restored(&mut tx, app.now()).await.unwrap();
                tx.commit().await.unwrap();
                self.ask("/api/instance/confirm", "");
            }
        }
        if matches!(action, Action::GoOn | Action::EndStalled | Action::EndUntouched) {
            self.pass(5);
        }
        self.harness.share_the_time();
    }

    /// The process that does it dies at the place.
    pub async fn dies(&mut self, action: Action, point: Point) {
        let (point, initiator) = (point.name(), env!("CARGO_BIN_EXE_loupe-chaos"));
        let child = match &self.form {
            Some((path, fields)) => self.harness.child(initiator, &["form", path, fields], Some(&point)),
            None => {
                if matches!(
                    action,
                    Action::LateAnswer | Action::LateAnswerAfterStop | Action::AnswerAfterStop
                ) {
                    self.harness.sink.hold_answers();
                }
                self.harness.worker(Some(&point))
            }
        };
        match action {
            Action::OptOut => {
                self.until_rows("state = 'accepted'").await;
                for customer in self.people.iter().rev().take(3) {
                    let sql = "update customers set email_consent = 'withdrawn' where id = $1";
                    people::change(self.harness.app.db(), sql, *customer).await;
                    self.opted_out += 1;
                }
            }
            Action::AnswerAfterStop => {
                self.until_rows("state = 'attempting'").await;
                self.act("stop").await;
            }
            Action::LateAnswer => self.take_over().await,
            Action::LateAnswerAfterStop => {
                self.until_rows("state = 'attempting'").await;
                self.act("stop").await;
                self.take_over().await;
            }
            _ => {}
        }
        self.harness.sink.release_answers();
        crash_recovery::dies(child, &self.name).await;
    }

    /// Whether nothing else changes rows while it is done.
    pub fn is_quiet(&self, action: Action) -> bool {
        let by_the_runner = [
            Action::Reconcile,
            Action::Contacts,
            Action::SettleOld,
            Action::Fire,
            Action::FireForNobody,
            Action::FireTooLate,
        ];
        self.form.is_some() || by_the_runner.contains(&action)
    }

    async fn begin(&mut self) {
        let app = &self.harness.app;
        self.send = begun(press(&app.state, &app.store, self.campaign).await);
    }

    async fn begin_and_ask(&mut self, what: &str) {
        self.begin().await;
        self.ask(&format!("/api/sends/{what}"), &format!("send_id={}", self.send));
    }

    async fn midway_and_ask(&mut self, what: &str) {
        self.begin_and_ask(what).await;
        self.until_some_have_it().await;
    }

    /// It has gone out, but for two who were never answered, though they got it.
    async fn leave_unconfirmed(&mut self) {
        self.begin().await;
        self.never_answers_two();
        self.pass(2);
        self.all_go_out().await;
        assert_eq!(
            unconfirmed_ids(&self.harness.app, self.send).await.len(),
            2,
            "{}",
            self.name
        );
    }

    fn never_answers_two(&self) {
        let mut rules: Vec<Rule> = [3, 8].map(|n| Rule::new(When::Nth(n), Fault::HangUpAfterDot)).to_vec();
        rules.extend(slow());
        self.harness.sink.set_rules(rules);
    }

    async fn leave_unconfirmed_and_ask(&mut self, what: &str, more: &str) {
        self.leave_unconfirmed().await;
        let fields = format!("send_id={}{more}", self.send);
        self.ask(&format!("/api/sends/{what}"), &fields);
    }

    async fn plan(&self, campaign: i64, from_now: TimeDelta) {
        let app = &self.harness.app;
        planning::plan(app.db(), campaign, app.now() + from_now).await;
    }
}

/// The one-shot form to everybody, confirmed.
fn bulk(token: &str, of_send: &str) -> String {
    encoded(&[
        ("subject", "Trunk show"),
        ("body", "Come and see."),
        ("recipient_type", "all"),
        ("confirmed", "true"),
        ("shown_count", "12"),
        ("send_token", token),
        ("of_send", of_send),
        ("skip_already", "true"),
    ])
}
