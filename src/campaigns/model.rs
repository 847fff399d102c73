//! A campaign's four statuses and the form it is written in.

use serde::{Deserialize, Serialize};

use crate::recipients::model::{Earlier, RecipientFilter, Selection};

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
    pub id: String,
    /// The version that was on the page, to notice somebody else's change.
    pub version: String,
    pub name: String,
    pub template_id: String,
    pub subject: String,
    pub body: String,
    /// `all`, `segment`, `tags`, `manual`, or nothing yet.
    pub recipient_type: String,
    pub segment_id: String,
    pub tags: Vec<String>,
    pub customer_ids: Vec<String>,
    /// What to write where a customer has no first name, and so on.
    pub fallback_first_name: String,
    pub fallback_last_name: String,
    pub fallback_next_anniversary: String,
    /// "true" when ticked.
    pub schedule_for_later: String,
    /// `2026-05-02`
    pub date: String,
    /// `09:00`
    pub time: String,
    /// Which of two equal clock times, when clocks go back: "first" or "second".
    pub fold: String,
    /// The send without a campaign that was given up, and that this one follows; empty for none.
    pub of_send: String,
    /// "true" when the form asks whether to leave out those who already got this campaign.
    pub asks_skip_already: String,
    /// "true" when they are left out.
    pub skip_already: String,
    /// Once per form shown: the same token twice is one send.
    pub send_token: String,
    /// The count that was on the page.
    pub shown_count: String,
    /// No-JS: what was typed into "Find a customer".
    pub find_customer: String,
}

/// What is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    Campaign,
    Bulk,
}

impl Kind {
    /// As the form says it.
    pub fn key(self) -> &'static str {
        match self {
            Kind::Campaign => "campaign",
            Kind::Bulk => "bulk",
        }
    }

    /// A campaign unless it says otherwise: that has more to be right.
    pub fn from_key(key: &str) -> Self {
        if key == Kind::Bulk.key() {
            Kind::Bulk
        } else {
            Kind::Campaign
        }
    }
}

/// The value of the button that Enter presses.
pub const ENTER: &str = "enter";

/// What a customer without a first name is called, until staff say otherwise.
pub const FIRST_NAME_FALLBACK: &str = "friend";

impl CampaignForm {
    pub fn campaign_id(&self) -> Option<i64> {
        self.id.trim().parse().ok()
    }

    /// Whether it can come from the page: the numbers that the page itself wrote are numbers.
    pub fn is_whole(&self) -> bool {
        [&self.id, &self.version, &self.of_send]
            .iter()
            .map(|typed| typed.trim())
            .all(|typed| typed.is_empty() || typed.parse::<i64>().is_ok())
    }

    /// Who it is for: the qualifier of the chosen type only, complete or not. Nothing while no
    /// type has been chosen.
    pub fn recipients(&self) -> Option<RecipientFilter> {
        let filter = match self.recipient_type.as_str() {
            "all" => RecipientFilter::All,
            "segment" => RecipientFilter::Segment(self.segment_id.trim().parse().unwrap_or_default()),
            "tags" => RecipientFilter::Tags(self.tags.clone()),
            "manual" => RecipientFilter::Manual(self.customer_ids.iter().filter_map(|id| id.parse().ok()).collect()),
            _ => return None,
        };
        Some(filter.normalised())
    }

    /// Puts a filter back into the fields it came from.
    pub fn choose(&mut self, filter: Option<&RecipientFilter>) {
        self.recipient_type = filter.map(|f| f.kind().to_owned()).unwrap_or_default();
        match filter {
            Some(RecipientFilter::Segment(id)) if *id > 0 => self.segment_id = id.to_string(),
            Some(RecipientFilter::Tags(tags)) => self.tags.clone_from(tags),
            Some(RecipientFilter::Manual(ids)) => self.customer_ids = ids.iter().map(i64::to_string).collect(),
            _ => {}
        }
    }

    /// What a pressed button asks for. Enter in a field presses none: it searches when somebody
    /// is being looked for, and saves otherwise.
    pub fn intent(&self, pressed: &str) -> Intent {
        if pressed == ENTER && !self.find_customer.trim().is_empty() {
            return Intent::FindCustomer;
        }
        Intent::from_key(pressed)
    }

    pub fn is_for_later(&self) -> bool {
        self.schedule_for_later == "true"
    }

    /// Who already got it is left out unless the form asked and the tick was taken away.
    pub fn skips_already(&self) -> bool {
        self.asks_skip_already != "true" || self.skip_already == "true"
    }

    /// The sends that may have reached somebody with this message.
    pub fn earlier(&self) -> Option<Earlier> {
        let campaign = self.campaign_id().map(Earlier::Campaign);
        campaign.or_else(|| self.of_send().map(Earlier::Send))
    }

    /// Those of them whose recipients are left out.
    pub fn not_again(&self) -> Option<Earlier> {
        self.earlier().filter(|_| self.skips_already())
    }

