//! What a store is.

use chrono::{DateTime, Duration, Timelike, Utc};
use chrono_tz::Tz;

use crate::ids::StoreId;

/// One tenant.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Store {
    pub id: StoreId,
    pub slug: String,
    pub name: String,
    /// IANA name; see [`Store::zone`].
    pub time_zone: String,
    /// ISO 3166-1 alpha-2, for phone numbers without a country.
    pub country: String,
    /// ISO 4217.
    pub currency: String,
    pub from_name: String,
    pub from_email: String,
    pub reply_to: Option<String>,
    /// Postal footer of every message.
    pub footer: String,
    /// Seconds between Send now and the first message, 0 to 120.
    pub undo_seconds: i64,
    /// Minutes a planned send may be late before a person is asked.
    pub late_grace_minutes: i64,
    /// Minutes after midnight, store time, from which nobody should get mail.
    pub quiet_from: i64,
    /// Minutes after midnight at which the quiet hours end; the same as `quiet_from`: none.
    pub quiet_to: i64,
    /// Whether marketing email needs an agreement on record.
    pub email_requires_opt_in: bool,
    /// Why not, in the owner's words.
    pub email_basis_reason: Option<String>,
    pub is_demo: bool,
    pub created_at: DateTime<Utc>,
}

impl Store {
    /// The store's time zone. A name that no longer exists reads as UTC; names are checked when
    /// they are set.
    pub fn zone(&self) -> Tz {
        self.time_zone.parse().unwrap_or(Tz::UTC)
    }

    /// Whether it is so late, or so early, at the store that mail would disturb.
    pub fn in_quiet_hours(&self, now: DateTime<Utc>) -> bool {
        let local = now.with_timezone(&self.zone());
        is_between(
            i64::from(local.hour() * 60 + local.minute()),
            self.quiet_from,
            self.quiet_to,
        )
    }

    /// How long a planned send may be late before a person is asked.
    pub fn late_grace(&self) -> Duration {
        Duration::minutes(self.late_grace_minutes.clamp(0, 7 * 24 * 60))
    }
}

/// Whether a minute of the day lies in a span that may go over midnight. The end is not in it.
fn is_between(minute: i64, from: i64, to: i64) -> bool {
    if from <= to {
        (from..to).contains(&minute)
    } else {
        minute >= from || minute < to
    }
}

/// What a new store is made from.
#[derive(Clone, Debug)]
pub struct NewStore {
    pub slug: String,
    pub name: String,
    pub time_zone: String,
    pub country: String,
    pub currency: String,
    pub from_name: String,
    pub from_email: String,
    pub footer: String,
    pub is_demo: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_may_go_over_midnight() {
        let quiet = |minute| is_between(minute, 20 * 60, 8 * 60);
        assert!(quiet(20 * 60) && quiet(0) && quiet(8 * 60 - 1));
        assert!(!quiet(8 * 60) && !quiet(20 * 60 - 1));
        assert!(is_between(13 * 60, 12 * 60, 14 * 60) && !is_between(14 * 60, 12 * 60, 14 * 60));
        assert!(!is_between(0, 0, 0), "the same beginning and end: none");
    }
}
