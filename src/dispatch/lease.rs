//! Taking what is due of one send, within the limits of the mail account and of each domain.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::{
    account_store,
    domains::{Domains, Verdict, domain},
    fault_points::{Point, reach},
    ledger::json,
    pace::{Grant, Moment},
    pump::Pump,
    store::{self, Leased, PutOff},
};
use crate::{
    db::{Tx, dialect::moment_text},
    sends::store::Send,
};

/// Messages looked at in one transaction at most, when some must wait for their domain.
const LOOKED_AT: usize = 256;

/// What came of it.
pub(super) enum Lease {
    /// These go, each at its moments. Of those that were looked at, others may have been put off.
    Taken { going: Vec<Going>, looked_at: usize },
    /// The account's rate is used up for so long.
    UsedUp(Duration),
}

/// A message that goes, with its moments where there are limits.
pub(super) struct Going {
    pub(super) row: Leased,
    pub(super) moment: Option<Moment>,
    pub(super) domain: Option<(String, Moment)>,
}

impl Pump {
    /// Leases up to `limit` due messages of one send.
    pub(super) async fn lease(&mut self, send: &Send, limit: i64, now: DateTime<Utc>) -> sqlx::Result<Lease> {
        reach(Point::BeforeLease);
        let mut tx = self.state.db.begin().await?;
        let grant = match self.rate {
            Some(rate) => Some(Grant::of(&mut tx, &self.account, rate).await?),
            None => None,
        };
        if let Some(grant) = grant.filter(|grant| grant.most() == 0) {
            return Ok(Lease::UsedUp(grant.wait()));
        }
        let limit = grant.map_or(limit, |grant| limit.min(grant.most()));
        let (mut going, looked_at) = match self.domain_rate {
            Some(rate) => self.lease_by_domain(&mut tx, send.id, limit, rate, now).await?,
            None => {
                let rows = self.lease_rows(&mut tx, send.id, limit, now).await?;
                let looked_at = rows.len();
                let without_domain = |row| Going {
                    row,
                    moment: None,
                    domain: None,
                };
                (rows.into_iter().map(without_domain).collect(), looked_at)
            }
        };
        if let Some(grant) = grant {
            grant.take(&mut tx, &self.account, going.len()).await?;
            for (n, one) in going.iter_mut().enumerate() {
                one.moment = Some(grant.moment(n));
            }
        }
        reach(Point::LeaseWritten);
        tx.commit().await?;
        reach(Point::AfterLease);
        Ok(Lease::Taken { going, looked_at })
    }

    async fn lease_rows(&self, tx: &mut Tx, send: i64, limit: i64, now: DateTime<Utc>) -> sqlx::Result<Vec<Leased>> {
        let seconds = self.state.settings.lease_seconds;
        store::lease(tx, send, &self.owner, seconds, limit, now).await
    }

    /// Looks past those whose domain has been sent to enough: nobody else waits behind them.
    /// Answers who goes, in the order of their moments, and how many were looked at.
    async fn lease_by_domain(
        &mut self,
        tx: &mut Tx,
        send: i64,
        limit: i64,
        rate: i64,
        now: DateTime<Utc>,
    ) -> sqlx::Result<(Vec<Going>, usize)> {
        let most = usize::try_from(limit).unwrap_or(LOOKED_AT);
        let (mut going, mut looked_at) = (Vec::new(), 0);
        while going.len() < most && looked_at < LOOKED_AT.max(most) {
            let wanted = most - going.len();
            let rows = self
                .lease_rows(tx, send, i64::try_from(wanted).unwrap_or(limit), now)
                .await?;
            let found = rows.len();
            looked_at += found;
            if found > 0 {
                going.extend(self.judge(tx, send, rows, rate, now).await?);
            }
            // With no rate of the account to fill, one look is enough for a turn.
            if found < wanted || self.rate.is_none() {
                break;
            }
        }
        going.sort_by_key(|one| one.domain.as_ref().map(|(_, moment)| moment.at()));
        Ok((going, looked_at))
    }

    /// Puts off what its domain's limit does not let go now.
    async fn judge(
        &mut self,
        tx: &mut Tx,
        send: i64,
        rows: Vec<Leased>,
        rate: i64,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Vec<Going>> {
        let of = |row: &Leased| domain(row.address.as_deref().unwrap_or_default());
        let mut names: Vec<String> = rows.iter().map(of).collect();
        names.sort_unstable();
        names.dedup();
        let (used_until, clock) = account_store::domains_used_until(tx, &self.account, &names).await?;
        let mut domains = Domains::new(rate, used_until, clock, Instant::now());
        let mut at_hand = self
            .crew
            .as_ref()
            .map(|crew| crew.queue().domains())
            .unwrap_or_default();
        let (mut going, mut waiting) = (Vec::new(), Vec::new());
        for row in rows {
            let name = of(&row);
            let at_hand = at_hand.entry(name.clone()).or_default();
            match domains.judge(send, &name, &mut self.lines, at_hand) {
                Verdict::Goes(moment) => going.push(Going {
                    row,
                    moment: None,
                    domain: Some((name, moment)),
                }),
                Verdict::Waits(wait) => waiting.push(PutOff {
                    id: row.id,
                    epoch: row.epoch,
                    next_at: moment_text(now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX)),
                }),
            }
        }
        if !waiting.is_empty() {
            store::put_off(tx, &json(&waiting)?).await?;
        }
        account_store::use_domains_until(tx, &self.account, &domains.used_until()).await?;
        Ok(going)
    }
}
