//! Trouble with the provider, seen by all connections together: the circuit breaker.

use std::sync::Mutex;

use crate::channels::email::smtp::ConnectProblem;

/// Connections that have to fail in a row before sending is paused.
const MOST_FAILURES: u32 = 3;

/// What trouble means for the sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may pass: wait and try again.
    Pause(String),
    /// Only a person can mend it: give the campaign back.
    GiveUp(String),
}

/// Counts failures in a row over all connections.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    in_a_row: u32,
    verdict: Option<Verdict>,
    works: bool,
}

impl Trouble {
    /// A connection could not be opened.
    pub(crate) fn failed(&self, problem: &ConnectProblem) {
        let mut seen = self.lock();
        seen.in_a_row += 1;
        seen.works = false;
        if problem.needs_mending() {
            seen.verdict = Some(Verdict::GiveUp(words(problem)));
        } else if seen.in_a_row >= MOST_FAILURES && seen.verdict.is_none() {
            seen.verdict = Some(Verdict::Pause(words(problem)));
        }
    }

    /// A sender address is refused: nothing of this account will be taken.
    pub(crate) fn sender_refused(&self, reply: &str) {
        let words = format!("The mail server refused our sender address: {reply}");
        self.lock().verdict = Some(Verdict::GiveUp(words));
    }

    /// The provider works.
    pub(crate) fn fine(&self) {
        let mut seen = self.lock();
        seen.in_a_row = 0;
        seen.works = true;
    }

    /// Whether a message has been answered since the last failure.
    pub(crate) fn works(&self) -> bool {
        self.lock().works
    }

    /// What trouble there is, once.
    pub(crate) fn take_verdict(&self) -> Option<Verdict> {
        let mut seen = self.lock();
        let verdict = seen.verdict.take();
        if verdict.is_some() {
            seen.in_a_row = 0;
        }
        verdict
    }

    /// Whether sending cannot go on.
    pub(crate) fn has_verdict(&self) -> bool {
        self.lock().verdict.is_some()
    }

    /// How long a carrier waits before it tries to connect again.
    pub(crate) fn wait(&self) -> std::time::Duration {
        let failures = self.lock().in_a_row.min(6);
        std::time::Duration::from_millis(250 << failures)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// What the operator reads.
fn words(problem: &ConnectProblem) -> String {
    let text = problem.to_string();
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), chars.as_str().trim_end_matches('.')),
        None => "The mail server doesn't work.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passing_failure_is_not_trouble_and_three_in_a_row_are() {
        let trouble = Trouble::default();
        let problem = ConnectProblem::Unreachable("connection refused".to_owned());
        trouble.failed(&problem);
        trouble.failed(&problem);
        trouble.fine();
        trouble.failed(&problem);
        assert_eq!(trouble.take_verdict(), None);
        trouble.failed(&problem);
        trouble.failed(&problem);
        let words = "The mail server can't be reached: connection refused.".to_owned();
        assert_eq!(trouble.take_verdict(), Some(Verdict::Pause(words)));
        assert_eq!(trouble.take_verdict(), None);
    }

    #[test]
    fn what_only_a_person_can_mend_is_trouble_at_once() {
        let trouble = Trouble::default();
        trouble.failed(&ConnectProblem::NoLogin);
        assert!(matches!(trouble.take_verdict(), Some(Verdict::GiveUp(_))));
    }
}
