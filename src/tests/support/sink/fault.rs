//! What can go wrong, and for which messages.

use std::time::Duration;

/// One way of failing a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `MAIL` is answered with this code.
    Mail(u16),
    /// `RCPT` is answered with this code.
    Rcpt(u16),
    /// `DATA` is answered with this code.
    Data(u16),
    /// `RCPT` is refused with this code but `DATA` goes ahead all the same.
    RcptButData(u16),
    /// 421 to `MAIL`, then the connection is closed.
    Closing,
    /// Closes on `DATA`.
    HangUpBeforeData,
    /// Closes when some of the content has come.
    HangUpInContent,
    /// Takes the whole message and closes without a word.
    HangUpAfterDot,
    /// Takes it, says so, and cuts the connection.
    ResetAfterAccept,
    /// Takes it and answers late.
    SlowDot(Duration),
    /// Takes nothing: the whole message is answered with this code.
    Dot(u16),
    /// As `Dot(421)`, and the connection is closed.
    ClosingAfterDot,
    /// Answers the final dot with something that is not SMTP.
    Nonsense,
}

/// Which messages a fault is for; messages are counted from 1 over all connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    Always,
    /// Every n-th.
    Every(u64),
    /// Only this one.
    Nth(u64),
    /// Whose recipient contains this.
    To(String),
}

/// The first rule that fits a message decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub when: When,
    pub fault: Fault,
}

impl Rule {
    pub fn new(when: When, fault: Fault) -> Self {
        Self { when, fault }
    }

    pub(super) fn fits(&self, number: u64, recipient: &str) -> bool {
        match &self.when {
            When::Always => true,
            When::Every(n) => number.checked_rem(*n) == Some(0),
            When::Nth(n) => number == *n,
            When::To(part) => recipient.contains(part),
        }
    }
}
