//! The limit for each recipient domain: which of the leased rows may go, and until when the others
//! wait.
//!
//! Only what goes uses the domain's rate up, so a send that is stopped leaves nothing behind that
//! others would wait for. What does not go gets a place in its send's own domain_queue, only so that it is
//! not looked at again and again: when its turn comes it is judged afresh, never let through for
//! having waited. So neither a late program nor two domain_queues for one domain exceed the limit.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use tokio::time::Instant;

use super::account::{AHEAD, SendSlot, gap, micros, reach_ahead};

/// Whoever has been tried before is put off no longer than this: a row does not tell such a wait from
/// the one between two attempts, so another limit does not call it up.
const AGAIN: Duration = Duration::from_secs(60);

/// What becomes of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Goes(SendSlot),
    Waits(Duration),
}

/// A row to be judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate<'a> {
    pub(crate) message: i64,
    pub(crate) send: i64,
    pub(crate) domain: &'a str,
    /// It has been tried before.
    pub(crate) again: bool,
}

/// Those of one send who wait for one domain; whoever has been tried before waits apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct DomainQueue {
    send: i64,
    domain: String,
    again: bool,
}

#[derive(Clone, Copy, Debug)]
struct Tail {
    at: Instant,
    /// The last message in it. Once that waits no more, there is no such domain_queue.
    last: i64,
}

/// The domain_queues of this program: where each ends.
#[derive(Debug, Default)]
pub(crate) struct DomainQueues {
    tails: HashMap<DomainQueue, Tail>,
}

impl DomainQueues {
    /// Whether anybody waits in domain_queue.
    pub(crate) fn are_open(&self, now: Instant) -> bool {
        self.tails.values().any(|tail| tail.at > now)
    }

    /// The last of each domain_queue.
    pub(crate) fn last(&self) -> Vec<i64> {
        self.tails.values().map(|tail| tail.last).collect()
    }

    /// The last of the domain_queues of a send for these domains.
    pub(crate) fn tails_of(&self, send: i64, domains: &[String]) -> Vec<i64> {
        let of = |domain: &String, again| {
            let domain = domain.clone();
            self.tails
                .get(&DomainQueue { send, domain, again })
                .map(|tail| tail.last)
        };
        domains
            .iter()
            .flat_map(|domain| [of(domain, false), of(domain, true)])
            .flatten()
            .collect()
    }

    /// Forgets those of these domain_queues of which the last does not wait any more: it has had its turn, its
    /// send has ended, or somebody has called all of them up.
    pub(crate) fn retain(&mut self, asked: &[i64], waiting: &HashSet<i64>) {
        if waiting.len() < asked.len() {
            let gone: HashSet<_> = asked.iter().filter(|id| !waiting.contains(id)).collect();
            self.tails.retain(|_, tail| !gone.contains(&tail.last));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tails.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.tails.clear();
    }

    /// A place at the end of a domain_queue, `from` at the earliest.
    fn place(&mut self, row: Candidate<'_>, from: Instant, gap: Duration) -> Instant {
        let domain_queue = DomainQueue {
            send: row.send,
            domain: row.domain.to_owned(),
            again: row.again,
        };
        let last = row.message;
        let tail = self.tails.entry(domain_queue).or_insert(Tail { at: from, last });
        let place = from.max(tail.at);
        *tail = Tail { at: place + gap, last };
        place
    }
}

/// The domains of one transaction, which holds the account.
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
    /// How many messages to each this program has not handed over yet: a server that takes nothing
    /// must not let them pile up.
    at_hand: HashMap<String, usize>,
}

impl Domains {
    /// With so many messages a second to each. `at` is when `now`, by the database's clock, is on this
    /// machine; `at_hand` counts what has not been handed over yet.
    pub(crate) fn new(rate: i64, now: i64, at: Instant, at_hand: HashMap<String, usize>) -> Self {
        Self {
            gap: gap(rate),
            free: HashMap::new(),
            now,
            at,
            used: HashSet::new(),
            at_hand,
        }
    }

