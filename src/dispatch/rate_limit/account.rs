//! The rate of a mail account: one for all programs that send through it, kept in the database
//! and measured by its clock.
//!
//! The account has one row of slots, as far apart as the rate says. Whoever leases messages takes
//! the next free slots for them, in the same transaction and a little ahead of time. The dispatcher hands
//! a message over shortly before each slot, so that it is marked and the mail server ready for it
//! when the slot comes; its worker waits for that. A slot that nobody took in time is gone:
//! nothing is saved up for a burst.

use std::{collections::HashMap, time::Duration};

use tokio::time::{Instant, sleep_until};

use crate::{db::Tx, mail_accounts::account_queries};

/// How far ahead slots are taken. It bridges the time between two turns of the dispatcher.
pub(crate) const AHEAD: i64 = 250_000;
/// A message is handed over so long before its slot.
pub(crate) const LEAD: Duration = Duration::from_millis(50);
/// Parts of a thousand of the rate that are kept back. What leaves a program evenly arrives a little
/// less evenly, and no second may have more messages than the rate says.
const KEPT_BACK: i64 = 5;
/// A slot further away than this was taken by a clock that has been put back since.
const TOO_FAR: i64 = 2_500_000;
/// A message may go so long after its slot, or a quarter of the time to the next one.
const LATE: Duration = Duration::from_millis(5);
/// A message handed over later than this shifts those after it, so that they do not bunch up.
const SLACK: Duration = Duration::from_millis(20);

/// The slots a claim may take. The account's row is held until the transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotGrant {
    /// Microseconds between two slots.
    gap: i64,
    /// The first free slot, in microseconds from now.
    first: i64,
    now: i64,
    /// When now is, on this machine.
    at: Instant,
}

/// When a message may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SendSlot {
    at: Instant,
    gap: Duration,
}

impl SlotGrant {
    /// The free slots of an account with this many messages a second, which is used up until then
    /// by the database's clock. `at` is when `now` is, on this machine.
    pub(crate) fn new(rate: i64, used_until: i64, now: i64, at: Instant) -> Self {
        let gap = gap(rate);
        Self {
            gap: gap + (gap * KEPT_BACK + 999) / 1_000,
            first: reach_ahead(used_until, now),
            now,
            at,
        }
    }

    /// How many slots may be taken now.
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
        account_queries::use_until(tx, account, until).await
    }

    /// The slot of the n-th.
    pub(crate) fn slot(&self, n: usize) -> SendSlot {
        let n = i64::try_from(n).unwrap_or(0);
        SendSlot::new(self.at + micros(self.first + self.gap * n), micros(self.gap))
    }
}

impl SendSlot {
    pub(crate) fn new(at: Instant, gap: Duration) -> Self {
        Self { at, gap }
    }

    pub(crate) fn at(self) -> Instant {
        self.at
    }

    /// How many like this there are in so much time.
    pub(crate) fn within(self, time: Duration) -> usize {
        let gap = self.gap.as_micros().max(1);
        usize::try_from(time.as_micros() / gap).unwrap_or(usize::MAX)
    }

    /// Waits until it has come.
    pub(crate) async fn come(self) {
        sleep_until(self.at).await;
    }

    /// Whether whoever takes it now comes too late.
    pub(crate) fn has_passed(self, now: Instant) -> bool {
        self.at + LATE.max(self.gap / 4) < now
    }
}

/// Microseconds between two of so many messages a second. Rounded up: never faster.
pub(crate) fn gap(rate: i64) -> i64 {
    1_000_000_i64.div_euclid(rate.max(1)) + i64::from(1_000_000 % rate.max(1) != 0)
}

/// How far ahead of now something is used up.
pub(crate) fn reach_ahead(used_until: i64, now: i64) -> i64 {
    match used_until - now {
        ahead if ahead > TOO_FAR => 0,
        ahead => ahead.max(0),
    }
}

pub(crate) fn micros(n: i64) -> Duration {
    Duration::from_micros(u64::try_from(n).unwrap_or(0))
}

/// Keeps the slots of one program apart, also after it was held up.
#[derive(Debug, Default)]
struct Pacer {
    last: Option<Instant>,
}

impl Pacer {
    fn due(&mut self, slot: SendSlot, now: Instant) -> Instant {
        let due = self.next(slot, now);
        self.last = Some(due);
        due
    }

    fn next(&self, slot: SendSlot, now: Instant) -> Instant {
        let apart = self.last.map_or(slot.at, |last| last + slot.gap);
        let due = slot.at.max(apart);
        if due + SLACK < now { now } else { due }
    }
}

/// The same for an account together with the domains it sends to.
#[derive(Debug, Default)]
pub(crate) struct Pacers {
    account: Pacer,
    domains: HashMap<String, Pacer>,
}

