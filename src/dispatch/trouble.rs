//! Trouble with the provider, seen by all connections together.

use std::sync::Mutex;

use crate::channels::email::smtp::ConnectProblem;

/// Connections that have to fail in a row before a send is given up.
const MOST_FAILURES: u32 = 3;

/// Counts failures in a row over all connections.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    in_a_row: u32,
    verdict: Option<String>,
}

impl Trouble {
    /// A connection could not be opened.
    pub(crate) fn failed(&self, problem: &ConnectProblem) {
        let mut seen = self.lock();
        seen.in_a_row += 1;
        if problem.needs_mending() || seen.in_a_row >= MOST_FAILURES {
            seen.verdict = Some(words(problem));
        }
    }

    /// A sender address is refused: nothing of this account will be taken.
    pub(crate) fn sender_refused(&self, reply: &str) {
        self.lock().verdict = Some(format!("The mail server refused our sender address: {reply}"));
    }

    /// The provider works.
    pub(crate) fn fine(&self) {
        self.lock().in_a_row = 0;
    }

    /// Why sending has to be given up, once.
    pub(crate) fn take_verdict(&self) -> Option<String> {
        let mut seen = self.lock();
        let verdict = seen.verdict.take();
        if verdict.is_some() {
            seen.in_a_row = 0;
        }
        verdict
    }

    /// Whether sending has to be given up.
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
        assert_eq!(
            trouble.take_verdict().as_deref(),
            Some("The mail server can't be reached: connection refused.")
        );
        assert_eq!(trouble.take_verdict(), None);
    }

    #[test]
    fn what_only_a_person_can_mend_is_trouble_at_once() {
        let trouble = Trouble::default();
        trouble.failed(&ConnectProblem::NoLogin);
        assert!(trouble.take_verdict().is_some());
    }
}
