//! What is picked, and what comes out of it.

use serde::{Deserialize, Serialize};

use crate::text::grouped;

/// Whose earlier recipients are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Earlier {
    /// Every send of a campaign.
    Campaign(i64),
    /// A send without a campaign, and those that followed it.
    Send(i64),
}

impl Earlier {
    /// The two ids as SQL compares them: of the campaign, of the send.
    pub fn ids(self) -> (Option<i64>, Option<i64>) {
        match self {
            Earlier::Campaign(id) => (Some(id), None),
            Earlier::Send(id) => (None, Some(id)),
        }
    }
}

/// Most tags picked at once.
pub const MOST_PICKED_TAGS: usize = 200;
/// Most customers picked one by one.
pub const MOST_PICKED: usize = 5_000;

/// Who a message is for. Exactly one of four, as the picker shows them; a correction has a fifth.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", content = "of", rename_all = "snake_case")]
pub enum RecipientFilter {
    /// Every customer.
    All,
    /// One saved group, by id.
    Segment(i64),
    /// Customers with any of these tags: a union.
    Tags(Vec<String>),
    /// Customers picked one by one, by id.
    Manual(Vec<i64>),
    /// Those whom a send reached, or may have, by its id. The picker does not offer it.
    Reached(i64),
}

impl RecipientFilter {
    /// The same filter written one way: sorted and without doubles, so that equal filters are
    /// equal.
    pub fn normalised(self) -> Self {
        match self {
            RecipientFilter::Tags(tags) => {
                let mut tags: Vec<String> = tags
                    .iter()
                    .map(|t| t.trim().to_lowercase())
                    .filter(|t| !t.is_empty())
                    .collect();
                tags.sort();
                tags.dedup();
                RecipientFilter::Tags(tags)
            }
            RecipientFilter::Manual(mut ids) => {
                ids.sort_unstable();
                ids.dedup();
                RecipientFilter::Manual(ids)
            }
            other => other,
        }
    }

    /// Why this is more than anybody picks, in words.
    pub fn too_many(&self) -> Option<&'static str> {
        match self {
            RecipientFilter::Tags(tags) if tags.len() > MOST_PICKED_TAGS => Some("Choose at most 200 tags"),
            RecipientFilter::Manual(ids) if ids.len() > MOST_PICKED => {
                Some("Choose at most 5,000 customers one by one, or give them a tag and choose that")
            }
            _ => None,
        }
    }

    /// A short text that is the same for equal filters and, for all purposes of a page, only for
    /// those. The same in the browser and on the server.
    pub fn digest(&self) -> String {
        let text = serde_json::to_string(&self.clone().normalised()).unwrap_or_default();
        // FNV-1a
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        format!("{hash:016x}")
    }

    /// The value of the radio button.
    pub fn kind(&self) -> &'static str {
        match self {
            RecipientFilter::All => "all",
            RecipientFilter::Segment(_) => "segment",
            RecipientFilter::Tags(_) => "tags",
            RecipientFilter::Manual(_) => "manual",
            RecipientFilter::Reached(_) => "reached",
        }
    }
}

/// Who is chosen, and whose recipients are left out of it: what a count is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    pub filter: Option<RecipientFilter>,
    pub not_again: Option<Earlier>,
}

/// Why someone of the audience gets nothing: one reason each, the first that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    Archived,
    DoNotContact,
    NoAddress,
    NotValid,
    Complained,
    Unsubscribed,
    NoOptIn,
    Bounced,
    AlreadyReceived,
    DuplicateAddress,
}

impl SkipReason {
    /// In order of precedence.
    pub const ALL: [SkipReason; 10] = [
        SkipReason::Archived,
        SkipReason::DoNotContact,
        SkipReason::NoAddress,
        SkipReason::NotValid,
        SkipReason::Complained,
        SkipReason::Unsubscribed,
        SkipReason::NoOptIn,
        SkipReason::Bounced,
        SkipReason::AlreadyReceived,
        SkipReason::DuplicateAddress,
    ];