/// So many domains are kept in mind before those of long ago are forgotten.
const MOST_DOMAINS: usize = 1024;

impl Pacers {
    /// Lets a message to a domain go, or says when to ask again.
    pub(crate) fn go(
        &mut self,
        account: Option<SendSlot>,
        (domain, slot): (&str, SendSlot),
        now: Instant,
    ) -> Result<(), Instant> {
        let of_domain = match self.domains.get(domain) {
            Some(pacer) => pacer.next(slot, now),
            None => slot.at,
        };
        let of_account = account.map(|slot| self.account.next(slot, now));
        let due = of_account.map_or(of_domain, |at| at.max(of_domain));
        if due > now {
            return Err(due);
        }
        self.account.last = of_account.or(self.account.last);
        if self.domains.len() >= MOST_DOMAINS {
            self.domains
                .retain(|_, pacer| pacer.last.is_some_and(|last| last + micros(TOO_FAR) > now));
        }
        self.domains.entry(domain.to_owned()).or_default().due(slot, now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_never_closer_than_the_rate_says() {
        for (rate, gap) in [(1, 1_005_000), (14, 71_787), (80, 12_563), (1000, 1_005), (99_999, 12)] {
            let grant = SlotGrant::new(rate, 0, 1_000, Instant::now());
            assert_eq!(grant.gap, gap, "{rate}");
            assert!(grant.gap * rate >= 1_000_000, "{rate}");
        }
    }

    #[test]
    fn only_a_little_is_taken_ahead_and_nothing_is_saved_up() {
        let now = 5_000_000;
        let of = |used_until| SlotGrant::new(1000, used_until, now, Instant::now());
        assert_eq!(of(0).most(), 248, "an hour without sending is no hour's worth");
        assert_eq!(of(now + 100_000).most(), 149);
        assert_eq!(of(now + 250_000).most(), 0);
        assert_eq!(of(now + 3_600_000_000).most(), 248, "a clock that was put back");
        let slow = |used_until| SlotGrant::new(1, used_until, now, Instant::now());
        assert_eq!(slow(0).most(), 1);
        assert_eq!(slow(now + 1_000_000).most(), 0);
        assert!(slow(now + 1_000_000).wait() < Duration::from_secs(1));
    }

    #[test]
    fn enough_wait_until_the_next_are_leased() {
        for (rate, waiting) in [(1, 0), (14, 0), (80, 3), (1000, 49)] {
            let slot = SlotGrant::new(rate, 0, 1_000, Instant::now()).slot(0);
            assert_eq!(slot.within(LEAD), waiting, "{rate}");
        }
    }

    #[test]
    fn after_a_delay_messages_stay_apart() {
        let begin = Instant::now();
        let gap = Duration::from_millis(10);
        let mut pacer = Pacer::default();
        let slot = |n: u32| SendSlot {
            at: begin + gap * n,
            gap,
        };
        assert_eq!(pacer.due(slot(0), begin), begin);
        assert_eq!(pacer.due(slot(1), begin), begin + gap);
        // Half a second late: from now on, as far apart as ever.
        let late = begin + Duration::from_millis(500);
        assert_eq!(pacer.due(slot(2), late), late);
        assert_eq!(pacer.due(slot(3), late), late + gap);
        // A little late is made up for.
        let woken = late + gap + gap + Duration::from_millis(2);
        assert_eq!(pacer.due(slot(4), woken), late + gap * 2);
    }

    #[test]
    fn account_and_domain_are_kept_apart_at_a_time() {
        let begin = Instant::now();
        let ms = Duration::from_millis;
        let mut pacers = Pacers::default();
        let account = |n: u64| Some(SendSlot::new(begin + ms(10 * n), ms(10)));
        let domain = |name, at| (name, SendSlot::new(begin + ms(at), ms(100)));
        assert_eq!(pacers.go(account(0), domain("a", 0), begin), Ok(()));
        assert_eq!(
            pacers.go(account(1), domain("a", 100), begin + ms(50)),
            Err(begin + ms(100))
        );
        assert_eq!(pacers.go(account(2), domain("b", 0), begin), Err(begin + ms(20)));
        assert_eq!(pacers.go(account(2), domain("b", 0), begin + ms(20)), Ok(()));
        // All that is late does not go at once.
        let late = begin + ms(5_000);
        assert_eq!(pacers.go(account(3), domain("a", 100), late), Ok(()));
        assert_eq!(pacers.go(None, domain("a", 200), late), Err(late + ms(100)));
        assert_eq!(pacers.go(account(4), domain("c", 0), late), Err(late + ms(10)));
    }
}
