//! Dates as people and other programs write them.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::model::{MONTHS, YearlyDate};
use crate::time::{self, Resolved};

/// What comes first where only digits say which is the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayOrder {
    DayFirst,
    MonthFirst,
}

/// How the dates of a column are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateStyle {
    /// Nothing while nothing says it: then `3/4` is not read.
    pub order: Option<DayOrder>,
    /// Two digits are the latest year that ends so and is not after this one.
    pub this_year: i64,
}

/// Why a date is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateProblem {
    #[error("This can't be read as a date")]
    Unreadable,
    #[error("There is no such day")]
    NoSuchDay,
    #[error("Nothing says which is the day and which the month")]
    EitherWay,
    #[error("This day has no year")]
    NoYear,
}

/// Reads a birthday or an anniversary: `1980-05-14`, `05-14`, `--05-14`, `0000-05-14`,
/// `14/5/1980`, `14/5/80`, `14 May`, `May 14, 1980`, with or without a time after it. Zeros alone
/// are how some programs say that there is none.
pub fn yearly(typed: &str, style: DateStyle) -> Result<Option<YearlyDate>, DateProblem> {
    let typed = without_time(typed);
    let parts = parts(&typed);
    if !parts.is_empty() && parts.iter().all(|p| p.chars().all(|c| c == '0')) {
        return Ok(None);
    }
    let (month, day, year) = match parts.iter().find_map(|p| month_named(p)) {
        Some(month) => beside_a_name(month, &parts, style)?,
        None => in_digits(&parts, typed.contains('-'), style)?,
    };
    match YearlyDate::new(month, day, year) {
        Some(date) => Ok(Some(date)),
        None => Err(DateProblem::NoSuchDay),
    }
}

type Parts = (i64, i64, Option<i64>);

fn beside_a_name(month: i64, parts: &[&str], style: DateStyle) -> Result<Parts, DateProblem> {
    let mut rest = parts.iter().filter(|p| month_named(p).is_none());
    let day = rest.next().ok_or(DateProblem::Unreadable)?;
    let day = number(day.trim_end_matches(|c: char| c.is_ascii_alphabetic()))?;
    let year = rest.next().map(|y| year(y, style)).transpose()?.flatten();
    match rest.next() {
        Some(_) => Err(DateProblem::Unreadable),
        None => Ok((month, day, year)),
    }
}

fn in_digits(parts: &[&str], hyphens: bool, style: DateStyle) -> Result<Parts, DateProblem> {
    match parts {
        [whole] if whole.len() == 8 => {
            let of = |from: usize, to: usize| number(whole.get(from..to).unwrap_or_default());
            Ok((of(4, 6)?, of(6, 8)?, Some(of(0, 4)?)))
        }
        [y, month, day] if y.len() == 4 => Ok((number(month)?, number(day)?, year(y, style)?)),
        [a, b, y] if matches!(y.len(), 2 | 4) => {
            let (month, day) = in_order(number(a)?, number(b)?, style.order)?;
            Ok((month, day, year(y, style)?))
        }
        // With a hyphen it is the ISO order, where it can be.
        [a, b] => {
            let order = if hyphens {
                Some(DayOrder::MonthFirst)
            } else {
                style.order
            };
            let (month, day) = in_order(number(a)?, number(b)?, order)?;
            Ok((month, day, None))
        }
        _ => Err(DateProblem::Unreadable),
    }
}

/// Month and day of two numbers: what can be no month is the day, whatever the order.
fn in_order(a: i64, b: i64, order: Option<DayOrder>) -> Result<(i64, i64), DateProblem> {
    match shown(a, b) {
        Some(Shown::Only(DayOrder::DayFirst)) => Ok((b, a)),
        Some(Shown::Only(DayOrder::MonthFirst)) | None => Ok((a, b)),
        Some(Shown::Either) => match order {
            Some(DayOrder::DayFirst) => Ok((b, a)),
            Some(DayOrder::MonthFirst) => Ok((a, b)),
            None => Err(DateProblem::EitherWay),
        },
    }
}

