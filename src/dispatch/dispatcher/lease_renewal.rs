//! This instance's leases, and those of whoever fell silent: renewed in time, taken over, given
//! back at the end.

use std::time::Duration;

use tokio::time::Instant;

use super::Dispatcher;
use crate::{
    db::dialect::json,
    failpoints::{Point, hit},
    messages::queries::{leases, recover::ReapScope},
};

/// Between two looks at whether it is time to renew.
pub(crate) const RENEWAL_CHECK_INTERVAL: Duration = Duration::from_millis(250);

impl Dispatcher {
    pub(crate) async fn renew_when_due(&mut self) -> sqlx::Result<()> {
        let lease = u64::try_from(self.state.settings.lease_seconds).unwrap_or(30);
        if self.renewed.elapsed() < Duration::from_secs(lease) / 3 {
            return Ok(());
        }
        self.renewed = Instant::now();
        let mut tx = self.state.db.begin().await?;
        let held = json(&self.in_flight.tokens())?;
        leases::renew(&mut tx, &self.owner, &held, self.state.settings.lease_seconds).await?;
        tx.commit().await
    }

    /// Whoever falls silent over what is on the wire is taken for dead, and that for unconfirmed.
    pub(crate) async fn keep_renewing(&mut self) {
        loop {
            tokio::time::sleep(RENEWAL_CHECK_INTERVAL).await;
            if let Err(error) = self.renew_when_due().await {
                tracing::warn!(error = %error, "leases could not be renewed; trying again");
            }
        }
    }

    pub(crate) async fn recover(&self, whose: ReapScope) -> sqlx::Result<()> {
        hit(Point::BeforeRecovery);
        let mut tx = self.state.db.begin().await?;
        let (queued, unknown) =
            crate::messages::queries::recover::recover(&mut tx, whose, self.state.clock.now()).await?;
        if queued + unknown == 0 {
            return tx.commit().await;
        }
        hit(Point::RecoveryWritten);
        tx.commit().await?;
        hit(Point::AfterRecovery);
        tracing::warn!(queued, unknown, "took over from a sender that fell silent");
        Ok(())
    }

    pub(crate) async fn release(&self) {
        let released: sqlx::Result<u64> = async {
            hit(Point::BeforeRelease);
            let mut tx = self.state.db.begin().await?;
            let released = leases::release(&mut tx, &self.owner).await?;
            hit(Point::ReleaseWritten);
            tx.commit().await?;
            hit(Point::AfterRelease);
            Ok(released)
        }
        .await;
        if let Err(error) = released {
            tracing::warn!(error = %error, "leases could not be given back; they will expire");
        }
    }
}
