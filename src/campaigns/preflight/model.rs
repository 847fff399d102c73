//! A message looked at before it goes, as the page, the review and the browser's code show it.

use serde::{Deserialize, Serialize};

/// How one of the checks stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    Done,
    /// Worth a look before it goes.
    Review,
    /// It can't go like this.
    Fix,
}

impl CheckStatus {
    /// The word beside the icon.
    pub fn word(self) -> &'static str {
        match self {
            CheckStatus::Done => "Done",
            CheckStatus::Review => "Check",
            CheckStatus::Fix => "Fix",
        }
    }
}

/// One line of the checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    pub status: CheckStatus,
    pub words: String,
    /// The id of the field it is about.
    pub field: Option<String>,
}

impl Check {
    pub fn new(status: CheckStatus, words: impl Into<String>, field: Option<&str>) -> Self {
        Self {
            status,
            words: words.into(),
            field: field.map(str::to_owned),
        }
    }

    /// The field it leads to, while there is something to do about it.
    pub fn leads_to(&self) -> Option<&str> {
        self.field.as_deref().filter(|_| self.status != CheckStatus::Done)
    }
}

/// What is asked before a send that matters: on a page of its own, or in a dialog.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// `Send to 214 customers now?`
    pub title: String,
    pub subject: String,
    /// `Aurelia <hello@…>`
    pub from: String,
    /// `Segment: VIP: 214 of 238 (24 skipped)`
    pub goes_to: String,
    pub warnings: Vec<String>,
    /// `Send to 214 customers`
    pub button: String,
    /// How many people that is.
    pub count: i64,
}

/// What a look at the form says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreflightView {
    pub checks: Vec<Check>,
    /// What Send now would ask, if it would.
    pub question: Option<Question>,
}
