//! Going by what is set for the mail account while it is set differently.

use tokio::time::Instant;

use super::{
    account::Holds,
    account_store, domain_store, provider_store,
    pump::{Pump, TICK},
};

impl Pump {
    /// As many connections and as fast as an owner has set it, within a second or two.
    pub(super) async fn follow_limits(&mut self) -> sqlx::Result<()> {
        let (Some(crew), Some(account)) = (&mut self.crew, &self.state.settings.smtp) else {
            return Ok(());
        };
        if self.asked.is_some_and(|at| at.elapsed() < TICK) {
            return Ok(());
        }
        let holds = Holds::of(account_store::limits(&self.state.db, &self.account).await?, account);
        crew.resize(holds.connections, &self.state.guard);
        self.provider = provider_store::of_account(&self.state.db, &self.account)
            .await?
            .map(|kept| kept.provider);
        self.rate = holds.rate;
        if self.asked.is_none() || self.domain_rate != holds.domain_rate {
            self.lines.clear();
            self.call_up(holds.domain_rate).await?;
            self.domain_rate = holds.domain_rate;
        } else if !self.lines.is_empty() {
            self.forget_lines().await?;
        }
        self.asked = Some(Instant::now());
        Ok(())
    }

    /// What waits for a domain's limit is judged by the one that holds now.
    async fn call_up(&self, domain_rate: Option<i64>) -> sqlx::Result<()> {
        let mut tx = self.state.db.begin().await?;
        account_store::used_until(&mut tx, &self.account).await?;
        domain_store::call_up(&mut tx, self.state.clock.now()).await?;
        domain_store::forget(&mut tx, &self.account, domain_rate.is_some()).await?;
        tx.commit().await
    }

    /// Nobody is waited for who does not wait any more.
    async fn forget_lines(&mut self) -> sqlx::Result<()> {
        let last = self.lines.last();
        let mut tx = self.state.db.begin().await?;
        let waiting = domain_store::still_waiting(&mut tx, &last, self.state.clock.now()).await?;
        tx.commit().await?;
        self.lines.keep_only(&last, &waiting);
        Ok(())
    }
}
