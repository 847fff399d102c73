//! The limit for each recipient domain: which of the leased rows may go, and until when the others
//! wait.
//!
//! Only what goes uses the domain's rate up, so a send that is stopped leaves nothing behind that
//! others would wait for. What does not go gets a place in its send's own line, only so that it is
//! not looked at again and again: when its turn comes it is judged afresh, never let through for
//! having waited. So neither a late program nor two lines for one domain exceed the limit.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use tokio::time::Instant;

use super::pace::{AHEAD, Moment, gap, micros, reach_ahead};

/// What becomes of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Goes(Moment),
    Waits(Duration),
}

/// The lines of this program: where each ends.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    ends: HashMap<(i64, String), Instant>,
}

impl Lines {
    /// Whether anybody waits in line.
    pub(crate) fn are_open(&self, now: Instant) -> bool {
        self.ends.values().any(|end| *end > now)
    }

    /// Forgets the lines that nobody waits in any more: they have passed, or their send has ended.
    pub(crate) fn keep_only(&mut self, sends: &HashSet<i64>, now: Instant) {
        self.ends.retain(|(send, _), end| sends.contains(send) && *end > now);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.ends.clear();
    }

    /// A place at the end of a line, `from` at the earliest.
    fn place(&mut self, send: i64, domain: &str, from: Instant, gap: Duration) -> Instant {
        let end = self.ends.entry((send, domain.to_owned())).or_insert(from);
        let place = from.max(*end);
        *end = place + gap;
        place
    }
}

/// The domains of one transaction, which holds their rows.
#[derive(Debug)]
pub(crate) struct Domains {
    /// Microseconds between two messages to one domain.
    gap: i64,
    /// When each is free again, in microseconds from now.
    free: HashMap<String, i64>,
    now: i64,
    /// When now is, on this machine.
    at: Instant,
    /// Which of them have been used.
    used: HashSet<String>,
}

impl Domains {
    /// With so many messages a second to each, used up until then by the database's clock.
    pub(crate) fn new(rate: i64, used_until: Vec<(String, i64)>, now: i64, at: Instant) -> Self {
        let free = used_until
            .into_iter()
            .map(|(domain, until)| (domain, reach_ahead(until, now)))
            .collect();
        Self {
            gap: gap(rate),
            free,
            now,
            at,
            used: HashSet::new(),
        }
    }

    /// Judges a row of a send. `at_hand` counts the messages to its domain that this program has
    /// not handed over yet: a server that takes nothing must not let them pile up.
    pub(crate) fn judge(&mut self, send: i64, domain: &str, lines: &mut Lines, at_hand: &mut usize) -> Verdict {
        let free = self.free.entry(domain.to_owned()).or_default();
        let most = usize::try_from(AHEAD / self.gap).unwrap_or(0) + 1;
        if *free < AHEAD && *at_hand < most {
            let moment = Moment::new(self.at + micros(*free), micros(self.gap));
            *free += self.gap;
            *at_hand += 1;
            self.used.insert(domain.to_owned());
            return Verdict::Goes(moment);
        }
        let from = self.at + micros((*free).max(AHEAD));
        let place = lines.place(send, domain, from, micros(self.gap));
        // A little early: it is leased ahead of its moment.
        Verdict::Waits(place - self.at - micros(AHEAD / 2))
    }

    /// Until when the domains that were used are used up now.
    pub(crate) fn used_until(&self) -> Vec<(&str, i64)> {
        let until = |domain: &String| self.now + self.free.get(domain).copied().unwrap_or_default();
        self.used
            .iter()
            .map(|domain| (domain.as_str(), until(domain)))
            .collect()
    }
}

/// What the limit goes by: the part after the last at sign.
pub(crate) fn domain(address: &str) -> String {
    address.rsplit('@').next().unwrap_or_default().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 5_000_000;

    fn domains(used_until: i64) -> Domains {
        Domains::new(10, vec![("a.test".to_owned(), used_until)], NOW, Instant::now())
    }

    fn judged(domains: &mut Domains, lines: &mut Lines, send: i64, rows: usize) -> Vec<Verdict> {
        let mut at_hand = 0;
        (0..rows)
            .map(|_| domains.judge(send, "a.test", lines, &mut at_hand))
            .collect()
    }

    fn going(verdicts: &[Verdict]) -> usize {
        verdicts.iter().filter(|v| matches!(v, Verdict::Goes(_))).count()
    }

    #[test]
    fn what_exceeds_the_limit_waits_in_line() {
        let (mut domains, mut lines) = (domains(0), Lines::default());
        let goes = |ms| {
            Verdict::Goes(Moment::new(
                domains.at + Duration::from_millis(ms),
                Duration::from_millis(100),
            ))
        };
        let waits = |ms| Verdict::Waits(Duration::from_millis(ms));
        let expected = [goes(0), goes(100), goes(200), waits(175), waits(275), waits(375)];
        assert_eq!(judged(&mut domains, &mut lines, 1, 6), expected);
        assert_eq!(
            domains.used_until(),
            [("a.test", NOW + 300_000)],
            "only what goes uses it up"
        );
        assert!(lines.are_open(domains.at));
    }

    #[test]
    fn each_domain_has_its_own_rate() {
        let (mut domains, mut lines) = (domains(NOW + 300_000), Lines::default());
        assert!(matches!(
            domains.judge(1, "a.test", &mut lines, &mut 0),
            Verdict::Waits(_)
        ));
        assert!(matches!(
            domains.judge(1, "b.test", &mut lines, &mut 0),
            Verdict::Goes(_)
        ));
        assert_eq!(
            domains.used_until(),
            [("b.test", NOW + 100_000)],
            "waiting uses nothing up"
        );
    }

    #[test]
    fn those_who_come_late_all_at_once_are_judged_afresh() {
        let mut lines = Lines::default();
        assert_eq!(going(&judged(&mut domains(0), &mut lines, 1, 1000)), 3);
        assert_eq!(going(&judged(&mut domains(0), &mut lines, 1, 1000)), 3);
        assert_eq!(going(&judged(&mut domains(NOW + 100_000), &mut lines, 1, 1000)), 2);
    }

    #[test]
    fn a_line_holds_up_only_its_own_send() {
        let mut lines = Lines::default();
        judged(&mut domains(0), &mut lines, 1, 1000);
        assert_eq!(going(&judged(&mut domains(0), &mut lines, 2, 1)), 1);
        lines.keep_only(&HashSet::from([2]), Instant::now());
        assert!(lines.is_empty(), "it ends with its send");
    }

    #[test]
    fn a_server_that_takes_nothing_lets_nothing_pile_up() {
        let (mut domains, mut lines) = (domains(0), Lines::default());
        let verdict = domains.judge(1, "a.test", &mut lines, &mut 3);
        assert_eq!(verdict, Verdict::Waits(Duration::from_millis(125)));
    }

    #[test]
    fn a_clock_that_was_put_back_holds_nobody_up() {
        let (mut domains, mut lines) = (domains(NOW + 3_600_000_000), Lines::default());
        assert_eq!(going(&judged(&mut domains, &mut lines, 1, 1)), 1);
    }

    #[test]
    fn a_domain_is_what_follows_the_last_at_sign() {
        assert_eq!(domain("Amara@Example.COM"), "example.com");
        assert_eq!(domain("\"a@b\"@example.com"), "example.com");
        assert_eq!(domain("nothing"), "nothing");
    }
}
