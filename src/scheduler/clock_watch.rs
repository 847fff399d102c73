//! Notices a clock that was put back.

use chrono::{DateTime, Duration, Utc};

/// Clocks are corrected by fractions of a second all the time.
const HARMLESS: Duration = Duration::seconds(2);

/// The latest moment seen. What was seen once has happened: firing again before it would fire
/// things twice in the eyes of people.
#[derive(Debug, Default)]
pub(crate) struct ClockWatch {
    latest: Option<DateTime<Utc>>,
    told: bool,
}

impl ClockWatch {
    /// How far the clock is behind what it has shown before; nothing when it runs forward, or has
    /// caught up.
    pub(crate) fn behind(&mut self, now: DateTime<Utc>) -> Option<Duration> {
        let latest = *self.latest.get_or_insert(now);
        let gap = latest - now;
        if gap > HARMLESS || (self.told && gap > Duration::zero()) {
            if !self.told {
                tracing::error!(
                    seconds = gap.num_seconds(),
                    "the clock was put back; nothing planned is sent until it has caught up"
                );
            }
            self.told = true;
            return Some(gap);
        }
        if self.told {
            tracing::info!("the clock has caught up");
        }
        self.told = false;
        self.latest = Some(latest.max(now));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap_or_default()
    }

    #[test]
    fn a_jump_back_freezes_until_the_clock_has_caught_up() {
        let mut watch = ClockWatch::default();
        assert_eq!(watch.behind(at(100)), None);
        assert_eq!(watch.behind(at(40)), Some(Duration::seconds(60)));
        assert_eq!(
            watch.behind(at(99)),
            Some(Duration::seconds(1)),
            "not a moment too soon"
        );
        assert_eq!(watch.behind(at(100)), None);
        assert_eq!(watch.behind(at(99)), None, "a small correction is nothing");
    }

    #[test]
    fn a_jump_forward_is_for_the_late_policy() {
        let mut watch = ClockWatch::default();
        assert_eq!(watch.behind(at(0)), None);
        assert_eq!(watch.behind(at(86_400)), None);
    }
}
