//! Trouble with the provider, seen by all connections together: the circuit breaker.
//!
//! It opens when the provider fails several times running, in any of five ways, or at once when it
//! says that it is our account ([`super::refusals`]). Then nothing more
//! goes out until the pump has paused the sends. When they are tried again, one message goes
//! first: it alone pays if the provider is as bad as before.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    refusals::{Meaning, Refusals, Tried},
    retry,
    store::Ticket,
};
use crate::channels::{Outcome, email::smtp::ConnectProblem};

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
pub(crate) enum Verdict {
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
pub(crate) struct Trouble {
    seen: Mutex<Seen>,
}

/// What lies between two verdicts. What was begun before the last one says nothing about the
/// provider since, however late it is heard of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Round(u64);

#[derive(Debug, Default)]
struct Seen {
    round: Round,
    /// Connections that could not be opened, or brought no answer.
    failures: u32,
    /// Messages that were taken and never answered.
    unanswered: u32,
    /// "Come back later", with the connection closed.
    closings: u32,
    /// Messages put off.
    put_off: u32,
    refusals: Refusals,
    verdict: Option<Verdict>,
    /// There was trouble, and no message has been answered since.
    suspect: bool,
    works: bool,
}

impl Trouble {
    /// The present round: to be asked for before whatever is reported is begun.
    pub(crate) fn round(&self) -> Round {
        self.lock().round
    }

    /// A connection could not be opened.
    pub(crate) fn failed(&self, round: Round, problem: &ConnectProblem) {
        let Some(mut seen) = self.lock_in(round) else { return };
        seen.failures += 1;
        seen.works = false;
        if problem.needs_mending() {
            seen.verdict = Some(Verdict::GiveUp(sentence(&problem.to_string())));
        } else {
            let many = seen.failures >= MOST_FAILURES;
            seen.judge(many, || sentence(&problem.to_string()));
        }
    }

    /// A new connection was lost without an answer to any message.
    pub(crate) fn cut_off(&self, round: Round) {
        let Some(mut seen) = self.lock_in(round) else { return };
        seen.failures += 1;
        seen.works = false;
        let many = seen.failures >= MOST_FAILURES;
        seen.judge(many, || "The mail server hangs up without an answer.".to_owned());
    }

    /// A sender address is refused: nothing from it will be taken.
    pub(crate) fn sender_refused(&self, round: Round, from: &str, reply: &str) {
        let Some(mut seen) = self.lock_in(round) else { return };
        let (from, words) = (
            from.to_owned(),
            format!("The mail server refused our sender address: {reply}"),
        );
        seen.verdict = Some(Verdict::GiveUpSender { from, words });
    }

    /// What became of a message; answers what is to be written down. A refusal that is nobody's own
    /// leaves its message as if it had not been tried.
    pub(crate) fn saw(&self, round: Round, tried: Tried, outcome: Outcome) -> Outcome {
        let mut seen = self.lock();
        let is_current = seen.round == round;
        if let Outcome::Rejected { code, reply } = outcome {
            let is_own = match is_current {
                true => seen.refused(tried, &reply),
                false => !seen.refusals.is_everybodys(tried, &reply),
            };
            return match is_own {
                true => Outcome::Rejected { code, reply },
                false => Outcome::NotSent { why: reply },
            };
        }
        if is_current {
            seen.saw(tried, &outcome);
        }
        outcome
    }

    /// Whether a message has been answered since the last failure, and this send's are not all
    /// refused.
    pub(crate) fn works_for(&self, send: i64) -> bool {
        let seen = self.lock();
        seen.works && !seen.refusals.is_at_the_brink(send)
    }

    /// A send has ended.
    pub(crate) fn forget(&self, send: i64) {
        self.lock().refusals.forget(send);
    }

    /// Messages that were written down as refused, and are to be put back: it was not their fault.
    pub(crate) fn owed(&self) -> Vec<Ticket> {
        self.lock().refusals.owed().iter().map(|tried| tried.ticket).collect()
    }

    /// They have been put back.
    pub(crate) fn put_back(&self, these: &[Ticket]) {
        self.lock().refusals.put_back(these);
    }

    /// Whether there was trouble that may still be there: one message at a time.
    pub(crate) fn is_suspect(&self) -> bool {
        self.lock().suspect
    }

    /// What trouble there is. Nothing goes out until it is [`Trouble::dealt_with`].
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        self.lock().verdict.clone()
    }

    /// The sends have been told.
    pub(crate) fn dealt_with(&self) {
        let mut seen = self.lock();
        let mut refusals = std::mem::take(&mut seen.refusals);
        refusals.dealt_with();
        *seen = Seen {
            round: Round(seen.round.0 + 1),
            suspect: true,
            refusals,
            ..Seen::default()
        };
    }

    /// Whether sending cannot go on.
    pub(crate) fn has_verdict(&self) -> bool {
        self.lock().verdict.is_some()
    }

