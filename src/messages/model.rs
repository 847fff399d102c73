//! The states of one person's message.

use serde::{Deserialize, Serialize};

/// Where one person's message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type))]
#[cfg_attr(feature = "ssr", sqlx(type_name = "text", rename_all = "snake_case"))]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// Waiting for its turn, or for a later one after a temporary refusal.
    Queued,
    /// Taken by a sender; nothing has been said to the provider yet.
    Leased,
    /// Its content may be on the wire: from here on only an answer can settle it.
    Attempting,
    /// The provider took it.
    Accepted,
    /// The provider refused it for good.
    Rejected,
    /// It could not be built, or every retry was used up.
    Failed,
    /// The content went out and no answer came. Never sent again by itself.
    Unconfirmed,
    /// Left out, with a reason.
    Skipped,
    /// Undone or stopped before it went out.
    Cancelled,
}

impl MessageState {
    pub fn key(self) -> &'static str {
        match self {
            MessageState::Queued => "queued",
            MessageState::Leased => "leased",
            MessageState::Attempting => "attempting",
            MessageState::Accepted => "accepted",
            MessageState::Rejected => "rejected",
            MessageState::Failed => "failed",
            MessageState::Unconfirmed => "unconfirmed",
            MessageState::Skipped => "skipped",
            MessageState::Cancelled => "cancelled",
        }
    }

    /// What the page calls it. Several states read the same to a person.
    pub fn label(self) -> &'static str {
        match self {
            MessageState::Queued | MessageState::Leased | MessageState::Attempting => "Waiting",
            MessageState::Accepted => "Sent",
            MessageState::Rejected | MessageState::Failed => "Failed",
            MessageState::Unconfirmed => "Unconfirmed",
            MessageState::Skipped => "Skipped",
            MessageState::Cancelled => "Not sent",
        }
    }
}

/// How a message without an answer was settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type))]
#[cfg_attr(feature = "ssr", sqlx(type_name = "text", rename_all = "snake_case"))]
pub enum Resolution {
    /// Somebody, or time, says that it arrived.
    TreatedAsSent,
    /// It was sent once more; what came of the first is still not known.
    SentAgain,
    /// The mail provider told what became of it.
    ToldByProvider,
}

/// The numbers of a send, counted from its messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub sent: i64,
    pub failed: i64,
    pub skipped: i64,
    pub waiting: i64,
    pub unconfirmed: i64,
    pub cancelled: i64,
    /// Left out because an earlier go had reached them. They have it: nobody skipped them.
    #[serde(default)]
    pub already: i64,
}

impl Tally {
    /// Everyone the send set out to reach.
    pub fn audience(&self) -> i64 {
        self.sent + self.failed + self.waiting + self.unconfirmed
    }

    /// Whether nothing of it can have arrived anywhere.
    pub fn reached_nobody(&self) -> bool {
        self.sent + self.unconfirmed == 0
    }

    /// Of those, who has an outcome.
    pub fn settled(&self) -> i64 {
        self.sent + self.failed + self.unconfirmed
    }
}
