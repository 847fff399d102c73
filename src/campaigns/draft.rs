//! The form as it is kept, and the kept as the form shows it again.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{
    model::{CampaignForm, FIRST_NAME_FALLBACK},
    queries::Campaign,
    schedule,
};
use crate::{recipients::model::RecipientFilter, stores::model::Store};

/// What a blank field reads instead, by the field's key.
pub type Fallbacks = BTreeMap<String, String>;

/// What is kept of a form: everything that was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub name: String,
    pub template_id: Option<i64>,
    pub subject: String,
    pub body: String,
    pub fallbacks: Fallbacks,
    pub filter: Option<RecipientFilter>,
    /// See [`Campaign::scheduled_local`].
    pub scheduled_local: Option<String>,
    pub scheduled_zone: Option<String>,
    pub shown_count: Option<i64>,
    pub shown_at: Option<DateTime<Utc>>,
    pub skip_already: bool,
}

/// Longest name of a draft, in characters: far more than may be sent, for whoever pasted too much.
const LONGEST_KEPT_NAME: usize = 500;

/// Text as it can be kept by both databases: with plain line breaks and without NUL.
pub fn clean(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "")
}

/// The same on one line.
pub fn clean_line(text: &str) -> String {
    clean(text).replace('\n', " ").trim().to_owned()
}

impl Draft {
    /// Reads a form. `template_id` is not checked to be the store's: see [`super::rules`].
    pub fn of(form: &CampaignForm, store: &Store, now: DateTime<Utc>) -> Self {
        let later = form.is_for_later();
        let shown_count = form.shown();
        Self {
            name: crate::text::clean(&form.name).chars().take(LONGEST_KEPT_NAME).collect(),
            template_id: form.template_id.trim().parse().ok(),
            subject: clean_line(&form.subject),
            body: clean(&form.body),
            fallbacks: fallbacks_of(form),
            filter: form.recipients(),
            scheduled_local: later.then(|| schedule::joined(&clean(&form.date), &clean(&form.time))),
            scheduled_zone: later.then(|| store.time_zone.clone()),
            shown_at: shown_count.map(|_| now),
            shown_count,
            skip_already: form.skips_already(),
        }
    }

    /// A campaign's own text and audience, for a copy: no schedule, no numbers.
    pub fn copied_from(campaign: &Campaign, name: String) -> Self {
        Self {
            name,
            template_id: campaign.template_id,
            subject: campaign.subject.clone(),
            body: campaign.body.clone(),
            fallbacks: serde_json::from_str(&campaign.fallbacks).unwrap_or_default(),
            filter: campaign.recipients(),
            scheduled_local: None,
            scheduled_zone: None,
            shown_count: None,
            shown_at: None,
            skip_already: true,
        }
    }

    /// Whether it would send the same to the same people as what is kept.
    pub fn says_the_same_as(&self, campaign: &Campaign) -> bool {
        let kept = Draft::copied_from(campaign, campaign.name.clone());
        self.subject == kept.subject
            && self.body == kept.body
            && self.fallbacks == kept.fallbacks
            && self.filter == kept.filter
            && self.name == kept.name
    }
}

/// The fallbacks a form holds, by the field's key.
pub fn fallbacks_of(form: &CampaignForm) -> Fallbacks {
    [
        ("first_name", &form.fallback_first_name),
        ("last_name", &form.fallback_last_name),
        ("next_anniversary", &form.fallback_next_anniversary),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), clean_line(value)))
    .filter(|(_, value)| !value.is_empty())
    .collect()
}

/// A form for a new campaign or a new bulk email.
pub fn blank_form(token: String) -> CampaignForm {
    CampaignForm {
        fallback_first_name: FIRST_NAME_FALLBACK.to_owned(),
        send_token: token,
        ..CampaignForm::default()
    }
}

/// The form of a kept campaign.
pub fn form_of(campaign: &Campaign, token: String) -> CampaignForm {
    let mut fallbacks: Fallbacks = serde_json::from_str(&campaign.fallbacks).unwrap_or_default();
    let mut fallback = |key: &str| fallbacks.remove(key).unwrap_or_default();
    let (date, time) = campaign
        .scheduled_local
        .as_deref()
        .map(schedule::parts)
        .unwrap_or_default();
    let mut form = CampaignForm {
        id: campaign.id.to_string(),
        version: campaign.version.to_string(),
        name: campaign.name.clone(),
        template_id: campaign.template_id.map(|id| id.to_string()).unwrap_or_default(),
        subject: campaign.subject.clone(),
        body: campaign.body.clone(),
        fallback_first_name: fallback("first_name"),
        fallback_last_name: fallback("last_name"),
        fallback_next_anniversary: fallback("next_anniversary"),
        schedule_for_later: campaign
            .scheduled_local
            .as_ref()
            .map(|_| "true".to_owned())
            .unwrap_or_default(),
        date: date.to_owned(),
        time: time.to_owned(),
        asks_skip_already: "true".to_owned(),
        skip_already: if campaign.skip_already { "true" } else { "" }.to_owned(),
        send_token: token,
        ..CampaignForm::default()
    };
    form.choose(campaign.recipients().as_ref());
    form
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_databases_can_keep_is_kept_as_typed() {
        assert_eq!(clean("a\r\nb\rc\0d"), "a\nb\ncd");
        assert_eq!(clean_line("  Mother\n's Day "), "Mother 's Day");
    }

    #[test]
    fn an_emptied_fallback_stays_empty() {
        let form = CampaignForm {
            fallback_last_name: " client ".into(),
            ..CampaignForm::default()
        };
        let fallbacks = fallbacks_of(&form);
        assert_eq!(fallbacks.get("last_name").map(String::as_str), Some("client"));
        assert_eq!(fallbacks.get("first_name"), None);
    }
}
