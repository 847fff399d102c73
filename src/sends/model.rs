//! The states of a send, and its progress as the page polls it.

use serde::{Deserialize, Serialize};

use crate::messages::model::Tally;

/// Where a send is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type))]
#[cfg_attr(feature = "ssr", sqlx(type_name = "text", rename_all = "snake_case"))]
#[serde(rename_all = "snake_case")]
pub enum SendState {
    /// Nothing has gone out; it can be undone.
    Holding,
    Sending,
    /// Everyone has an outcome.
    Done,
    /// Given up for now: what went out is recorded, the rest was not sent.
    Reverted,
    /// Undone before anything went out.
    Cancelled,
}

impl SendState {
    /// Whether messages may still go out.
    pub fn is_open(self) -> bool {
        matches!(self, SendState::Holding | SendState::Sending)
    }
}

/// What a send was started as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type))]
#[cfg_attr(feature = "ssr", sqlx(type_name = "text", rename_all = "snake_case"))]
#[serde(rename_all = "snake_case")]
pub enum SendKind {
    Campaign,
    Bulk,
    /// A second try for those whose first copy was never answered.
    Again,
    /// Another message to those an earlier one reached.
    Correction,
}

/// What the progress panel asks for again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub state: SendState,
    /// Of this go; once it has ended, of all goes of its campaign, as the page then says it.
    pub tally: Tally,
    /// Seconds until the first message leaves, while it can be undone.
    pub hold_seconds: i64,
    /// Why it was given up or is paused, in words.
    pub problem: Option<String>,
    /// Whether nothing goes out at the moment.
    pub paused: bool,
    /// Whether it stands still although nothing holds it.
    pub stalled: bool,
    /// Why some wait although nothing is in their way, in words.
    pub waits: Option<String>,
    /// When a pause ends by itself, as the store's clock says it; none while a person has paused it.
    pub again_at: Option<String>,
    /// Where answers of customers go.
    pub replies_to: String,
    /// The newest outcomes, newest first; at most 50.
    pub newest: Vec<ProgressRow>,
}

/// One line of the live table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressRow {
    pub message_id: i64,
    pub customer_id: i64,
    pub name: String,
    pub address: String,
    /// As the badge says it.
    pub state: crate::messages::model::MessageState,
    pub why: String,
    /// `10:04:31 am` in the store's time; empty while waiting.
    pub at: String,
}
