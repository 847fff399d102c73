//! What the pump does about a provider in trouble: sends wait, are tried again, and are given back
//! in the end.

use std::time::Duration;

use super::{pump::Pump, retry, store, trouble::Verdict};
use crate::{
    error::AppError,
    sends::{self, ending, store::Send},
};

/// How long a send waits after trouble, the first time; it doubles up to the longest.
const FIRST_PAUSE: chrono::Duration = chrono::Duration::seconds(15);
const LONGEST_PAUSE: chrono::Duration = chrono::Duration::minutes(5);
/// Trouble that lasts longer gives the campaign back.
const PATIENCE_WITH_PROVIDER: chrono::Duration = chrono::Duration::minutes(60);

impl Pump {
    /// The provider does not work: what nobody has begun goes back to the queue, and every send is
    /// paused or, when only a person can mend it, given back.
    pub(super) async fn deal_with(&self, verdict: &Verdict) -> Result<Duration, AppError> {
        if let Some(crew) = &self.crew {
            crew.queue().clear();
        }
        let mut tx = self.state.db.begin().await?;
        store::release(&mut tx, &self.owner).await?;
        tx.commit().await?;
        for send in sends::store::sending(&self.state.db).await? {
            match verdict {
                Verdict::GiveUp(words) => self.end(&send, Some(words)).await?,
                Verdict::Pause(words) => self.pause(&send, words).await?,
            }
        }
        self.trouble.dealt_with();
        Ok(Duration::ZERO)
    }

    /// Everything stays queued and is tried again later.
    async fn pause(&self, send: &Send, words: &str) -> Result<(), AppError> {
        let now = self.state.clock.now();
        if send.resume_at.is_some_and(|at| at > now) {
            return Ok(());
        }
        let since = send.paused_at.map_or(chrono::Duration::zero(), |at| now - at);
        let wait = since.clamp(FIRST_PAUSE, LONGEST_PAUSE).to_std().unwrap_or_default();
        let wait = retry::jittered(wait).mul_f64(self.state.settings.retry_scale);
        let mut tx = self.state.db.begin().await?;
        if sends::store::pause(&mut tx, send.id, None, words, Some(now + wait), now).await? && send.paused_at.is_none()
        {
            ending::log_pause(&mut tx, send, words, now).await?;
        }
        tx.commit().await?;
        tracing::warn!(send.id = send.id, wait = wait.as_secs(), "paused: {words}");
        Ok(())
    }

    pub(super) async fn trouble_is_over(&self, send: &Send) -> sqlx::Result<()> {
        let mut tx = self.state.db.begin().await?;
        sends::store::resume(&mut tx, send.store_id, send.id).await?;
        tx.commit().await
    }

    /// An hour of trouble is enough: the campaign goes back, with what went out recorded.
    pub(super) async fn give_up_on_old_trouble(&self) -> Result<(), AppError> {
        let before = self.state.clock.now() - PATIENCE_WITH_PROVIDER;
        for send in sends::store::paused_since(&self.state.db, before).await? {
            let words = send.problem.as_deref().unwrap_or("The mail server doesn't work.");
            self.end(&send, Some(&format!("{words} It stayed so for 60 minutes.")))
                .await?;
        }
        Ok(())
    }
}