    /// Those of these domains that nothing is known of yet.
    pub(crate) fn unknown(&self, mut domains: Vec<String>) -> Vec<String> {
        domains.retain(|domain| !self.free.contains_key(domain));
        domains
    }

    /// Takes in until when domains are used up, by the database's clock.
    pub(crate) fn learn(&mut self, domains: Vec<String>, used_until: &HashMap<String, i64>) {
        for domain in domains {
            let free = used_until.get(&domain).map_or(0, |until| reach_ahead(*until, self.now));
            self.free.insert(domain, free);
        }
    }

    /// Judges a row.
    pub(crate) fn admit(&mut self, row: Candidate<'_>, domain_queues: &mut DomainQueues) -> Admission {
        let free = self.free.entry(row.domain.to_owned()).or_default();
        let at_hand = self.at_hand.entry(row.domain.to_owned()).or_default();
        let most = usize::try_from(AHEAD / self.gap).unwrap_or(0) + 1;
        if *free < AHEAD && *at_hand < most {
            let slot = SendSlot::new(self.at + micros(*free), micros(self.gap));
            *free += self.gap;
            *at_hand += 1;
            self.used.insert(row.domain.to_owned());
            return Admission::Goes(slot);
        }
        let from = self.at + micros((*free).max(AHEAD));
        let place = domain_queues.place(row, from, micros(self.gap));
        // A little early: it is leased ahead of its slot.
        let wait = place - self.at - micros(AHEAD / 2);
        Admission::Waits(if row.again { wait.min(AGAIN) } else { wait })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::email::address::domain;

    const NOW: i64 = 5_000_000;

    /// Ten a second to each; a.test is used up until then.
    fn domains(used_until: i64) -> Domains {
        let mut domains = Domains::new(10, NOW, Instant::now(), HashMap::new());
        domains.learn(
            vec!["a.test".to_owned()],
            &HashMap::from([("a.test".to_owned(), used_until)]),
        );
        domains
    }

    fn row(message: i64, send: i64, domain: &str) -> Candidate<'_> {
        Candidate {
            message,
            send,
            domain,
            again: false,
        }
    }

    /// Judges so many rows of a send, numbered from 1.
    fn judged(domains: &mut Domains, domain_queues: &mut DomainQueues, send: i64, rows: i64) -> Vec<Admission> {
        (1..=rows)
            .map(|message| domains.admit(row(message, send, "a.test"), domain_queues))
            .collect()
    }

    fn going(admissions: &[Admission]) -> usize {
        admissions.iter().filter(|v| matches!(v, Admission::Goes(_))).count()
    }

    fn waits(ms: u64) -> Admission {
        Admission::Waits(Duration::from_millis(ms))
    }

    #[test]
    fn what_exceeds_the_limit_waits_in_line() {
        let (mut domains, mut domain_queues) = (domains(0), DomainQueues::default());
        let goes = |ms| {
            Admission::Goes(SendSlot::new(
                domains.at + Duration::from_millis(ms),
                Duration::from_millis(100),
            ))
        };
        let expected = [goes(0), goes(100), goes(200), waits(175), waits(275), waits(375)];
        assert_eq!(judged(&mut domains, &mut domain_queues, 1, 6), expected);
        assert_eq!(
            domains.used_until(),
            [("a.test", NOW + 300_000)],
            "only what goes uses it up"
        );
        assert!(domain_queues.are_open(domains.at));
    }

    #[test]
    fn each_domain_has_its_own_rate() {
        let (mut domains, mut domain_queues) = (domains(NOW + 300_000), DomainQueues::default());
        assert!(matches!(
            domains.admit(row(1, 1, "a.test"), &mut domain_queues),
            Admission::Waits(_)
        ));
        assert!(matches!(
            domains.admit(row(2, 1, "b.test"), &mut domain_queues),
            Admission::Goes(_)
        ));
        assert_eq!(
            domains.used_until(),
            [("b.test", NOW + 100_000)],
            "waiting uses nothing up"
        );
    }

