//! Going by what is set for the mail account while it is set differently.

use tokio::time::Instant;

use super::{Dispatcher, TICK_INTERVAL};
use crate::mail_accounts::{account_queries, domain_queries, limits::EffectiveLimits, provider_queries};

impl Dispatcher {
    /// As many connections and as fast as an owner has set it, within a second or two.
    pub(crate) async fn refresh_limits(&mut self) -> sqlx::Result<()> {
        let (Some(pool), Some(account)) = (&mut self.pool, &self.state.settings.smtp) else {
            return Ok(());
        };
        if self.asked.is_some_and(|at| at.elapsed() < TICK_INTERVAL) {
            return Ok(());
        }
        let holds = EffectiveLimits::of(account_queries::limits(&self.state.db, &self.account).await?, account);
        pool.resize(holds.connections, &self.state.send_gate);
        self.provider = provider_queries::of_account(&self.state.db, &self.account)
            .await?
            .map(|kept| kept.provider);
        self.rate = holds.rate;
        if self.asked.is_none() || self.domain_rate != holds.domain_rate {
            self.domain_queues.clear();
            self.requeue_waiting(holds.domain_rate).await?;
            self.domain_rate = holds.domain_rate;
        } else if !self.domain_queues.is_empty() {
            self.prune_domain_queues().await?;
        }
        self.asked = Some(Instant::now());
        Ok(())
    }

    /// What waits for a domain's limit is judged by the one that holds now.
    async fn requeue_waiting(&self, domain_rate: Option<i64>) -> sqlx::Result<()> {
        let mut tx = self.state.db.begin().await?;
        account_queries::used_until(&mut tx, &self.account).await?;
        crate::messages::queries::domain_wait::requeue_waiting(&mut tx, self.state.clock.now()).await?;
        domain_queries::forget(&mut tx, &self.account, domain_rate.is_some()).await?;
        tx.commit().await
    }

    /// Nobody is waited for who does not wait any more.
    async fn prune_domain_queues(&mut self) -> sqlx::Result<()> {
        let last = self.domain_queues.last();
        let mut tx = self.state.db.begin().await?;
        let waiting =
            crate::messages::queries::domain_wait::still_waiting(&mut tx, &last, self.state.clock.now()).await?;
        tx.commit().await?;
        self.domain_queues.retain(&last, &waiting);
        Ok(())
    }
}