    /// How long a carrier waits before it tries to connect again: a second at most. Longer waits are
    /// the pump's, for all sends together; a carrier that slept through their end would keep
    /// everybody waiting.
    pub(crate) fn wait(&self) -> Duration {
        let failures = self.lock().failures.min(2);
        retry::jittered(Duration::from_millis(250 << failures))
    }

    fn lock_in(&self, round: Round) -> Option<MutexGuard<'_, Seen>> {
        Some(self.lock()).filter(|seen| seen.round == round)
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// The provider has answered a message.
    fn fine(&mut self) {
        *self = Seen {
            round: self.round,
            verdict: self.verdict.take(),
            refusals: std::mem::take(&mut self.refusals),
            works: true,
            ..Seen::default()
        };
    }

    /// What became of a message that was not refused for good.
    fn saw(&mut self, tried: Tried, outcome: &Outcome) {
        match outcome {
            Outcome::Accepted { .. } => {
                self.refusals.accepted(tried);
                self.fine();
            }
            Outcome::Unknown { why } => {
                self.unanswered += 1;
                let many = self.unanswered >= MOST_UNANSWERED;
                self.judge(many, || {
                    sentence(&format!("the mail server takes messages and doesn't answer: {why}"))
                });
            }
            Outcome::Deferred { code: 421, reply, .. } => {
                self.closings += 1;
                let many = self.closings >= MOST_CLOSINGS;
                self.judge(many, || {
                    sentence(&format!(
                        "the mail server wants us to come back later: {}",
                        without_addresses(reply)
                    ))
                });
            }
            Outcome::Deferred { reply, .. } => {
                self.put_off += 1;
                let many = self.put_off >= MOST_PUT_OFF;
                self.judge(many, || {
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
        let verdict = match self.refusals.refused(tried, reply, self.suspect) {
            Meaning::Own => {
                self.fine();
                return true;
            }
            Meaning::Everybodys(verdict) => verdict,
        };
        self.works &= !matches!(verdict, Verdict::Pause(_));
        self.verdict.get_or_insert(verdict);
        false
    }

    /// Opens the breaker when there are too many; after trouble, one is too many.
    fn judge(&mut self, many: bool, words: impl FnOnce() -> String) {
        if (many || self.suspect) && self.verdict.is_none() {
            self.works = false;
            self.verdict = Some(Verdict::Pause(words()));
        }
    }
}

/// A reply without the addresses in it.
pub(super) fn without_addresses(reply: &str) -> String {
    let hidden = |word| if str::contains(word, '@') { "…" } else { word };
    reply.split_whitespace().map(hidden).collect::<Vec<_>>().join(" ")
}

/// What the operator reads.
pub(super) fn sentence(text: &str) -> String {
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
        let ticket = Ticket { id, epoch: 1 };
        Tried { send: SEND, ticket }
    }

    fn see(trouble: &Trouble, send: i64, outcome: Outcome) -> Outcome {
        let message = Tried { send, ..message() };
        trouble.saw(trouble.round(), message, outcome)
    }

    fn accepted() -> Outcome {
        Outcome::Accepted {
            reply: "250 taken".to_owned(),
        }
    }

    fn unknown() -> Outcome {
        Outcome::Unknown {
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
        let trouble = Trouble::default();
        trouble.failed(trouble.round(), &unreachable());
        trouble.failed(trouble.round(), &unreachable());
        see(&trouble, SEND, accepted());
        trouble.failed(trouble.round(), &unreachable());
        assert_eq!(trouble.verdict(), None);
        trouble.failed(trouble.round(), &unreachable());
        trouble.cut_off(trouble.round());
        let words = "The mail server hangs up without an answer.".to_owned();
        assert_eq!(trouble.verdict(), Some(Verdict::Pause(words)));
        trouble.dealt_with();
        assert_eq!(trouble.verdict(), None);
    }

    #[test]
    fn what_only_a_person_can_mend_is_trouble_at_once() {
        let trouble = Trouble::default();
        trouble.failed(trouble.round(), &ConnectProblem::NoLogin);
        assert!(matches!(trouble.verdict(), Some(Verdict::GiveUp(_))));
    }

    #[test]
    fn each_kind_of_failure_has_its_number() {
        for (outcome, most) in [
            (unknown(), MOST_UNANSWERED),
            (deferred(421), MOST_CLOSINGS),
            (deferred(451), MOST_PUT_OFF),
        ] {
            let trouble = Trouble::default();
            for round in 0..3 {
                for _ in 1..most {
                    see(&trouble, SEND, outcome.clone());
                }
                assert!(!trouble.has_verdict(), "{outcome:?}, round {round}");
                see(&trouble, SEND, accepted());
            }
            for _ in 0..most {
                assert!(!trouble.has_verdict(), "{outcome:?}");
                see(&trouble, SEND, outcome.clone());
            }
            assert!(matches!(trouble.verdict(), Some(Verdict::Pause(_))), "{outcome:?}");
        }
    }

    #[test]
    fn after_trouble_one_more_failure_is_enough_until_a_message_is_answered() {
        for outcome in [unknown(), deferred(421), deferred(451)] {
            let trouble = Trouble::default();
            for _ in 0..MOST_PUT_OFF {
                see(&trouble, SEND, outcome.clone());
            }
            trouble.dealt_with();
            assert!(trouble.is_suspect() && !trouble.works_for(SEND) && !trouble.has_verdict());
            see(&trouble, SEND, outcome.clone());
            assert!(trouble.has_verdict(), "{outcome:?}");
            trouble.dealt_with();
            see(&trouble, SEND, accepted());
            assert!(!trouble.is_suspect() && trouble.works_for(SEND));
            see(&trouble, SEND, outcome.clone());
            assert!(!trouble.has_verdict(), "{outcome:?}");
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
        let trouble = Trouble::default();
        see(&trouble, SEND, accepted());
        for n in 0..100 {
            see(&trouble, SEND, rejected("550 5.1.1 No such user"));
            see(&trouble, SEND, rejected("552 5.2.2 Mailbox full"));
            // Others in between: never twice the same.
            see(&trouble, SEND, rejected(&format!("550 5.7.1 {}", "no ".repeat(n + 1))));
            assert!(!trouble.has_verdict() && trouble.works_for(SEND));
        }
        for n in 0..MOST_REFUSED - 1 {
            see(&trouble, SEND, relay(n));
        }
        see(&trouble, SEND, accepted());
        for n in 0..MOST_REFUSED {
            assert!(!trouble.has_verdict(), "{n}");
            see(&trouble, SEND, relay(n));
        }
        let Some(Verdict::PauseSend { send: SEND, words }) = trouble.verdict() else {
            panic!("it goes on")
        };
        assert!(!words.contains('@'), "{words}");
        assert!(
            words.starts_with("The mail server refuses everybody: 554 5.7.1"),
            "{words}"
        );
        assert!(!trouble.works_for(SEND));

        // The one that goes first hears the same, and does not pay. Then something else: it works.
        trouble.dealt_with();
        assert!(matches!(see(&trouble, SEND, relay(1)), Outcome::NotSent { .. }));
        assert!(trouble.has_verdict());
        trouble.dealt_with();
        see(&trouble, SEND, rejected("550 5.1.1 No such user"));
        assert!(trouble.works_for(SEND) && !trouble.is_suspect());
    }

    #[test]
    fn a_send_whose_people_are_all_refused_is_trouble_whatever_becomes_of_others() {
        let trouble = Trouble::default();
        let other = SEND + 1;
        for n in 0..MOST_REFUSED_AT_FIRST {
            assert!(!trouble.has_verdict(), "{n}");
            see(&trouble, SEND, relay(n));
            see(&trouble, other, accepted());
        }
        assert!(matches!(trouble.verdict(), Some(Verdict::PauseSend { send: SEND, .. })));
        trouble.dealt_with();
        see(&trouble, other, accepted());
        assert!(trouble.works_for(other) && !trouble.works_for(SEND));
        see(&trouble, SEND, relay(100));
        assert!(trouble.has_verdict(), "nobody else pays");
        trouble.dealt_with();
        see(&trouble, SEND, accepted());
        assert!(trouble.works_for(SEND));
    }

    #[test]
    fn what_is_said_of_our_account_is_trouble_for_all_at_once() {
        let trouble = Trouble::default();
        let (before, other) = (trouble.round(), SEND + 1);
        let quota = rejected("550 5.4.5 Daily user sending quota exceeded");
        see(&trouble, SEND, accepted());
        assert!(matches!(see(&trouble, SEND, quota.clone()), Outcome::NotSent { .. }));
        assert!(matches!(trouble.verdict(), Some(Verdict::Pause(words)) if words.contains("Daily user sending quota")));
        trouble.dealt_with();
        assert!(!trouble.works_for(SEND) && !trouble.works_for(other));
        // What was under way meanwhile opens no new trouble, and nobody pays for it.
        let late = trouble.saw(before, message(), quota);
        assert!(matches!(late, Outcome::NotSent { .. }) && !trouble.has_verdict());
        see(&trouble, other, accepted());
        assert!(trouble.works_for(SEND));
    }

    #[test]
    fn no_carrier_sleeps_through_the_end_of_a_pause() {
        let trouble = Trouble::default();
        for _ in 0..20 {
            trouble.failed(trouble.round(), &unreachable());
        }
        assert!(trouble.wait() <= Duration::from_secs(2), "{:?}", trouble.wait());
    }

    #[test]
    fn what_was_begun_before_a_verdict_says_nothing_about_the_time_after() {
        let trouble = Trouble::default();
        let before = trouble.round();
        trouble.dealt_with();
        trouble.cut_off(before);
        trouble.failed(before, &ConnectProblem::NoLogin);
        trouble.sender_refused(before, "us@example.com", "550 no");
        trouble.saw(before, message(), unknown());
        assert!(!trouble.has_verdict(), "one of its own would be enough");
        trouble.saw(before, message(), accepted());
        assert!(trouble.is_suspect() && !trouble.works_for(SEND));
        trouble.cut_off(trouble.round());
        assert!(trouble.has_verdict());
    }
}