    /// The word in the database and in addresses.
    pub fn key(self) -> &'static str {
        match self {
            SkipReason::Archived => "archived",
            SkipReason::DoNotContact => "do_not_contact",
            SkipReason::NoAddress => "no_address",
            SkipReason::NotValid => "not_valid",
            SkipReason::Complained => "complained",
            SkipReason::Unsubscribed => "unsubscribed",
            SkipReason::NoOptIn => "no_opt_in",
            SkipReason::Bounced => "bounced",
            SkipReason::AlreadyReceived => "already_received",
            SkipReason::DuplicateAddress => "duplicate_address",
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.key() == key)
    }

    /// As the page says it.
    pub fn label(self) -> &'static str {
        match self {
            SkipReason::Archived => "Archived",
            SkipReason::DoNotContact => "Asked not to be contacted",
            SkipReason::NoAddress => "No email address",
            SkipReason::NotValid => "Email address isn't complete",
            SkipReason::Complained => "Marked a message as spam",
            SkipReason::Unsubscribed => "Unsubscribed",
            SkipReason::NoOptIn => "Hasn't agreed to marketing email",
            SkipReason::Bounced => "Address bounced before",
            SkipReason::AlreadyReceived => "Already got this campaign",
            SkipReason::DuplicateAddress => "Same address as another customer",
        }
    }

    /// What can be done about it, as the text of a link to the customer.
    pub fn fix(self) -> Option<&'static str> {
        match self {
            SkipReason::NoAddress => Some("Add an email"),
            SkipReason::NotValid => Some("Correct the email"),
            SkipReason::Archived => Some("Restore the customer"),
            SkipReason::NoOptIn => Some("Record their agreement"),
            SkipReason::Bounced => Some("Check the address"),
            _ => None,
        }
    }
}

/// The evaluated filter. `matched = will_send + Σ skipped`, always.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audience {
    pub matched: i64,
    pub will_send: i64,
    /// Reasons that apply to somebody, in order of precedence.
    pub skipped: Vec<(SkipReason, i64)>,
}

impl Audience {
    pub fn skipped_total(&self) -> i64 {
        self.skipped.iter().map(|(_, n)| n).sum()
    }

    /// Of a hundred people meant, how many get it.
    pub fn percent_sent(&self) -> i64 {
        100 * self.will_send / self.matched.max(1)
    }

    /// What a segment could reach at most, when this is its audience.
    pub fn segment_bound(&self, name: &str) -> String {
        let noun = if self.matched == 1 { "customer" } else { "customers" };
        format!(
            "{name} has {} {noun}: that's the most this can reach.",
            grouped(self.matched)
        )
    }

    /// The sentence the whole page hangs on.
    pub fn sentence(&self) -> String {
        match self.will_send {
            0 => NO_RECIPIENTS.to_owned(),
            1 => "This will go to 1 customer".to_owned(),
            n => format!("This will go to {} customers", grouped(n)),
        }
    }
}

/// The owner's own words for an empty audience.
pub const NO_RECIPIENTS: &str = "No recipients found for this campaign";

/// A customer as the picker offers them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    pub id: i64,
    pub name: String,
    /// What tells them apart: the address, or that there is none.
    pub hint: String,
    /// Why they would be skipped, if they would.
    pub skip: Option<SkipReason>,
}

/// Somebody who would be skipped: for "See who".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    pub id: i64,
    pub name: String,
}

/// Somebody a message is shown to before it goes: everything it can be personal with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::FromRow))]
pub struct Person {
    pub id: i64,
    pub name: String,
    pub first_name: String,
    pub last_name: String,
    pub anniversary_month: Option<i64>,
    pub anniversary_day: Option<i64>,
    pub email: String,
}

/// The count as the page gets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    pub audience: Audience,
    /// "This will go to 214 customers"
    pub sentence: String,
    /// What this is the count of, see [`RecipientFilter::digest`]: a late answer to a question
    /// nobody asks any more is dropped.
    pub filter_digest: String,
    /// When it was counted, in the store's time: "today, 8:41 am".
    pub counted_at: String,
    /// Of a segment: the most it can reach, as a sentence.
    pub bound: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_filters_are_written_equally() {
        let a = RecipientFilter::Tags(vec!["Wedding ".into(), "vip".into(), "wedding".into()]).normalised();
        let b = RecipientFilter::Tags(vec!["vip".into(), "wedding".into()]).normalised();
        assert_eq!(a, b);
        let written = |ids: &[i64]| RecipientFilter::Manual(ids.to_vec()).digest();
        assert_eq!(written(&[2, 1, 2]), written(&[1, 2]));
        assert_ne!(written(&[1, 2]), written(&[12]));
    }

    #[test]
    fn the_sentence_counts_people() {
        let of = |will_send| {
            Audience {
                will_send,
                ..Audience::default()
            }
            .sentence()
        };
        assert_eq!(of(0), "No recipients found for this campaign");
        assert_eq!(of(1), "This will go to 1 customer");
        assert_eq!(of(1204), "This will go to 1,204 customers");
    }
}
