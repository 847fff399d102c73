//! The list of campaigns: what is asked for, and a card of the answer.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;

use super::model::CampaignStatus;
use crate::time::{self, Resolved};

/// What the address of the list asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Part of a name or a subject.
    pub q: String,
    pub status: Option<CampaignStatus>,
    /// Sent at this moment or later.
    pub sent_from: Option<DateTime<Utc>>,
    /// Sent before this moment.
    pub sent_before: Option<DateTime<Utc>>,
    /// From 1.
    pub page: i64,
}

impl ListQuery {
    /// Reads the parts of an address; `from` and `to` are days in the store's zone, both
    /// included. What can't be read asks for nothing.
    pub fn read(q: &str, status: &str, from: &str, to: &str, page: &str, zone: Tz) -> Self {
        let day = |text: &str| text.trim().parse::<NaiveDate>().ok();
        Self {
            q: q.trim().to_owned(),
            status: CampaignStatus::ALL.into_iter().find(|s| s.key() == status),
            sent_from: day(from).and_then(|d| midnight(d, zone)),
            sent_before: day(to).and_then(|d| d.succ_opt()).and_then(|d| midnight(d, zone)),
            page: page.parse().ok().filter(|p| *p >= 1).unwrap_or(1),
        }
    }

    /// Whether anything narrows the list.
    pub fn is_filtered(&self) -> bool {
        !self.q.is_empty() || self.status.is_some() || self.sent_from.is_some() || self.sent_before.is_some()
    }
}

/// When a day begins; where clocks go forward over midnight, an hour later.
fn midnight(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    [NaiveTime::MIN, NaiveTime::from_hms_opt(1, 0, 0)?]
        .into_iter()
        .find_map(|t| match time::resolve(day.and_time(t), zone) {
            Resolved::One(at) | Resolved::Twice(at, _) => Some(at),
            Resolved::Gap => None,
        })
}

/// A campaign on the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignCard {
    pub id: i64,
    pub name: String,
    pub subject: String,
    pub status: CampaignStatus,
    /// Who it is for: `Segment: VIP`, `Tags: wedding, engagement`.
    pub audience: String,
    /// Customers it goes, or went, to; for a draft those shown when it was saved.
    pub customers: Option<i64>,
    /// Over all its goes; nothing while nobody has got it.
    pub outcome: Option<Outcome>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub updated_by: String,
    pub scheduled_at: Option<DateTime<Utc>>,
    /// When its latest send was started.
    pub started_at: Option<DateTime<Utc>>,
    pub sent_at: Option<DateTime<Utc>>,
    /// Why the last attempt came back: `no_recipients`, or words.
    pub problem: Option<String>,
    /// It went out on schedule to a number nobody expects from the one that was shown.
    pub has_drifted: bool,
}

impl CampaignCard {
    /// Scheduled, and its time has passed.
    pub fn is_overdue(&self, now: DateTime<Utc>) -> bool {
        self.status == CampaignStatus::Scheduled && self.scheduled_at.is_some_and(|at| at < now)
    }
}

/// What came of a campaign so far, counted from its messages: of people, whatever number of goes it took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Everyone it set out to reach.
    pub customers: i64,
    pub sent: i64,
    pub failed: i64,
    /// Everyone the last go set out to reach.
    pub of_the_last: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_the_address_are_the_stores_days() {
        let query = ListQuery::read("", "sent", "2026-04-01", "2026-04-30", "x", Tz::Australia__Sydney);
        let at = |text: &str| text.parse().ok();
        assert_eq!(query.sent_from, at("2026-03-31T13:00:00Z"));
        assert_eq!(query.sent_before, at("2026-04-30T14:00:00Z"));
        assert_eq!((query.status, query.page), (Some(CampaignStatus::Sent), 1));
    }
}
