//! Trouble with the provider, counters by all connections together: the circuit breaker.
//!
//! It opens when the provider fails several times running, in any of five ways, or at once when it
//! says that it is our account ([`super::refusals`]). Then nothing more
//! goes out until the dispatcher has paused the sends. When they are tried again, one message goes
//! first: it alone pays if the provider is as bad as before.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    refusals::{Meaning, Refusals, Tried},
    workers::retry,
};
use crate::{
    channels::{Outcome, email::smtp::ConnectProblem},
    messages::queries::leases::LeaseToken,
};

/// How often in a row each kind of failure is taken for chance.
const MOST_FAILURES: u32 = 3;
/// Each of these may have cost somebody their message: at most so many, and one for every
/// connection that was in the middle of its own.
const MOST_UNANSWERED: u32 = 3;
const MOST_CLOSINGS: u32 = 3;
/// Single mailboxes are full or slow now and then; everybody's is not.
const MOST_PUT_OFF: u32 = 10;

/// What trouble means for the sends. Its words are read by everybody whom it concerns, so nobody's
/// address is in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trip {
    /// It may pass: wait and try again.
    Pause(String),
    /// The same for this send alone: others are no trouble.
    PauseSend { send: i64, words: String },
    /// Only a person can mend it: give the campaigns back.
    GiveUp(String),
    /// The same for what is sent from this address alone.
    GiveUpSender { from: String, words: String },
}

/// Counts failures in a row over all connections.
#[derive(Debug, Default)]
pub(crate) struct CircuitBreaker {
    counters: Mutex<Counters>,
}

/// What lies between two verdicts. What was begun before the last one says nothing about the
/// provider since, however late it is heard of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Generation(u64);

#[derive(Debug, Default)]
struct Counters {
    generation: Generation,
    /// Connections that could not be opened, or brought no answer.
    failures: u32,
    /// Messages that were taken and never answered.
    unanswered: u32,
    /// "Come back later", with the connection closed.
    closings: u32,
    /// Messages put off.
    put_off: u32,
    refusals: Refusals,
    trip: Option<Trip>,
    /// There was trouble, and no message has been answered since.
    half_open: bool,
    works: bool,
}

impl CircuitBreaker {
    /// The present round: to be asked for before whatever is reported is begun.
    pub(crate) fn generation(&self) -> Generation {
        self.lock().generation
    }

    /// A connection could not be opened.
    pub(crate) fn failed(&self, generation: Generation, problem: &ConnectProblem) {
        let Some(mut counters) = self.lock_if(generation) else {
            return;
        };
        counters.failures += 1;
        counters.works = false;
        if problem.needs_mending() {
            counters.trip = Some(Trip::GiveUp(sentence(&problem.to_string())));
        } else {
            let many = counters.failures >= MOST_FAILURES;
            counters.trip_if(many, || sentence(&problem.to_string()));
        }
    }

    /// A new connection was lost without an answer to any message.
    pub(crate) fn cut_off(&self, generation: Generation) {
        let Some(mut counters) = self.lock_if(generation) else {
            return;
        };
        counters.failures += 1;
        counters.works = false;
        let many = counters.failures >= MOST_FAILURES;
        counters.trip_if(many, || "The mail server hangs up without an answer.".to_owned());
    }

    /// A sender address is refused: nothing from it will be taken.
    pub(crate) fn sender_refused(&self, generation: Generation, from: &str, reply: &str) {
        let Some(mut counters) = self.lock_if(generation) else {
            return;
        };
        let (from, words) = (
            from.to_owned(),
            format!("The mail server refused our sender address: {reply}"),
        );
        counters.trip = Some(Trip::GiveUpSender { from, words });
    }

    /// What became of a message; answers what is to be written down. A refusal that is nobody's own
    /// leaves its message as if it had not been tried.
    pub(crate) fn saw(&self, generation: Generation, tried: Tried, outcome: Outcome) -> Outcome {
        let mut counters = self.lock();
        let is_current = counters.generation == generation;
        if let Outcome::Rejected { code, reply } = outcome {
            let is_own = match is_current {
                true => counters.refused(tried, &reply),
                false => !counters.refusals.is_everybodys(tried, &reply),
            };
            return match is_own {
                true => Outcome::Rejected { code, reply },
                false => Outcome::NotSent { why: reply },
            };
        }
        if is_current {
            counters.saw(tried, &outcome);
        }
        outcome
    }

