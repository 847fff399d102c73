//! What the dispatcher does about unanswered messages where the provider takes each of them only once.

use chrono::{DateTime, Utc};

use super::Dispatcher;
use crate::{
    failpoints::{Point, hit},
    messages::queries::{idempotent_retry, leases::ProviderAccount},
};

impl Dispatcher {
    /// The mail account, where its provider is known.
    pub(crate) fn through(&self) -> Option<ProviderAccount<'_>> {
        self.provider.map(|provider| ProviderAccount {
            account: &self.account,
            is_idempotent: provider.is_idempotent(),
        })
    }

    /// Before a send ends: those of its messages that were never answered have another try. True when
    /// there are any.
    pub(crate) async fn queue_idempotent_retries(&self, send: i64, now: DateTime<Utc>) -> sqlx::Result<bool> {
        let Some(through) = self.through().filter(|through| through.is_idempotent) else {
            return Ok(false);
        };
        let wait = idempotent_retry::WAIT.to_std().unwrap_or_default();
        let at = now + wait.mul_f64(self.state.settings.retry_scale);
        hit(Point::BeforeIdempotentRetry);
        let mut tx = self.state.db.begin().await?;
        let queued = idempotent_retry::queue(&mut tx, send, through, at).await?;
        if queued > 0 {
            hit(Point::IdempotentRetryWritten);
        }
        tx.commit().await?;
        if queued > 0 {
            hit(Point::AfterIdempotentRetry);
            tracing::info!(
                send.id = send,
                queued,
                "what was never answered is tried again with the same keys"
            );
        }
        Ok(queued > 0)
    }

    /// Somebody is due and was not leased: it may be one whose key is of no use here.
    pub(crate) async fn give_up_idempotent_retries(&self, send: i64, now: DateTime<Utc>) -> sqlx::Result<()> {
        hit(Point::BeforeIdempotentRetryEnds);
        let mut tx = self.state.db.begin().await?;
        let given_up = idempotent_retry::give_up(&mut tx, send, self.through(), now).await?;
        if given_up > 0 {
            hit(Point::IdempotentRetryEndWritten);
        }
        tx.commit().await?;
        if given_up > 0 {
            hit(Point::AfterIdempotentRetryEnds);
        }
        Ok(())
    }
}
