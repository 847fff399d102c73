//! What people do to sends in the middle of it: through the pages, pressing twice at once, as
//! somebody does who is in doubt. What it came to is counted from the rows.

use std::time::{Duration, Instant};

use loupe::{
    sends::{self, model::SendState, queries::SendRecord},
    tokens,
};

use super::{Error, round::Round, rows_queries};

/// How long something to press for is waited for.
const WAIT_TIMEOUT: Duration = Duration::from_secs(6);

/// What somebody presses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    Stop,
    /// "Send to the remaining N", after a stop.
    Rest,
    PauseAndResume,
    /// In the time to undo, or just too late.
    Undo,
    /// "Send again (may reach them twice)".
    Again,
    TreatAsSent,
}

impl Press {
    pub const ALL: [Press; 6] = [
        Press::Stop,
        Press::Rest,
        Press::PauseAndResume,
        Press::Undo,
        Press::Again,
        Press::TreatAsSent,
    ];

    /// What it is called in the table.
    pub fn name(self) -> &'static str {
        match self {
            Press::Stop => "stopped by a person",
            Press::Rest => "sent to the remaining by a person",
            Press::PauseAndResume => "paused and resumed by a person",
            Press::Undo => "undone by a person",
            Press::Again => "sent again by a person to whom nobody answered",
            Press::TreatAsSent => "treated as sent by a person",
        }
    }
}