    /// What a person wrote and chose in it, without what the page keeps there for itself.
    pub fn written(&self) -> Self {
        Self {
            id: String::new(),
            version: String::new(),
            send_token: String::new(),
            shown_count: String::new(),
            find_customer: String::new(),
            ..self.clone()
        }
    }

    /// Who it would go to: what a count is asked for.
    pub fn selection(&self) -> Selection {
        Selection {
            filter: self.recipients(),
            not_again: self.not_again(),
        }
    }

    pub fn of_send(&self) -> Option<i64> {
        self.of_send.trim().parse().ok()
    }

    pub fn shown(&self) -> Option<i64> {
        self.shown_count.trim().parse().ok()
    }
}

/// Whether a filter names anybody at all: a segment, a tag, a customer; and no more than can be picked.
pub fn is_complete(filter: &RecipientFilter) -> bool {
    match filter {
        RecipientFilter::All => true,
        RecipientFilter::Segment(id) | RecipientFilter::Reached(id) => *id > 0,
        RecipientFilter::Tags(tags) => !tags.is_empty() && filter.too_many().is_none(),
        RecipientFilter::Manual(ids) => !ids.is_empty() && filter.too_many().is_none(),
    }
}

/// What is still missing, or too much, before anybody can be counted.
pub fn missing(filter: Option<&RecipientFilter>) -> Option<&'static str> {
    if let Some(words) = filter.and_then(RecipientFilter::too_many) {
        return Some(words);
    }
    match filter {
        None => Some("Choose who this is for"),
        Some(filter) if is_complete(filter) => None,
        Some(RecipientFilter::Segment(_)) => Some("Choose a segment"),
        Some(RecipientFilter::Tags(_)) => Some("Choose at least one tag"),
        Some(_) => Some("Choose at least one customer"),
    }
}

/// What a button asks for that is about the form itself: it is kept and shown again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    Draft,
    UseTemplate,
    RefreshCount,
    SeePreview,
    FindCustomer,
    /// Bulk email only: carry everything over into a campaign.
    AsCampaign,
    /// Bulk email only: throw away what was typed.
    StartOver,
}

impl Intent {
    /// The value of the button.
    pub fn key(self) -> &'static str {
        match self {
            Intent::Draft => "draft",
            Intent::UseTemplate => "use_template",
            Intent::RefreshCount => "refresh_count",
            Intent::SeePreview => "see_preview",
            Intent::FindCustomer => "find_customer",
            Intent::AsCampaign => "as_campaign",
            Intent::StartOver => "start_over",
        }
    }

    /// An unknown or missing one only saves.
    pub fn from_key(key: &str) -> Self {
        [
            Intent::UseTemplate,
            Intent::RefreshCount,
            Intent::SeePreview,
            Intent::FindCustomer,
            Intent::AsCampaign,
            Intent::StartOver,
        ]
        .into_iter()
        .find(|i| i.key() == key)
        .unwrap_or(Intent::Draft)
    }
}

/// What a save answers to an island; a form is sent on to the page instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    pub id: i64,
    pub version: i64,
    /// As it is called now: a draft without a name was given one.
    pub name: String,
    /// "Saved as draft at 10:04 am."
    pub words: String,
    /// Where the saved campaign is.
    pub path: String,
    /// Somebody else changed the campaign meanwhile: this is a draft of its own now.
    pub is_copy: bool,
}

/// A wall-clock time as the schedule fields hold it, said back in the store's time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhenWords {
    /// `Saturday 2 May 2026, 9:00 am in Sydney (AEST, UTC+10)`, or what to mend.
    pub words: String,
    /// The moment itself, for the clock of whoever looks: `2026-05-01T23:00:00Z`. Nothing when no
    /// campaign could be scheduled for it.
    pub at: Option<String>,
    /// "Which 1:30 am?" and the two answers, when it comes twice.
    pub which: Option<(String, String, String)>,
}

/// A template, to be put into the form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateWording {
    pub name: String,
    pub subject: String,
    pub body: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_qualifier_of_the_chosen_type_is_read() {
        let form = CampaignForm {
            recipient_type: "tags".into(),
            segment_id: "7".into(),
            tags: vec!["Wedding".into(), "vip".into(), "wedding".into()],
            customer_ids: vec!["3".into()],
            ..CampaignForm::default()
        };
        let tags = RecipientFilter::Tags(vec!["vip".into(), "wedding".into()]);
        assert_eq!(form.recipients(), Some(tags.clone()));
        let mut again = CampaignForm::default();
        again.choose(Some(&tags));
        assert_eq!(again.recipients(), Some(tags));
        assert_eq!(CampaignForm::default().recipients(), None);
    }

    #[test]
    fn whoever_already_got_it_is_left_out_unless_somebody_unticked_it() {
        let mut form = CampaignForm::default();
        assert!(form.skips_already());
        form.asks_skip_already = "true".into();
        assert!(!form.skips_already());
        form.skip_already = "true".into();
        assert!(form.skips_already());
    }
}
