//! How late a planned send is, and whether it may still go by itself.

use chrono::{DateTime, Duration, Utc};

/// From here on people are told that it was late.
const WORTH_TELLING: Duration = Duration::seconds(60);

/// What the store's rule says of a campaign that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lateness {
    /// So close to its time that nobody needs to hear of it.
    OnTime { seconds: i64 },
    /// Late, and the store lets it go by itself.
    Late { seconds: i64 },
    /// Too late to go without a person.
    Missed { seconds: i64 },
}

impl Lateness {
    /// Judges by the store's grace.
    pub fn of(scheduled_at: DateTime<Utc>, now: DateTime<Utc>, grace: Duration) -> Self {
        let late = now - scheduled_at;
        let seconds = late.num_seconds().max(0);
        if late > grace.max(WORTH_TELLING) {
            Lateness::Missed { seconds }
        } else if late >= WORTH_TELLING {
            Lateness::Late { seconds }
        } else {
            Lateness::OnTime { seconds }
        }
    }
}

/// `12 minutes`, `3 hours`: how late, rounded as people would.
pub fn words(seconds: i64) -> String {
    let (n, unit) = match seconds {
        ..60 => (seconds.max(1), "second"),
        60..5_400 => (seconds / 60, "minute"),
        5_400..129_600 => ((seconds + 1_800) / 3_600, "hour"),
        _ => ((seconds + 43_200) / 86_400, "day"),
    };
    format!("{n} {unit}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grace_decides_and_its_end_is_still_within() {
        let scheduled = DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default();
        let of = |seconds| Lateness::of(scheduled, scheduled + Duration::seconds(seconds), Duration::minutes(60));
        assert_eq!(of(0), Lateness::OnTime { seconds: 0 });
        assert_eq!(of(59), Lateness::OnTime { seconds: 59 });
        assert_eq!(of(60), Lateness::Late { seconds: 60 });
        assert_eq!(of(3600), Lateness::Late { seconds: 3600 });
        assert_eq!(of(3601), Lateness::Missed { seconds: 3601 });
    }

    #[test]
    fn without_any_grace_a_punctual_send_still_goes() {
        let scheduled = DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default();
        let of = |seconds| Lateness::of(scheduled, scheduled + Duration::seconds(seconds), Duration::zero());
        assert_eq!(of(2), Lateness::OnTime { seconds: 2 });
        assert_eq!(of(61), Lateness::Missed { seconds: 61 });
    }

    #[test]
    fn how_late_is_said_in_one_number() {
        assert_eq!(words(60), "1 minute");
        assert_eq!(words(12 * 60 + 59), "12 minutes");
        assert_eq!(words(3 * 3600), "3 hours");
        assert_eq!(words(3 * 86_400), "3 days");
    }
}
