//! What must come of it.

use std::collections::HashSet;

use chrono::TimeDelta;
use loupe::{
    instance, on_db,
    sends::{
        self,
        model::{SendKind, SendState},
    },
};

use super::{
    Action,
    scenario::{PEOPLE, Scenario},
};
use crate::{
    dispatch::faults::arrived,
    oracle,
    sends::after_sending::unconfirmed_ids,
    support::{
        people, planning,
        sending::{self, begun, press, status, tally},
    },
};

impl Scenario {
    /// Who pressed presses again, and who was to do it by itself is started again. Then it is done,
    /// once.
    pub async fn once_more(&self, action: Action) {
        let (name, app) = (&self.name, &self.harness.app);
        if action == Action::Confirm {
            instance::settle(&app.state).await.unwrap();
        }
        if let Some((path, fields)) = &self.form {
            self.post(path, fields).await;
        }
        match action {
            Action::Reconcile
            | Action::Contacts
            | Action::SettleOld
            | Action::Fire
            | Action::FireForNobody
            | Action::FireTooLate => self.runner_settles().await,
            _ => {}
        }
        let campaign = status(app.db(), self.campaign).await;
        let followed = async |kind| {
            let follows = sends::queries::following(app.db(), app.store.id, self.send).await;
            follows.unwrap().iter().filter(|send| send.kind == kind).count()
        };
        match action {
            Action::Undo => assert_eq!(
                (self.the_send().await.state, &*campaign),
                (SendState::Cancelled, "draft"),
                "{name}"
            ),
            Action::UndoAgain => {
                let first = sending::latest(app.db(), &app.store, self.campaign).await;
                assert_eq!(unconfirmed_ids(app, first).await.len(), 2, "{name}");
            }
            Action::Hurry => {
                let hold_until = self.the_send().await.hold_until;
                assert!(hold_until <= app.now() + TimeDelta::seconds(30), "{name}: {hold_until}");
            }
            Action::Stop | Action::EndUntouched => assert_eq!(
                (self.the_send().await.state, &*campaign),
                (SendState::Reverted, "draft"),
                "{name}"
            ),
            Action::EndStalled => assert_eq!(
                (self.the_send().await.state, &*campaign),
                (SendState::Done, "sent"),
                "{name}"
            ),
            Action::Pause => {
                assert!(self.the_send().await.paused_by.is_some(), "{name}");
                self.act("resume").await;
            }
            Action::Resume => assert!(self.the_send().await.paused_at.is_none(), "{name}"),
            Action::TreatAsSent | Action::SettleOld => {
                let after = tally(app.db(), &app.store, self.send).await;
                assert_eq!((after.sent, after.unconfirmed), (PEOPLE as i64, 0), "{name}");
            }
            Action::ProviderEvent => {
                let after = tally(app.db(), &app.store, self.send).await;
                assert_eq!((after.sent, after.unconfirmed), (PEOPLE as i64 - 1, 1), "{name}");
            }
            Action::Again => assert_eq!(followed(SendKind::Again).await, 1, "{name}"),
            Action::Correct => assert_eq!(followed(SendKind::Correction).await, 1, "{name}"),
            Action::BulkRest => assert_eq!(followed(SendKind::Bulk).await, 1, "{name}"),
            Action::Bulk => assert!(self.by_token("first").await > 0, "{name}"),
            Action::SendRest | Action::Fire => {
                let expected = 1 + usize::from(action == Action::SendRest);
                let sends = planning::sends_of(app.db(), &app.store, self.campaign).await;
                assert_eq!((sends.len(), &*campaign), (expected, "sending"), "{name}");
            }
            Action::SendToNobody | Action::FireForNobody => {
                assert_eq!(campaign, "draft", "{name}");
                for customer in &self.people {
                    people::tag(app.db(), app.store.id, *customer, "vip").await;
                }
            }
            Action::FireTooLate => {
                let held = planning::row(app.db(), self.campaign).await.hold;
                assert_eq!(held.as_deref(), Some("missed"), "{name}");
                begun(press(&app.state, &app.store, self.campaign).await);
            }
            Action::Confirm => {
                assert_eq!(campaign, "draft", "{name}");
                assert!(!app.state.send_gate.is_passive(), "{name}");
                assert_eq!(
                    instance::settle(&app.state).await.unwrap(),
                    None,
                    "{name}: and stays so"
                );
            }
            _ => {}
        }
    }

    /// Nothing is done to it any more: it goes out to everybody it is for, once.
    pub async fn comes_right(&self, action: Action) {
        let (name, app) = (&self.name, &self.harness.app);
        self.harness.sink.set_rules(Vec::new());
        self.pass(10);
        if action == Action::Repeat {
            self.sends_while(self.until_rows("state = 'queued' and idempotent_retries > 0"))
                .await;
            self.pass(1);
        }
        self.all_go_out().await;
        let is_bulk = matches!(action, Action::Bulk | Action::BulkRest);
        if !is_bulk && status(app.db(), self.campaign).await == "draft" {
            begun(press(&app.state, &app.store, self.campaign).await);
            self.pass(10);
            self.all_go_out().await;
        }
        if action == Action::BulkRest {
            assert_eq!(self.the_send().await.state, SendState::Reverted, "{name}");
        }
        let mut given_up = HashSet::new();
        if action == Action::EndStalled {
            given_up.insert(self.campaign);
        }
        let mut arrived = arrived(&self.harness.sink);
        if action == Action::Repeat {
            // A copy with the same key goes no further.
            let copies = arrived.len();
            let mut seen = HashSet::new();
            arrived.retain(|one| seen.insert(one.message_id.clone()));
            assert_eq!(copies, arrived.len() + 2, "{name}");
        }
        let verdict = oracle::examine(app.db(), app.store.id, &arrived, &given_up)
            .await
            .unwrap();
        assert_eq!(verdict.wrong, Vec::<String>::new(), "{name}");
        let may_be_unknown = match action {
            Action::TreatAsSent | Action::SettleOld | Action::Repeat => 0,
            _ => 2,
        };
        assert!(
            verdict.unknown_after_crash + verdict.unknown_unanswered <= may_be_unknown,
            "{name}: {verdict:?}"
        );
        if action == Action::Again {
            assert_eq!(verdict.asked_for_again, 2, "{name}: {verdict:?}");
        }
        if action == Action::EndStalled {
            return;
        }
        if !is_bulk {
            assert_eq!(status(app.db(), self.campaign).await, "sent", "{name}");
        }
        let reached: i64 = on_db!(app.db(), |pool| sqlx::query_scalar(
            "select count(distinct m.customer_id) from messages m join sends s on s.id = m.send_id
              where m.state in ('accepted', 'unconfirmed') and s.kind in ('campaign', 'bulk')"
        )
        .fetch_one(pool)
        .await)
        .unwrap();
        let people = PEOPLE as i64;
        let everybody = people - i64::try_from(self.opted_out).unwrap()..=people;
        assert!(everybody.contains(&reached), "{name}: {reached} have it");
    }
}
