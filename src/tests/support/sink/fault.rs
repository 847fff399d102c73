//! What can go wrong, and for which messages.

use std::time::Duration;

/// Where in a message's way something is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Mail,
    Rcpt,
    Data,
    /// To the whole content.
    Dot,
    /// Unasked, after the answer to the content.
    After,
}

/// So many messages over one connection, and then this; with 421 it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerConnection {
    pub most: u64,
    pub stage: Stage,
    pub code: u16,
    pub words: &'static str,
}

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
    /// This is answered, word for word.
    Says(Stage, &'static str),
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

impl Fault {
    /// What it is called in a table.
    pub fn name(self) -> &'static str {
        match self {
            Fault::Mail(code) if code < 500 => "4xx to MAIL",
            Fault::Mail(_) => "5xx to MAIL",
            Fault::Rcpt(code) if code < 500 => "4xx to RCPT",
            Fault::Rcpt(_) => "5xx to RCPT",
            Fault::Data(code) if code < 500 => "4xx to DATA",
            Fault::Data(_) => "5xx to DATA",
            Fault::RcptButData(_) => "RCPT refused, DATA taken",
            Fault::Says(..) => "words of its own",
            Fault::Closing => "421 to MAIL",
            Fault::HangUpBeforeData => "hang-up before the content",
            Fault::HangUpInContent => "hang-up in the content",
            Fault::HangUpAfterDot => "hang-up after the dot, before 250",
            Fault::ResetAfterAccept => "250, then reset",
            Fault::SlowDot(_) => "slow dot",
            Fault::Dot(code) if code < 500 => "4xx to the dot",
            Fault::Dot(_) => "5xx to the dot",
            Fault::ClosingAfterDot => "421 to the dot",
            Fault::Nonsense => "nonsense to the dot",
        }
    }
}

/// Which messages a fault is for; messages are counted from 1 over all connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    Always,
    /// Every n-th.
    Every(u64),
    /// Only this one.
    Nth(u64),
    /// Those after so many.
    Beyond(u64),
    /// ReapScope recipient contains this.
    To(String),
    /// ReapScope sender contains this.
    From(String),
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

    pub(super) fn fits(&self, number: u64, sender: &str, recipient: &str) -> bool {
        match &self.when {
            When::Always => true,
            When::Every(n) => number.checked_rem(*n) == Some(0),
            When::Nth(n) => number == *n,
            When::Beyond(n) => number > *n,
            When::To(part) => recipient.contains(part),
            When::From(part) => sender.contains(part),
        }
    }
}