/// What a date says of the order of its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    Only(DayOrder),
    /// It could be read both ways, as two different days.
    Either,
}

/// What a date says of the order of its column; nothing where the order does not matter to it.
pub fn order_shown(typed: &str) -> Option<Shown> {
    let typed = without_time(typed);
    let parts = parts(&typed);
    let (a, b) = match parts.as_slice() {
        [a, b, year] if matches!(year.len(), 2 | 4) && a.len() <= 2 => (a, b),
        [a, b] if !typed.contains('-') => (a, b),
        _ => return None,
    };
    shown(number(a).ok()?, number(b).ok()?)
}

fn shown(a: i64, b: i64) -> Option<Shown> {
    let (month, day) = (1..=12, 13..=31);
    if month.contains(&a) && month.contains(&b) {
        return (a != b).then_some(Shown::Either);
    }
    if day.contains(&a) && month.contains(&b) {
        return Some(Shown::Only(DayOrder::DayFirst));
    }
    (month.contains(&a) && day.contains(&b)).then_some(Shown::Only(DayOrder::MonthFirst))
}

/// Reads the day of a visit or a purchase, with or without a time after it.
pub fn moment(typed: &str, style: DateStyle, zone: Tz) -> Result<Option<DateTime<Utc>>, DateProblem> {
    let typed = typed.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(typed) {
        return Ok(Some(at.with_timezone(&Utc)));
    }
    // The time of day is of no use here: nothing says where its clock is.
    let Some(day) = yearly(typed, style)? else {
        return Ok(None);
    };
    let year = day.year.ok_or(DateProblem::NoYear)?;
    let date = || {
        NaiveDate::from_ymd_opt(
            year.try_into().ok()?,
            day.month.try_into().ok()?,
            day.day.try_into().ok()?,
        )
    };
    let at = date().and_then(|date| noon(date, zone));
    at.map(Some).ok_or(DateProblem::NoSuchDay)
}

/// Noon of a day where the store is: the same day everywhere near it.
pub fn noon(date: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    match time::resolve(date.and_time(NaiveTime::from_hms_opt(12, 0, 0)?), zone) {
        Resolved::One(at) | Resolved::Twice(at, _) => Some(at),
        Resolved::Gap => None,
    }
}

/// Without what follows the day: `T10:00:00Z`, ` 10:00 pm`.
fn without_time(typed: &str) -> String {
    let is_digit = |b: Option<&u8>| b.is_some_and(u8::is_ascii_digit);
    let bytes = typed.as_bytes();
    let at = (1..bytes.len())
        .find(|at| bytes.get(*at) == Some(&b'T') && is_digit(bytes.get(at - 1)) && is_digit(bytes.get(at + 1)));
    let day = at.and_then(|at| typed.get(..at)).unwrap_or(typed);
    let words: Vec<&str> = day.split_whitespace().take_while(|w| !w.contains(':')).collect();
    words.join(" ")
}

fn parts(typed: &str) -> Vec<&str> {
    typed
        .split(|c: char| c == '-' || c == '/' || c == '.' || c == ',' || c.is_whitespace())
        .filter(|p| !p.is_empty())
        .collect()
}

/// A year in two or four digits. One of zeros is how some programs say that it is not known.
fn year(text: &str, style: DateStyle) -> Result<Option<i64>, DateProblem> {
    let year = number(text)?;
    Ok(match text.len() {
        2 if 2000 + year > style.this_year => Some(1900 + year),
        2 => Some(2000 + year),
        _ => Some(year).filter(|y| *y > 0),
    })
}

