//! Taking what is due of one send, within the limits of the mail account and of each domain.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::{Instant, sleep_until};

use super::Dispatcher;
use crate::{
    channels::email::address::domain,
    db::{Tx, dialect::moment_text},
    dispatch::rate_limit::{
        account::{LEAD, SendSlot, SlotGrant},
        domain::{Admission, Candidate, Domains},
    },
    failpoints::{Point, hit},
    mail_accounts::{account_queries, domain_queries},
    messages::queries::{
        domain_wait::PutBack,
        leases::{self, Leased},
    },
    sends::queries::SendRecord,
};

/// Messages looked at in one transaction, when some must wait for their domain: beyond so many it
/// does not look further.
const LOOKED_AT: i64 = 256;

/// What came of it.
pub(crate) enum Lease {
    /// These go, each at its slots. Of those that were looked at, others may have been put off.
    Taken { going: Vec<Going>, looked_at: usize },
    /// The account's rate is used up for so long.
    UsedUp(Duration),
}

/// A message that goes, with its slots where there are limits.
pub(crate) struct Going {
    pub(crate) row: Leased,
    pub(crate) slot: Option<SendSlot>,
    pub(crate) domain: Option<(String, SendSlot)>,
}

impl Dispatcher {
    /// Leases up to `limit` due messages of one send.
    pub(crate) async fn lease(&mut self, send: &SendRecord, limit: i64, now: DateTime<Utc>) -> sqlx::Result<Lease> {
        hit(Point::BeforeLease);
        let mut tx = self.state.db.begin().await?;
        let (used_until, clock) = match self.rate.or(self.domain_rate) {
            Some(_) => account_queries::used_until(&mut tx, &self.account).await?,
            None => (0, 0),
        };
        let here = Instant::now();
        let grant = self.rate.map(|rate| SlotGrant::new(rate, used_until, clock, here));
        if let Some(grant) = grant.filter(|grant| grant.most() == 0) {
            return Ok(Lease::UsedUp(grant.wait()));
        }
        let limit = grant.map_or(limit, |grant| limit.min(grant.most()));
        let (mut going, looked_at) = match self.domain_rate {
            Some(rate) => {
                let try_next = self.pool.as_ref().map(|pool| pool.queue().domains());
                let domains = Domains::new(rate, clock, here, try_next.unwrap_or_default());
                self.lease_by_domain(&mut tx, send.id, limit, domains, now).await?
            }
            None => {
                let rows = self.lease_rows(&mut tx, send.id, limit, now).await?;
                let looked_at = rows.len();
                let without_domain = |row| Going {
                    row,
                    slot: None,
                    domain: None,
                };
                (rows.into_iter().map(without_domain).collect(), looked_at)
            }
        };
        if let Some(grant) = grant {
            grant.take(&mut tx, &self.account, going.len()).await?;
            for (n, one) in going.iter_mut().enumerate() {
                one.slot = Some(grant.slot(n));
            }
        }
        hit(Point::LeaseWritten);
        tx.commit().await?;
        hit(Point::AfterLease);
        if self.domain_rate.is_none() {
            self.slots.add(going.iter().filter_map(|one| one.slot));
        }
        Ok(Lease::Taken { going, looked_at })
    }

    /// Gets slots for those who are ready and have none.
    pub(crate) async fn refill_slots(&self) -> sqlx::Result<()> {
        let wanted = self.slots.wanted();
        if wanted == 0 {
            return Ok(());
        }
        let Some(rate) = self.rate else {
            // There is no limit any more.
            let now = Instant::now();
            self.slots.add((0..wanted).map(|_| SendSlot::new(now, Duration::ZERO)));
            return Ok(());
        };
        let mut tx = self.state.db.begin().await?;
        let (used_until, clock) = account_queries::used_until(&mut tx, &self.account).await?;
        let grant = SlotGrant::new(rate, used_until, clock, Instant::now());
        let n = usize::try_from(grant.most()).unwrap_or_default().min(wanted);
        if n == 0 {
            return Ok(());
        }
        grant.take(&mut tx, &self.account, n).await?;
        tx.commit().await?;
        self.slots.add((0..n).map(|n| grant.slot(n)));
        Ok(())
    }