    #[test]
    fn those_who_come_late_all_at_once_are_judged_afresh() {
        let mut domain_queues = DomainQueues::default();
        assert_eq!(going(&judged(&mut domains(0), &mut domain_queues, 1, 1000)), 3);
        assert_eq!(going(&judged(&mut domains(0), &mut domain_queues, 1, 1000)), 3);
        assert_eq!(
            going(&judged(&mut domains(NOW + 100_000), &mut domain_queues, 1, 1000)),
            2
        );
    }

    #[test]
    fn a_line_holds_up_only_its_own_send() {
        let mut domain_queues = DomainQueues::default();
        judged(&mut domains(0), &mut domain_queues, 1, 1000);
        assert_eq!(going(&judged(&mut domains(0), &mut domain_queues, 2, 1)), 1);
    }

    #[test]
    fn a_line_is_as_long_as_its_last_waits() {
        let mut domain_queues = DomainQueues::default();
        judged(&mut domains(0), &mut domain_queues, 1, 1000);
        let names = ["a.test".to_owned(), "b.test".to_owned()];
        let last = domain_queues.tails_of(1, &names);
        assert_eq!(
            (last.as_slice(), domain_queues.tails_of(2, &names)),
            ([1000].as_slice(), vec![])
        );
        domain_queues.retain(&last, &HashSet::from([1000]));
        let behind = judged(&mut domains(0), &mut domain_queues, 1, 4)[3];
        assert!(
            matches!(behind, Admission::Waits(wait) if wait > Duration::from_secs(99)),
            "{behind:?}"
        );
        // Somebody has called them up: whoever is put off now is not put behind nobody.
        domain_queues.retain(&domain_queues.last(), &HashSet::new());
        assert!(domain_queues.is_empty());
        assert_eq!(judged(&mut domains(0), &mut domain_queues, 1, 4)[3], waits(175));
    }

    #[test]
    fn whoever_was_tried_before_is_put_off_a_minute_at_most() {
        let (mut domains, mut domain_queues) = (domains(0), DomainQueues::default());
        judged(&mut domains, &mut domain_queues, 1, 10_000);
        let again = |message| Candidate {
            again: true,
            ..row(message, 1, "a.test")
        };
        assert_eq!(
            domains.admit(again(20_000), &mut domain_queues),
            waits(175),
            "a line apart"
        );
        for message in 20_001..21_000 {
            let admission = domains.admit(again(message), &mut domain_queues);
            assert!(
                matches!(admission, Admission::Waits(wait) if wait <= AGAIN),
                "{admission:?}"
            );
        }
    }

    #[test]
    fn a_server_that_takes_nothing_lets_nothing_pile_up() {
        let mut domains = domains(0);
        domains.at_hand.insert("a.test".to_owned(), 3);
        let admission = domains.admit(row(1, 1, "a.test"), &mut DomainQueues::default());
        assert_eq!(admission, waits(125));
    }

    #[test]
    fn a_clock_that_was_put_back_holds_nobody_up() {
        let (mut domains, mut domain_queues) = (domains(NOW + 3_600_000_000), DomainQueues::default());
        assert_eq!(going(&judged(&mut domains, &mut domain_queues, 1, 1)), 1);
    }

    #[test]
    fn one_domain_is_one_however_it_is_written() {
        assert_eq!(domain("Amara@Example.COM"), "example.com");
        assert_eq!(domain("amara@b\u{fc}cher.example"), "xn--bcher-kva.example");
        assert_eq!(domain("amara@B\u{dc}CHER.example"), "xn--bcher-kva.example");
        assert_eq!(domain("amara@XN--bcher-KVA.example"), "xn--bcher-kva.example");
        assert_eq!(domain("\"a@b\"@Example.com"), "example.com");
        assert_eq!(domain("nothing"), "nothing");
    }
}