    /// Whether a message has been answered since the last failure, and this send's are not all
    /// refused.
    pub(crate) fn works_for(&self, send: i64) -> bool {
        let counters = self.lock();
        counters.works && !counters.refusals.is_at_the_brink(send)
    }

    /// A send has ended.
    pub(crate) fn forget(&self, send: i64) {
        self.lock().refusals.forget(send);
    }

    /// Messages that were written down as refused, and are to be put back: it was not their fault.
    pub(crate) fn owed(&self) -> Vec<LeaseToken> {
        self.lock().refusals.owed().iter().map(|tried| tried.token).collect()
    }

    /// They have been put back.
    pub(crate) fn put_back(&self, these: &[LeaseToken]) {
        self.lock().refusals.put_back(these);
    }

    /// Whether there was trouble that may still be there: one message at a time.
    pub(crate) fn is_half_open(&self) -> bool {
        self.lock().half_open
    }

    /// What trouble there is. Nothing goes out until it is [`CircuitBreaker::reset`].
    pub(crate) fn trip(&self) -> Option<Trip> {
        self.lock().trip.clone()
    }

    /// The sends have been told.
    pub(crate) fn reset(&self) {
        let mut counters = self.lock();
        let mut refusals = std::mem::take(&mut counters.refusals);
        refusals.reset();
        *counters = Counters {
            generation: Generation(counters.generation.0 + 1),
            half_open: true,
            refusals,
            ..Counters::default()
        };
    }

    /// Whether sending cannot go on.
    pub(crate) fn is_open(&self) -> bool {
        self.lock().trip.is_some()
    }

    /// How long a worker waits before it tries to connect again: a second at most. Longer waits are
    /// the dispatcher's, for all sends together; a worker that slept through their end would keep
    /// everybody waiting.
    pub(crate) fn wait(&self) -> Duration {
        let failures = self.lock().failures.min(2);
        retry::jittered(Duration::from_millis(250 << failures))
    }

