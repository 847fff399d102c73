//! A campaign's four statuses and the form it is written in.

use serde::{Deserialize, Serialize};

/// Exactly four. Hold, pause and partial results live beside the status, on the send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type))]
#[cfg_attr(feature = "ssr", sqlx(type_name = "text", rename_all = "snake_case"))]
#[serde(rename_all = "snake_case")]
pub enum CampaignStatus {
    Draft,
    Scheduled,
    Sending,
    Sent,
}

impl CampaignStatus {
    pub const ALL: [CampaignStatus; 4] = [
        CampaignStatus::Draft,
        CampaignStatus::Scheduled,
        CampaignStatus::Sending,
        CampaignStatus::Sent,
    ];

    /// The word in the database and in addresses.
    pub fn key(self) -> &'static str {
        match self {
            CampaignStatus::Draft => "draft",
            CampaignStatus::Scheduled => "scheduled",
            CampaignStatus::Sending => "sending",
            CampaignStatus::Sent => "sent",
        }
    }

    /// As the badge says it.
    pub fn label(self) -> &'static str {
        match self {
            CampaignStatus::Draft => "Draft",
            CampaignStatus::Scheduled => "Scheduled",
            CampaignStatus::Sending => "Sending",
            CampaignStatus::Sent => "Sent",
        }
    }

    /// A sent or sending campaign is a record and can't be edited.
    pub fn is_editable(self) -> bool {
        matches!(self, CampaignStatus::Draft | CampaignStatus::Scheduled)
    }
}

/// What the builder's form holds, as typed. Everything is text: nothing that was typed is
/// refused before it has been kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CampaignForm {
    /// The campaign being edited; empty for a new one.
    pub id: Option<i64>,
    /// The version that was on the page, to notice somebody else's change.
    pub version: Option<i64>,
    pub name: String,
    pub template_id: Option<i64>,
    pub subject: String,
    pub body: String,
    pub recipient_type: String,
    pub segment_id: Option<i64>,
    pub tags: Vec<String>,
    pub customer_ids: Vec<i64>,
    /// What to write where a customer has no first name, and so on.
    pub fallback_first_name: String,
    pub fallback_last_name: String,
    pub fallback_next_anniversary: String,
    /// "true" when ticked.
    pub schedule_for_later: String,
    pub date: String,
    pub time: String,
    /// Which of two equal clock times, when clocks go back: "first" or "second".
    pub fold: String,
    /// "true" when those who already got this campaign are left out.
    pub skip_already: String,
    /// Once per form shown: the same token twice is one send.
    pub send_token: String,
    /// The count that was on the page.
    pub shown_count: Option<i64>,
    /// No-JS: what was typed into "Find a customer".
    pub find_customer: String,
}
