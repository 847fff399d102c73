//! Dates as people and other programs write them.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;

use super::model::{MONTHS, YearlyDate};
use crate::time::{self, Resolved};

/// Reads a birthday or an anniversary: `1980-05-14`, `05-14`, `--05-14`, `0000-05-14`,
/// `14/5/1980`, `14 May`, `May 14, 1980`. Where only digits say what is the day, the country
/// decides: month first in the United States, day first elsewhere.
pub fn yearly(typed: &str, country: &str) -> Option<YearlyDate> {
    let typed = typed.trim();
    let parts: Vec<&str> = typed
        .split(|c: char| c == '-' || c == '/' || c == '.' || c == ',' || c.is_whitespace())
        .filter(|p| !p.is_empty())
        .collect();
    if let Some(at) = parts.iter().position(|p| month_named(p).is_some()) {
        let month = month_named(parts.get(at)?)?;
        let mut rest = parts.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, p)| *p);
        let day = rest.next()?.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let year = rest.next().map(number).map_or(Some(None), |y| y.map(Some))?;
        return rest
            .next()
            .is_none()
            .then(|| YearlyDate::new(month, number(day)?, year))?;
    }
    match parts.as_slice() {
        [year, month, day] if year.len() == 4 => {
            // A year of zeros is how some programs say that it is not known.
            let year = number(year).filter(|y| *y > 0);
            YearlyDate::new(number(month)?, number(day)?, year)
        }
        [a, b, year] if year.len() == 4 => {
            let (month, day) = in_order(number(a)?, number(b)?, country);
            YearlyDate::new(month, day, number(year).filter(|y| *y > 0))
        }
        // With a hyphen it is the ISO order.
        [month, day] if typed.contains('-') => YearlyDate::new(number(month)?, number(day)?, None),
        [a, b] => {
            let (month, day) = in_order(number(a)?, number(b)?, country);
            YearlyDate::new(month, day, None)
        }
        _ => None,
    }
}

/// Reads the day of a visit or a purchase, with or without a time after it.
pub fn moment(typed: &str, country: &str, zone: Tz) -> Option<DateTime<Utc>> {
    let typed = typed.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(typed) {
        return Some(at.with_timezone(&Utc));
    }
    let day = typed.split(['T']).next()?;
    // "2026-05-01 10:00:00" and "1/5/2026 10:00": the time of day is of no use here.
    let day = day
        .split_once(' ')
        .filter(|(_, rest)| rest.contains(':'))
        .map_or(day, |(d, _)| d);
    let day = yearly(day, country)?;
    let date = NaiveDate::from_ymd_opt(
        i32::try_from(day.year?).ok()?,
        u32::try_from(day.month).ok()?,
        u32::try_from(day.day).ok()?,
    )?;
    noon(date, zone)
}

/// Noon of a day where the store is: the same day everywhere near it.
pub fn noon(date: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    match time::resolve(date.and_time(NaiveTime::from_hms_opt(12, 0, 0)?), zone) {
        Resolved::One(at) | Resolved::Twice(at, _) => Some(at),
        Resolved::Gap => None,
    }
}

fn in_order(a: i64, b: i64, country: &str) -> (i64, i64) {
    if country == "US" { (a, b) } else { (b, a) }
}

fn number(text: &str) -> Option<i64> {
    (text.len() <= 4 && text.chars().all(|c| c.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

fn month_named(word: &str) -> Option<i64> {
    let word = word.to_lowercase();
    let at = MONTHS
        .iter()
        .position(|name| word.len() >= 3 && name.to_lowercase().starts_with(&word))?;
    i64::try_from(at).ok().map(|m| m + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn birthdays_are_read_in_the_ways_they_are_written() {
        let of = |typed, country| yearly(typed, country).map(|d| (d.day, d.month, d.year));
        let full = Some((14, 5, Some(1980)));
        for typed in [
            "1980-05-14",
            "14/5/1980",
            "14.05.1980",
            "14 May 1980",
            "May 14, 1980",
            "14th may 1980",
        ] {
            assert_eq!(of(typed, "AU"), full, "{typed}");
        }
        assert_eq!(of("5/14/1980", "US"), full);
        for typed in ["05-14", "0000-05-14", "--05-14", "14 May", "14/5"] {
            assert_eq!(of(typed, "AU"), Some((14, 5, None)), "{typed}");
        }
        for typed in [
            "",
            "1980",
            "31/2/1980",
            "5/14/1980",
            "soon",
            "1980-13-01",
            "14/5/80",
            "1 2 3 4",
            "1980-02-30",
        ] {
            assert_eq!(of(typed, "AU"), None, "{typed}");
        }
    }

    #[test]
    fn a_visit_is_a_day_in_the_stores_zone() {
        let at = moment("2026-05-01", "AU", Tz::Australia__Sydney);
        assert_eq!(at.map(|a| a.to_rfc3339()).as_deref(), Some("2026-05-01T02:00:00+00:00"));
        assert_eq!(moment("2026-05-01 18:30:00", "AU", Tz::Australia__Sydney), at);
        assert!(moment("2026-05-01T18:30:00Z", "AU", Tz::UTC).is_some());
        assert_eq!(moment("05-01", "AU", Tz::UTC), None);
    }
}
