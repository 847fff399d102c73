//! Clocks and zones. Time is a parameter: only a [`Clock`] knows what time it is.

use std::sync::{Arc, Mutex};

use chrono::{
    DateTime, Datelike, LocalResult, NaiveDate, NaiveDateTime, SubsecRound, TimeDelta, TimeZone, Timelike, Utc,
};
use chrono_tz::Tz;

/// What time it is: the system's, or one that a test sets.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    Fixed(Arc<Mutex<DateTime<Utc>>>),
}

impl Clock {
    /// A clock that stands at `at` until it is set again.
    pub fn fixed(at: DateTime<Utc>) -> Self {
        Clock::Fixed(Arc::new(Mutex::new(at)))
    }

    /// Now, to the microsecond: both databases keep exactly that much.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Clock::System => (Utc::now() + jumped()).trunc_subsecs(6),
            Clock::Fixed(at) => at
                .lock()
                .map(|at| *at)
                .unwrap_or_else(|poisoned| *poisoned.into_inner()),
        }
    }

    /// Moves a fixed clock; the system's stays as it is.
    pub fn set(&self, at: DateTime<Utc>) {
        if let (Clock::Fixed(slot), at) = (self, at.trunc_subsecs(6)) {
            match slot.lock() {
                Ok(mut slot) => *slot = at,
                Err(poisoned) => *poisoned.into_inner() = at,
            }
        }
    }
}

/// How far a test has put the system's clock forward or back.
#[cfg(not(debug_assertions))]
#[inline(always)]
fn jumped() -> TimeDelta {
    TimeDelta::zero()
}

/// How far a test has put the system's clock forward or back: `LOUPE_CLOCK_FILE` names a file
/// with the seconds, read anew each time. Only in builds with debug assertions.
#[cfg(debug_assertions)]
fn jumped() -> TimeDelta {
    static FILE: std::sync::OnceLock<Option<std::ffi::OsString>> = std::sync::OnceLock::new();
    let file = FILE.get_or_init(|| std::env::var_os("LOUPE_CLOCK_FILE"));
    let text = file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
    let seconds = text.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    TimeDelta::seconds(seconds)
}

/// A wall-clock time in a zone as a moment, or why it is none or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// Exactly one moment.
    One(DateTime<Utc>),
    /// Clocks go forward over it: no such time.
    Gap,
    /// Clocks go back over it: it happens twice, earlier first.
    Twice(DateTime<Utc>, DateTime<Utc>),
}

/// The moment of a wall-clock time in a zone.
pub fn resolve(local: NaiveDateTime, zone: Tz) -> Resolved {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) => Resolved::One(at.with_timezone(&Utc)),
        LocalResult::None => Resolved::Gap,
        LocalResult::Ambiguous(first, second) => Resolved::Twice(first.with_timezone(&Utc), second.with_timezone(&Utc)),
    }
}

/// Today's date where the store is.
pub fn today(now: DateTime<Utc>, zone: Tz) -> NaiveDate {
    now.with_timezone(&zone).date_naive()
}

/// `Sat 2 May 2026, 9:00 am AEST`
pub fn absolute(at: DateTime<Utc>, zone: Tz) -> String {
    let local = at.with_timezone(&zone);
    format!(
        "{}, {} {}",
        local.format("%a %-d %b %Y"),
        clock_words(local.hour(), local.minute()),
        local.format("%Z")
    )
}

/// `Sat 2 May 2026`
pub fn day(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%a %-d %b %Y").to_string()
}

/// `10:04 am`, with noon and midnight as words.
pub fn clock(at: DateTime<Utc>, zone: Tz) -> String {
    let local = at.with_timezone(&zone);
    clock_words(local.hour(), local.minute())
}

/// `10:04:31 am`
pub fn clock_seconds(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%-I:%M:%S %P").to_string()
}

/// `today, 8:41 am` within the store's day, else the date.
pub fn today_or_day(at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    if today(at, zone) == today(now, zone) {
        format!("today, {}", clock(at, zone))
    } else {
        day(at, zone)
    }
}

fn clock_words(hour: u32, minute: u32) -> String {
    match (hour, minute) {
        (0, 0) => "midnight".to_owned(),
        (12, 0) => "noon".to_owned(),
        _ => {
            let half = if hour < 12 { "am" } else { "pm" };
            format!("{}:{minute:02} {half}", (hour + 11) % 12 + 1)
        }
    }
}