impl Round<'_> {
    pub(super) async fn a_person_presses(&mut self, what: Press) -> Result<(), Error> {
        match what {
            Press::Stop => {
                if let Some(send) = self.stop_one().await?
                    && self.rng.percent(40)
                {
                    self.harness.given_up.extend(send.campaign_id);
                }
                Ok(())
            }
            Press::Rest => self.send_the_rest().await,
            Press::PauseAndResume => self.pause_and_resume().await,
            Press::Undo => self.undo_one().await,
            Press::Again => self.send_again().await,
            Press::TreatAsSent => self.treat_as_sent().await,
        }
    }

    /// Stops what is being sent at this moment. Nothing when it ended by itself meanwhile.
    async fn stop_one(&mut self) -> Result<Option<SendRecord>, Error> {
        let Some(send) = self.one_sending().await? else {
            return Ok(None);
        };
        self.press_twice("stop", send.id, "").await?;
        let send = self.look_at(send.id).await?;
        let by_hand = send
            .problem
            .as_deref()
            .is_some_and(|words| words.ends_with("stopped it."));
        if send.state != SendState::Reverted || !by_hand {
            return Ok(None);
        }
        self.totals.did(Press::Stop.name());
        Ok(Some(send))
    }

    async fn send_the_rest(&mut self) -> Result<(), Error> {
        let Some(campaign) = self.stop_one().await?.and_then(|send| send.campaign_id) else {
            return Ok(());
        };
        let token = tokens::public();
        let begin = Instant::now();
        // What is on the wire of the stopped one has to be settled first: it says so.
        while begin.elapsed() < WAIT_TIMEOUT {
            let version = rows_queries::version(&self.harness.db, campaign).await?;
            let fields = format!("id={campaign}&version={version}&send_token={token}");
            let rest = format!("{fields}&skip_already=true");
            let answer = self.harness.person.press("/api/campaigns/send-rest", &rest).await?;
            if answer.location.contains("/review") {
                let told = format!("{fields}&reached=left_out&quiet_hours_confirmed=true");
                self.harness.person.press("/api/campaigns/confirm", &told).await?;
            }
            if sends::queries::by_token(&self.harness.db, self.harness.store.id, &token)
                .await?
                .is_some()
            {
                self.totals.did(Press::Rest.name());
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    async fn pause_and_resume(&mut self) -> Result<(), Error> {
        let Some(send) = self.one_sending().await? else {
            return Ok(());
        };
        self.press_twice("pause", send.id, "").await?;
        let is_paused = self.look_at(send.id).await?.paused_by.is_some();
        self.pause(20, 1500).await;
        self.press_twice("resume", send.id, "&quiet_hours_confirmed=true")
            .await?;
        let after = self.look_at(send.id).await?;
        if is_paused && after.paused_by.is_none() {
            self.totals.did(Press::PauseAndResume.name());
        } else if after.paused_by.is_some() {
            self.totals.wrong(format!("send {} could not be resumed", send.id));
        }
        Ok(())
    }

    /// Sends a draft from its page, and takes it back around the end of the time to undo.
    async fn undo_one(&mut self) -> Result<(), Error> {
        let Some(campaign) = self.harness.drafts().await?.first().copied() else {
            return Ok(());
        };
        let (token, db) = (tokens::public(), &self.harness.db);
        let version = rows_queries::version(db, campaign).await?;
        let fields =
            format!("id={campaign}&version={version}&send_token={token}&reached=left_out&quiet_hours_confirmed=true");
        self.harness.person.press("/api/campaigns/confirm", &fields).await?;
        let Some(send) = sends::queries::by_token(db, self.harness.store.id, &token).await? else {
            return Ok(());
        };
        self.undo_in_time(send.id).await
    }

    async fn undo_in_time(&mut self, send: i64) -> Result<(), Error> {
        self.pause(0, 1200 * self.harness.undo_seconds).await;
        self.press_twice("undo", send, "").await?;
        let after = self.look_at(send).await?;
        if after.state == SendState::Cancelled {
            self.totals.did(Press::Undo.name());
            if rows_queries::gone_out(&self.harness.db, send).await? > 0 {
                self.totals
                    .wrong(format!("send {send} was undone and some of it has gone out"));
            }
        } else {
            self.totals.did("  and undone too late");
        }
        Ok(())
    }

    async fn send_again(&mut self) -> Result<(), Error> {
        let Some(first) = self.one_unanswered().await? else {
            return Ok(());
        };
        let token = tokens::public();
        self.press_twice(
            "again",
            first,
            &format!("&quiet_hours_confirmed=true&send_token={token}"),
        )
        .await?;
        let again = sends::queries::by_token(&self.harness.db, self.harness.store.id, &token).await?;
        let Some(again) = again else { return Ok(()) };
        self.totals.did(Press::Again.name());
        if self.rng.percent(30) {
            self.undo_in_time(again.id).await?;
        }
        Ok(())
    }

    async fn treat_as_sent(&mut self) -> Result<(), Error> {
        let Some(send) = self.one_unanswered().await? else {
            return Ok(());
        };
        self.press_twice("treat-as-sent", send, "").await?;
        if rows_queries::treated(&self.harness.db, send).await? > 0 {
            self.totals.did(Press::TreatAsSent.name());
        }
        Ok(())
    }

    /// Presses the same twice at the same moment.
    async fn press_twice(&self, what: &str, send: i64, more: &str) -> Result<(), Error> {
        let (path, fields) = (format!("/api/sends/{what}"), format!("send_id={send}{more}"));
        let person = &self.harness.person;
        tokio::try_join!(person.press(&path, &fields), person.press(&path, &fields))?;
        Ok(())
    }

    async fn look_at(&self, send: i64) -> Result<SendRecord, Error> {
        let found = sends::queries::find(&self.harness.db, self.harness.store.id, send).await?;
        found.ok_or_else(|| format!("send {send} is gone").into())
    }

    /// A send of a campaign that goes out at this moment.
    async fn one_sending(&mut self) -> Result<Option<SendRecord>, Error> {
        self.somebody_attempting().await?;
        let mut sending = sends::queries::sending(&self.harness.db).await?;
        sending.retain(|send| send.campaign_id.is_some());
        let place = self.rng.place(sending.len());
        Ok((!sending.is_empty()).then(|| sending.swap_remove(place)))
    }

    /// A send with people who were never answered.
    async fn one_unanswered(&mut self) -> Result<Option<i64>, Error> {
        let begin = Instant::now();
        loop {
            let sends = rows_queries::unanswered(&self.harness.db, self.harness.store.id).await?;
            if let Some(send) = sends.get(self.rng.place(sends.len())) {
                return Ok(Some(*send));
            }
            if begin.elapsed() > WAIT_TIMEOUT || !self.supply().await? {
                return Ok(None);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