fn number(text: &str) -> Result<i64, DateProblem> {
    let is_number = text.len() <= 4 && text.chars().all(|c| c.is_ascii_digit());
    let number = is_number.then(|| text.parse().ok()).flatten();
    number.ok_or(DateProblem::Unreadable)
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

    const DAY: Option<DayOrder> = Some(DayOrder::DayFirst);
    const MONTH: Option<DayOrder> = Some(DayOrder::MonthFirst);

    fn of(typed: &str, order: Option<DayOrder>) -> Result<Option<(i64, i64, Option<i64>)>, DateProblem> {
        let style = DateStyle { order, this_year: 2026 };
        yearly(typed, style).map(|date| date.map(|d| (d.day, d.month, d.year)))
    }

    #[test]
    fn birthdays_are_read_in_the_ways_they_are_written() {
        let full = Ok(Some((14, 5, Some(1980))));
        for typed in [
            "1980-05-14",
            "14/5/1980",
            "14.05.1980",
            "14 May 1980",
            "May 14, 1980",
            "14th may 1980",
            "14/5/80",
            "14-May-80",
            "5/14/1980",
            "19800514",
            "1980-05-14T00:00:00Z",
            "14/05/1980 12:00 am",
        ] {
            assert_eq!(of(typed, DAY), full, "{typed}");
            assert_eq!(of(typed, None), full, "{typed}");
        }
        for typed in ["05-14", "14-05", "0000-05-14", "--05-14", "14 May", "14/5", "5/14"] {
            assert_eq!(of(typed, MONTH), Ok(Some((14, 5, None))), "{typed}");
        }
        for typed in ["0/0/00", "0000-00-00", "00.00.0000 00:00:00", "0"] {
            assert_eq!(of(typed, None), Ok(None), "{typed}");
        }
        for typed in ["", "1980", "soon", "1 2 3 4", "10:00", "May", "14/5/198"] {
            assert_eq!(of(typed, DAY), Err(DateProblem::Unreadable), "{typed}");
        }
        for typed in [
            "31/2/1980",
            "1980-13-01",
            "1980-02-30",
            "29/2/1981",
            "45/1/1980",
            "0/5/1980",
        ] {
            assert_eq!(of(typed, DAY), Err(DateProblem::NoSuchDay), "{typed}");
        }
    }

    #[test]
    fn the_order_counts_only_where_both_could_be_meant() {
        assert_eq!(of("3/4/05", DAY), Ok(Some((3, 4, Some(2005)))));
        assert_eq!(of("3/4/05", MONTH), Ok(Some((4, 3, Some(2005)))));
        assert_eq!(of("3/4/05", None), Err(DateProblem::EitherWay));
        assert_eq!(of("4/4/26", None), Ok(Some((4, 4, Some(2026)))));
        assert_eq!(of("4/4/27", None), Ok(Some((4, 4, Some(1927)))));
        for (typed, shows) in [
            ("14/5", Some(Shown::Only(DayOrder::DayFirst))),
            ("29/2/1981", Some(Shown::Only(DayOrder::DayFirst))),
            ("5-14-1980 10:00", Some(Shown::Only(DayOrder::MonthFirst))),
            ("3.4.", Some(Shown::Either)),
            ("4/4", None),
            ("1980-03-04", None),
            ("03-04", None),
            ("3 April", None),
            ("0/0/00", None),
        ] {
            assert_eq!(order_shown(typed), shows, "{typed}");
        }
    }

    #[test]
    fn a_visit_is_a_day_in_the_stores_zone() {
        let of = |typed, zone| {
            let style = DateStyle {
                order: DAY,
                this_year: 2026,
            };
            moment(typed, style, zone)
        };
        let at = of("2026-05-01", Tz::Australia__Sydney);
        let shown = at.map(|at| at.map(|at| at.to_rfc3339()));
        assert_eq!(shown, Ok(Some("2026-05-01T02:00:00+00:00".to_owned())));
        assert_eq!(of("2026-05-01 18:30:00", Tz::Australia__Sydney), at);
        assert!(of("2026-05-01T18:30:00Z", Tz::UTC).is_ok_and(|at| at.is_some()));
        assert_eq!(of("05-01", Tz::UTC), Err(DateProblem::NoYear));
        assert_eq!(of("0/0/00", Tz::UTC), Ok(None));
    }
}