    fn lock_if(&self, generation: Generation) -> Option<MutexGuard<'_, Counters>> {
        Some(self.lock()).filter(|counters| counters.generation == generation)
    }

    fn lock(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counters {
    /// The provider has answered a message.
    fn answered(&mut self) {
        *self = Counters {
            generation: self.generation,
            trip: self.trip.take(),
            refusals: std::mem::take(&mut self.refusals),
            works: true,
            ..Counters::default()
        };
    }

    /// What became of a message that was not refused for good.
    fn saw(&mut self, tried: Tried, outcome: &Outcome) {
        match outcome {
            Outcome::Accepted { .. } => {
                self.refusals.accepted(tried);
                self.answered();
            }
            Outcome::Unconfirmed { why } => {
                self.unanswered += 1;
                let many = self.unanswered >= MOST_UNANSWERED;
                self.trip_if(many, || {
                    sentence(&format!("the mail server takes messages and doesn't answer: {why}"))
                });
            }
            Outcome::Deferred { code: 421, reply, .. } => {
                self.closings += 1;
                let many = self.closings >= MOST_CLOSINGS;
                self.trip_if(many, || {
                    sentence(&format!(
                        "the mail server wants us to come back later: {}",
                        without_addresses(reply)
                    ))
                });
            }
            Outcome::Deferred { reply, .. } => {
                self.put_off += 1;
                let many = self.put_off >= MOST_PUT_OFF;
                self.trip_if(many, || {
                    sentence(&format!(
                        "the mail server puts everything off: {}",
                        without_addresses(reply)
                    ))
                });
            }
            Outcome::NotSent { .. } | Outcome::Rejected { .. } => {}
        }
    }

    /// The provider has refused a message for good: an answer, unless it says the same to all. Whether
    /// it is this message's own.
    fn refused(&mut self, tried: Tried, reply: &str) -> bool {
        let trip = match self.refusals.refused(tried, reply, self.half_open) {
            Meaning::Own => {
                self.answered();
                return true;
            }
            Meaning::Everybodys(trip) => trip,
        };
        self.works &= !matches!(trip, Trip::Pause(_));
        self.trip.get_or_insert(trip);
        false
    }

    /// Opens the breaker when there are too many; after trouble, one is too many.
    fn trip_if(&mut self, many: bool, words: impl FnOnce() -> String) {
        if (many || self.half_open) && self.trip.is_none() {
            self.works = false;
            self.trip = Some(Trip::Pause(words()));
        }
    }
}

/// A reply without the addresses in it.
pub(crate) fn without_addresses(reply: &str) -> String {
    let hidden = |word| if str::contains(word, '@') { "…" } else { word };
    reply.split_whitespace().map(hidden).collect::<Vec<_>>().join(" ")
}

/// What the operator reads.
pub(crate) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), chars.as_str().trim_end_matches('.')),
        None => "The mail server doesn't work.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::refusals::{MOST_REFUSED, MOST_REFUSED_AT_FIRST};

    const SEND: i64 = 1;

    /// Another message each time.
    fn message() -> Tried {
        static LAST: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(0);
        let id = LAST.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let token = LeaseToken { id, epoch: 1 };
        Tried { send: SEND, token }
    }

    fn see(breaker: &CircuitBreaker, send: i64, outcome: Outcome) -> Outcome {
        let message = Tried { send, ..message() };
        breaker.saw(breaker.generation(), message, outcome)
    }

    fn accepted() -> Outcome {
        Outcome::Accepted {
            reply: "250 taken".to_owned(),
        }
    }

    fn unknown() -> Outcome {
        Outcome::Unconfirmed {
            why: "the connection was lost".to_owned(),
        }
    }

    fn deferred(code: u16) -> Outcome {
        Outcome::Deferred {
            code,
            reply: format!("{code} not now"),
            retry_after: None,
        }
    }

    fn unreachable() -> ConnectProblem {
        ConnectProblem::Unreachable("connection refused".to_owned())
    }

    #[test]
    fn a_passing_failure_is_not_trouble_and_three_in_a_row_are() {
        let breaker = CircuitBreaker::default();
        breaker.failed(breaker.generation(), &unreachable());
        breaker.failed(breaker.generation(), &unreachable());
        see(&breaker, SEND, accepted());
        breaker.failed(breaker.generation(), &unreachable());
        assert_eq!(breaker.trip(), None);
        breaker.failed(breaker.generation(), &unreachable());
        breaker.cut_off(breaker.generation());
        let words = "The mail server hangs up without an answer.".to_owned();
        assert_eq!(breaker.trip(), Some(Trip::Pause(words)));
        breaker.reset();
        assert_eq!(breaker.trip(), None);
    }

    #[test]
    fn what_only_a_person_can_mend_is_trouble_at_once() {
        let breaker = CircuitBreaker::default();
        breaker.failed(breaker.generation(), &ConnectProblem::NoLogin);
        assert!(matches!(breaker.trip(), Some(Trip::GiveUp(_))));
    }

    #[test]
    fn each_kind_of_failure_has_its_number() {
        for (outcome, most) in [
            (unknown(), MOST_UNANSWERED),
            (deferred(421), MOST_CLOSINGS),
            (deferred(451), MOST_PUT_OFF),
        ] {
            let breaker = CircuitBreaker::default();
            for generation in 0..3 {
                for _ in 1..most {
                    see(&breaker, SEND, outcome.clone());
                }
                assert!(!breaker.is_open(), "{outcome:?}, round {generation}");
                see(&breaker, SEND, accepted());
            }
            for _ in 0..most {
                assert!(!breaker.is_open(), "{outcome:?}");
                see(&breaker, SEND, outcome.clone());
            }
            assert!(matches!(breaker.trip(), Some(Trip::Pause(_))), "{outcome:?}");
        }
    }

    #[test]
    fn after_trouble_one_more_failure_is_enough_until_a_message_is_answered() {
        for outcome in [unknown(), deferred(421), deferred(451)] {
            let breaker = CircuitBreaker::default();
            for _ in 0..MOST_PUT_OFF {
                see(&breaker, SEND, outcome.clone());
            }
            breaker.reset();
            assert!(breaker.is_half_open() && !breaker.works_for(SEND) && !breaker.is_open());
            see(&breaker, SEND, outcome.clone());
            assert!(breaker.is_open(), "{outcome:?}");
            breaker.reset();
            see(&breaker, SEND, accepted());
            assert!(!breaker.is_half_open() && breaker.works_for(SEND));
            see(&breaker, SEND, outcome.clone());
            assert!(!breaker.is_open(), "{outcome:?}");
        }
    }

    fn rejected(reply: &str) -> Outcome {
        Outcome::Rejected {
            code: 550,
            reply: reply.to_owned(),
        }
    }

    fn relay(n: u32) -> Outcome {
        rejected(&format!("554 5.7.1 <p{n}@example.com>: Relay access denied (id {n})"))
    }

    #[test]
    fn the_same_refusal_for_everybody_is_trouble_and_dead_mailboxes_are_not() {
        let breaker = CircuitBreaker::default();
        see(&breaker, SEND, accepted());
        for n in 0..100 {
            see(&breaker, SEND, rejected("550 5.1.1 No such user"));
            see(&breaker, SEND, rejected("552 5.2.2 Mailbox full"));
            // Others in between: never twice the same.
            see(&breaker, SEND, rejected(&format!("550 5.7.1 {}", "no ".repeat(n + 1))));
            assert!(!breaker.is_open() && breaker.works_for(SEND));
        }
        for n in 0..MOST_REFUSED - 1 {
            see(&breaker, SEND, relay(n));
        }
        see(&breaker, SEND, accepted());
        for n in 0..MOST_REFUSED {
            assert!(!breaker.is_open(), "{n}");
            see(&breaker, SEND, relay(n));
        }
        let Some(Trip::PauseSend { send: SEND, words }) = breaker.trip() else {
            panic!("it goes on")
        };
        assert!(!words.contains('@'), "{words}");
        assert!(
            words.starts_with("The mail server refuses everybody: 554 5.7.1"),
            "{words}"
        );
        assert!(!breaker.works_for(SEND));

        // The one that goes first hears the same, and does not pay. Then something else: it works.
        breaker.reset();
        assert!(matches!(see(&breaker, SEND, relay(1)), Outcome::NotSent { .. }));
        assert!(breaker.is_open());
        breaker.reset();
        see(&breaker, SEND, rejected("550 5.1.1 No such user"));
        assert!(breaker.works_for(SEND) && !breaker.is_half_open());
    }

    #[test]
    fn a_send_whose_people_are_all_refused_is_trouble_whatever_becomes_of_others() {
        let breaker = CircuitBreaker::default();
        let other = SEND + 1;
        for n in 0..MOST_REFUSED_AT_FIRST {
            assert!(!breaker.is_open(), "{n}");
            see(&breaker, SEND, relay(n));
            see(&breaker, other, accepted());
        }
        assert!(matches!(breaker.trip(), Some(Trip::PauseSend { send: SEND, .. })));
        breaker.reset();
        see(&breaker, other, accepted());
        assert!(breaker.works_for(other) && !breaker.works_for(SEND));
        see(&breaker, SEND, relay(100));
        assert!(breaker.is_open(), "nobody else pays");
        breaker.reset();
        see(&breaker, SEND, accepted());
        assert!(breaker.works_for(SEND));
    }

    #[test]
    fn what_is_said_of_our_account_is_trouble_for_all_at_once() {
        let breaker = CircuitBreaker::default();
        let (before, other) = (breaker.generation(), SEND + 1);
        let quota = rejected("550 5.4.5 Daily user sending quota exceeded");
        see(&breaker, SEND, accepted());
        assert!(matches!(see(&breaker, SEND, quota.clone()), Outcome::NotSent { .. }));
        assert!(matches!(breaker.trip(), Some(Trip::Pause(words)) if words.contains("Daily user sending quota")));
        breaker.reset();
        assert!(!breaker.works_for(SEND) && !breaker.works_for(other));
        // What was under way meanwhile opens no new trouble, and nobody pays for it.
        let late = breaker.saw(before, message(), quota);
        assert!(matches!(late, Outcome::NotSent { .. }) && !breaker.is_open());
        see(&breaker, other, accepted());
        assert!(breaker.works_for(SEND));
    }

    #[test]
    fn no_worker_sleeps_through_the_end_of_a_pause() {
        let breaker = CircuitBreaker::default();
        for _ in 0..20 {
            breaker.failed(breaker.generation(), &unreachable());
        }
        assert!(breaker.wait() <= Duration::from_secs(2), "{:?}", breaker.wait());
    }

    #[test]
    fn what_was_begun_before_a_verdict_says_nothing_about_the_time_after() {
        let breaker = CircuitBreaker::default();
        let before = breaker.generation();
        breaker.reset();
        breaker.cut_off(before);
        breaker.failed(before, &ConnectProblem::NoLogin);
        breaker.sender_refused(before, "us@example.com", "550 no");
        breaker.saw(before, message(), unknown());
        assert!(!breaker.is_open(), "one of its own would be enough");
        breaker.saw(before, message(), accepted());
        assert!(breaker.is_half_open() && !breaker.works_for(SEND));
        breaker.cut_off(breaker.generation());
        assert!(breaker.is_open());
    }
}