    /// Waits until a message is to be handed over, so that it is ready at this slot.
    pub(crate) async fn wait_for_slot(&self, slot: SendSlot) -> sqlx::Result<()> {
        let Some(early) = slot.at().checked_sub(LEAD) else {
            return Ok(());
        };
        loop {
            tokio::select! {
                () = sleep_until(early) => return Ok(()),
                () = self.slots.slots_wanted() => self.refill_slots().await?,
            }
        }
    }

    async fn lease_rows(&self, tx: &mut Tx, send: i64, limit: i64, now: DateTime<Utc>) -> sqlx::Result<Vec<Leased>> {
        let seconds = self.state.settings.lease_seconds;
        leases::lease(tx, send, (&self.owner, seconds), self.through(), limit, now).await
    }

    /// Looks past those whose domain has been sent to enough, further each time: nobody else waits
    /// behind them. Answers who goes, in the order of their slots, and how many were looked at.
    async fn lease_by_domain(
        &mut self,
        tx: &mut Tx,
        send: i64,
        most: i64,
        mut domains: Domains,
        now: DateTime<Utc>,
    ) -> sqlx::Result<(Vec<Going>, usize)> {
        let wanted = usize::try_from(most).unwrap_or_default();
        let (mut going, mut looked_at, mut look) = (Vec::new(), 0, most.min(LOOKED_AT));
        while going.len() < wanted && looked_at < LOOKED_AT {
            let rows = self.lease_rows(tx, send, look, now).await?;
            let found = i64::try_from(rows.len()).unwrap_or(i64::MAX);
            looked_at += found;
            self.admit(tx, rows, (&mut going, wanted), &mut domains, now).await?;
            if found < look {
                break;
            }
            look = (look * 2).min(LOOKED_AT);
        }
        if !going.is_empty() {
            domain_queries::use_until(tx, &self.account, &domains.used_until()).await?;
        }
        going.sort_by_key(|one| one.domain.as_ref().map(|(_, slot)| slot.at()));
        Ok((going, usize::try_from(looked_at).unwrap_or_default()))
    }

    /// Adds those who go to the others, up to so many; puts the rest back. Whom the limit of its
    /// domain does not let go now is put off.
    async fn admit(
        &mut self,
        tx: &mut Tx,
        rows: Vec<Leased>,
        (going, wanted): (&mut Vec<Going>, usize),
        domains: &mut Domains,
        now: DateTime<Utc>,
    ) -> sqlx::Result<()> {
        let rows: Vec<_> = rows
            .into_iter()
            .map(|row| (domain(row.address.as_deref().unwrap_or_default()), row))
            .collect();
        self.learn(tx, &rows, domains, now).await?;
        let mut back = Vec::new();
        for (name, row) in rows {
            let candidate = Candidate {
                message: row.id,
                send: row.send_id,
                domain: &name,
                again: row.attempts > 0,
            };
            let wait = match going.len() < wanted {
                true => match domains.admit(candidate, &mut self.domain_queues) {
                    Admission::Goes(slot) => {
                        going.push(Going {
                            row,
                            slot: None,
                            domain: Some((name, slot)),
                        });
                        continue;
                    }
                    Admission::Waits(wait) => Some(wait),
                },
                false => None,
            };
            let until = |wait| moment_text(now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX));
            back.push(PutBack {
                id: row.id,
                epoch: row.epoch,
                next_at: wait.map(until),
            });
        }
        if !back.is_empty() {
            crate::messages::queries::domain_wait::put_back(tx, &back).await?;
        }
        Ok(())
    }

    /// What is known of the domains of these rows: until when they are used up, and where their domain_queues
    /// really end.
    async fn learn(
        &mut self,
        tx: &mut Tx,
        rows: &[(String, Leased)],
        domains: &mut Domains,
        now: DateTime<Utc>,
    ) -> sqlx::Result<()> {
        let Some((_, first)) = rows.first() else {
            return Ok(());
        };
        let mut names: Vec<String> = rows.iter().map(|(name, _)| name.clone()).collect();
        names.sort_unstable();
        names.dedup();
        let last = self.domain_queues.tails_of(first.send_id, &names);
        if !last.is_empty() {
            let waiting = crate::messages::queries::domain_wait::still_waiting(tx, &last, now).await?;
            self.domain_queues.retain(&last, &waiting);
        }
        let unknown = domains.unknown(names);
        if !unknown.is_empty() {
            let used_until = domain_queries::used_until(tx, &self.account, &unknown).await?;
            domains.learn(unknown, &used_until.into_iter().collect());
        }
        Ok(())
    }
}
