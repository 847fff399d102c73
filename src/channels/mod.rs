//! The ways a message leaves the house, and what can come of it.
//!
//! A channel never decides what happens next. It says which of five things is true of one
//! message; the dispatcher writes that on the row.

pub mod email;

use std::time::Duration;

/// What is known about one message after an attempt. Replies are the provider's own words,
/// on one line and cut at a sensible length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The provider took it.
    Accepted { reply: String },
    /// The provider did not take it now and may later. `retry_after` when it said how much.
    Deferred {
        code: u16,
        reply: String,
        retry_after: Option<Duration>,
    },
    /// The provider refused it for good.
    Rejected { code: u16, reply: String },
    /// Its content went out and no answer came. It may have been delivered: never sent again
    /// by itself.
    Unconfirmed { why: String },
    /// Nothing of it went out: it may be tried again without a second copy.
    NotSent { why: String },
}
