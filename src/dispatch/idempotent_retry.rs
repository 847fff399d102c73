//! What the dispatcher does about unanswered messages where the provider takes each of them only once.

use chrono::{DateTime, Utc};

use super::{
    dispatcher::Dispatcher,
    failpoints::{Point, hit},
    store::ProviderAccount,
};
use crate::sends::repeats;

impl Dispatcher {
    /// The mail account, where its provider is known.
    pub(crate) fn through(&self) -> Option<ProviderAccount<'_>> {
        self.provider.map(|provider| ProviderAccount {
            account: &self.account,
            takes_once: provider.takes_once(),
        })
    }

    /// Before a send ends: those of its messages that were never answered have another try. True when
    /// there are any.
    pub(crate) async fn queue_repeats(&self, send: i64, now: DateTime<Utc>) -> sqlx::Result<bool> {
        let Some(through) = self.through().filter(|through| through.takes_once) else {
            return Ok(false);
        };
        let wait = repeats::WAIT.to_std().unwrap_or_default();
        let at = now + wait.mul_f64(self.state.settings.retry_scale);
        hit(Point::BeforeRepeat);
        let mut tx = self.state.db.begin().await?;
        let queued = repeats::queue(&mut tx, send, through, at).await?;
        if queued > 0 {
            hit(Point::RepeatWritten);
        }
        tx.commit().await?;
        if queued > 0 {
            hit(Point::AfterRepeat);
            tracing::info!(
                send.id = send,
                queued,
                "what was never answered is tried again with the same keys"
            );
        }
        Ok(queued > 0)
    }

    /// Somebody is due and was not leased: it may be one whose key is of no use here.
    pub(crate) async fn give_up_repeats(&self, send: i64, now: DateTime<Utc>) -> sqlx::Result<()> {
        hit(Point::BeforeRepeatEnds);
        let mut tx = self.state.db.begin().await?;
        let given_up = repeats::give_up(&mut tx, send, self.through(), now).await?;
        if given_up > 0 {
            hit(Point::RepeatEndWritten);
        }
        tx.commit().await?;
        if given_up > 0 {
            hit(Point::AfterRepeatEnds);
        }
        Ok(())
    }
}