/// `in 3 days`, `19 days ago`, `just now`.
pub fn relative(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (at - now).num_seconds();
    let size = seconds.unsigned_abs();
    let (n, unit) = match size {
        0..45 => return if seconds > 0 { "in a moment" } else { "just now" }.to_owned(),
        45..5400 => (size.div_ceil(60).max(1), "minute"),
        5400..129_600 => ((size + 1800) / 3600, "hour"),
        129_600..5_184_000 => ((size + 43_200) / 86_400, "day"),
        _ => ((size + 1_296_000) / 2_592_000, "month"),
    };
    let plural = if n == 1 { "" } else { "s" };
    if seconds > 0 {
        format!("in {n} {unit}{plural}")
    } else {
        format!("{n} {unit}{plural} ago")
    }
}

/// The city of a zone, as people say it: `Sydney` for `Australia/Sydney`.
pub fn city(zone: Tz) -> String {
    zone.name().rsplit('/').next().unwrap_or(zone.name()).replace('_', " ")
}

/// `AEST, UTC+10`
pub fn zone_words(at: DateTime<Utc>, zone: Tz) -> String {
    use chrono::Offset;
    let local = at.with_timezone(&zone);
    let seconds = local.offset().fix().local_minus_utc();
    let (sign, size) = if seconds < 0 { ('−', -seconds) } else { ('+', seconds) };
    let minutes = if size % 3600 == 0 {
        String::new()
    } else {
        format!(":{:02}", size % 3600 / 60)
    };
    format!("{}, UTC{sign}{}{minutes}", local.format("%Z"), size / 3600)
}

/// The next day on which a yearly date falls, today included. 29 February is kept on
/// 28 February in years without it.
pub fn next_yearly(month: u32, day: u32, today: NaiveDate) -> Option<NaiveDate> {
    let in_year = |year| {
        NaiveDate::from_ymd_opt(year, month, day).or_else(|| {
            (month == 2 && day == 29)
                .then(|| NaiveDate::from_ymd_opt(year, 2, 28))
                .flatten()
        })
    };
    in_year(today.year())
        .filter(|d| *d >= today)
        .or_else(|| in_year(today.year() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap_or_default()
    }

    #[test]
    fn a_moment_reads_in_the_stores_time() {
        assert_eq!(
            absolute(at("2026-05-01T23:00:00Z"), Tz::Australia__Sydney),
            "Sat 2 May 2026, 9:00 am AEST"
        );
        assert_eq!(
            absolute(at("2026-05-02T02:00:00Z"), Tz::Australia__Sydney),
            "Sat 2 May 2026, noon AEST"
        );
        assert_eq!(
            zone_words(at("2026-05-01T23:00:00Z"), Tz::Asia__Kolkata),
            "IST, UTC+5:30"
        );
    }

    #[test]
    fn distances_are_said_in_words() {
        let now = at("2026-05-01T00:00:00Z");
        assert_eq!(relative(at("2026-05-04T00:00:00Z"), now), "in 3 days");
        assert_eq!(relative(at("2026-04-12T00:00:00Z"), now), "19 days ago");
        assert_eq!(relative(now, now), "just now");
        assert_eq!(relative(at("2026-05-01T00:01:00Z"), now), "in 1 minute");
    }

    #[test]
    fn a_leap_day_is_kept_on_the_28th_in_other_years() {
        let today = NaiveDate::from_ymd_opt(2026, 2, 1).unwrap_or_default();
        assert_eq!(next_yearly(2, 29, today), NaiveDate::from_ymd_opt(2026, 2, 28));
        let leap = NaiveDate::from_ymd_opt(2028, 2, 1).unwrap_or_default();
        assert_eq!(next_yearly(2, 29, leap), NaiveDate::from_ymd_opt(2028, 2, 29));
    }

    #[test]
    fn a_gap_and_a_fold_are_told_apart() {
        let local = |text: &str| text.parse::<NaiveDateTime>().unwrap_or_default();
        assert_eq!(
            resolve(local("2026-10-04T02:30:00"), Tz::Australia__Sydney),
            Resolved::Gap
        );
        assert!(matches!(resolve(local("2026-04-05T02:30:00"), Tz::Australia__Sydney), Resolved::Twice(a, b) if a < b));
    }
}
