//! The rate of a mail account: one for all programs that send through it, kept in the database
//! and measured by its clock.
//!
//! The account has one row of moments, as far apart as the rate says. Whoever leases messages takes
//! the next free moments for them, in the same transaction and a little ahead of time; the pump
//! hands each message over at its moment. A moment that nobody took in time is gone: nothing is
//! saved up for a burst.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::account_store;
use crate::db::Tx;

/// How far ahead moments are taken. It bridges the time between two turns of the pump.
const AHEAD: i64 = 250_000;
/// A moment further away than this was taken by a clock that has been put back since.
const TOO_FAR: i64 = 2_500_000;
/// A message handed over later than this shifts those after it, so that they do not bunch up.
const SLACK: Duration = Duration::from_millis(20);

/// The moments a claim may take. The account's row is held until the transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    /// Microseconds between two moments.
    gap: i64,
    /// The first free moment, in microseconds from now.
    first: i64,
    now: i64,
    /// When now is, on this machine.
    at: Instant,
}

/// When a message is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    at: Instant,
    gap: Duration,
}

impl Grant {
    /// Looks for free moments of an account with this many messages a second.
    pub(crate) async fn of(tx: &mut Tx, account: &str, rate: i64) -> sqlx::Result<Self> {
        let (used_until, now) = account_store::used_until(tx, account).await?;
        Ok(Self::at(rate, used_until, now, Instant::now()))
    }

    fn at(rate: i64, used_until: i64, now: i64, at: Instant) -> Self {
        let ahead = used_until - now;
        Self {
            // Rounded up: never faster.
            gap: 1_000_000_i64.div_euclid(rate.max(1)) + i64::from(1_000_000 % rate.max(1) != 0),
            first: if ahead > TOO_FAR { 0 } else { ahead.max(0) },
            now,
            at,
        }
    }

    /// How many moments may be taken now.
    pub(crate) fn most(&self) -> i64 {
        match AHEAD - self.first {
            ..=0 => 0,
            room => (room / self.gap).max(1),
        }
    }

    /// How long until there are more.
    pub(crate) fn wait(&self) -> Duration {
        micros((self.first - AHEAD / 2).max(1_000))
    }

    /// Takes so many.
    pub(crate) async fn take(&self, tx: &mut Tx, account: &str, n: usize) -> sqlx::Result<()> {
        let n = i64::try_from(n).unwrap_or(i64::MAX);
        let until = self.now + self.first + self.gap.saturating_mul(n);
        account_store::use_until(tx, account, until).await
    }

    /// The moment of the n-th.
    pub(crate) fn moment(&self, n: usize) -> Moment {
        let n = i64::try_from(n).unwrap_or(0);
        Moment {
            at: self.at + micros(self.first + self.gap * n),
            gap: micros(self.gap),
        }
    }
}

fn micros(n: i64) -> Duration {
    Duration::from_micros(u64::try_from(n).unwrap_or(0))
}

/// Keeps the moments of one pump apart, also after it was held up.
#[derive(Debug, Default)]
pub(crate) struct Pacer {
    last: Option<Instant>,
}

impl Pacer {
    /// Waits for a message's moment.
    pub(crate) async fn wait(&mut self, moment: Moment) {
        let due = self.due(moment, Instant::now());
        sleep_until(due).await;
    }

    fn due(&mut self, moment: Moment, now: Instant) -> Instant {
        let apart = self.last.map_or(moment.at, |last| last + moment.gap);
        let mut due = moment.at.max(apart);
        if due + SLACK < now {
            due = now;
        }
        self.last = Some(due);
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_never_closer_than_the_rate_says() {
        for (rate, gap) in [(1, 1_000_000), (14, 71_429), (80, 12_500), (1000, 1_000), (99_999, 11)] {
            let grant = Grant::at(rate, 0, 1_000, Instant::now());
            assert_eq!(grant.gap, gap, "{rate}");
            assert!(grant.gap * rate >= 1_000_000, "{rate}");
        }
    }

    #[test]
    fn only_a_little_is_taken_ahead_and_nothing_is_saved_up() {
        let now = 5_000_000;
        let of = |used_until| Grant::at(1000, used_until, now, Instant::now());
        assert_eq!(of(0).most(), 250, "an hour without sending is no hour's worth");
        assert_eq!(of(now + 100_000).most(), 150);
        assert_eq!(of(now + 250_000).most(), 0);
        assert_eq!(of(now + 3_600_000_000).most(), 250, "a clock that was put back");
        let slow = |used_until| Grant::at(1, used_until, now, Instant::now());
        assert_eq!(slow(0).most(), 1);
        assert_eq!(slow(now + 1_000_000).most(), 0);
        assert!(slow(now + 1_000_000).wait() < Duration::from_secs(1));
    }

    #[test]
    fn after_a_delay_messages_stay_apart() {
        let begin = Instant::now();
        let gap = Duration::from_millis(10);
        let mut pacer = Pacer::default();
        let moment = |n: u32| Moment {
            at: begin + gap * n,
            gap,
        };
        assert_eq!(pacer.due(moment(0), begin), begin);
        assert_eq!(pacer.due(moment(1), begin), begin + gap);
        // Half a second late: from now on, as far apart as ever.
        let late = begin + Duration::from_millis(500);
        assert_eq!(pacer.due(moment(2), late), late);
        assert_eq!(pacer.due(moment(3), late), late + gap);
        // A little late is made up for.
        let woken = late + gap + gap + Duration::from_millis(2);
        assert_eq!(pacer.due(moment(4), woken), late + gap * 2);
    }
}
