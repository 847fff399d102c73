//! When a campaign is to go, as typed: a day and a time on the store's clock.

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc, Weekday};
use chrono_tz::Tz;

use super::{model::WhenWords, queries::Campaign};
use crate::{
    error::Problem,
    time::{self, Resolved},
};

/// The typed day and time as one text that keeps both, finished or not: `2026-05-02T09:00`.
pub fn joined(date: &str, time: &str) -> String {
    format!("{}T{}", date.trim(), time.trim())
}

/// The day and the time of a [`joined`] text.
pub fn parts(joined: &str) -> (&str, &str) {
    joined.split_once('T').unwrap_or((joined, ""))
}

/// The moment that was typed, or what to mend. `fold` says which of two equal clock times.
pub fn moment(
    date: &str,
    clock: &str,
    fold: &str,
    zone: Tz,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, Vec<Problem>> {
    let local = read(date, clock)?;
    let at = match (time::resolve(local, zone), fold) {
        (Resolved::One(at), _) | (Resolved::Twice(at, _), "first") | (Resolved::Twice(_, at), "second") => at,
        (Resolved::Gap, _) => return Err(vec![Problem::new("time", gap_words(local, zone))]),
        (Resolved::Twice(..), _) => return Err(vec![Problem::new("fold-first", which_words(local))]),
    };
    if at <= now {
        return Err(vec![Problem::new("date", "Choose a time in the future")]);
    }
    Ok(at)
}

/// The time a campaign carries, while that is still to come; of two equal clock times the first.
pub fn of_campaign(campaign: &Campaign, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let (date, clock) = parts(campaign.scheduled_local.as_deref()?);
    moment(date, clock, "first", zone, now).ok()
}

fn read(date: &str, clock: &str) -> Result<NaiveDateTime, Vec<Problem>> {
    let day = date.trim().parse::<NaiveDate>().ok().filter(|d| d.year() < 10_000);
    let clock = clock.trim();
    let clock = NaiveTime::parse_from_str(clock, "%H:%M").or_else(|_| NaiveTime::parse_from_str(clock, "%H:%M:%S"));
    match (day, clock) {
        (Some(day), Ok(clock)) => Ok(day.and_time(clock)),
        (day, clock) => {
            let mut problems = Vec::new();
            if day.is_none() {
                problems.push(Problem::new("date", "Choose a date"));
            }
            if clock.is_err() {
                problems.push(Problem::new("time", "Choose a time"));
            }
            Err(problems)
        }
    }
}

/// Whether the typed time comes twice; then both moments.
pub fn twice(date: &str, clock: &str, zone: Tz) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    match time::resolve(read(date, clock).ok()?, zone) {
        Resolved::Twice(first, second) => Some((first, second)),
        _ => None,
    }
}

/// The answers to "Which 1:30 am?", earlier first.
pub fn which_answers((first, second): (DateTime<Utc>, DateTime<Utc>), zone: Tz) -> (String, String) {
    (
        format!("First ({})", time::zone_words(first, zone)),
        format!("Second ({})", time::zone_words(second, zone)),
    )
}

/// The question itself.
pub fn which_question(date: &str, clock: &str) -> String {
    read(date, clock).map(which_words).unwrap_or_default()
}

fn which_words(local: NaiveDateTime) -> String {
    format!("Which {}?", spoken(local.time()))
}

fn gap_words(local: NaiveDateTime, zone: Tz) -> String {
    let there = (1..=24 * 60)
        .map(|minutes| local + Duration::minutes(minutes))
        .find(|later| time::resolve(*later, zone) != Resolved::Gap)
        .unwrap_or(local);
    format!(
        "Clocks go forward that night, so {} on {} doesn't exist. Choose {} or later.",
        spoken(local.time()),
        local.format("%A %-d %B"),
        spoken(there.time())
    )
}

/// `9:00 am`
fn spoken(clock: NaiveTime) -> String {
    clock.format("%-I:%M %P").to_string()
}

/// The typed time said back, for the line under the fields.
pub fn words(date: &str, clock: &str, fold: &str, zone: Tz, now: DateTime<Utc>) -> WhenWords {
    if date.trim().is_empty() || clock.trim().is_empty() {
        return WhenWords::default();
    }
    let which = twice(date, clock, zone).map(|both| {
        let (first, second) = which_answers(both, zone);
        (which_question(date, clock), first, second)
    });
    match moment(date, clock, fold, zone, now) {
        Ok(at) => {
            let local = at.with_timezone(&zone);
            let words = format!(
                "{}, {} in {} ({}), {}",
                local.format("%A %-d %B %Y"),
                spoken(local.time()),
                time::city(zone),
                time::zone_words(at, zone),
                time::relative(at, now)
            );
            WhenWords {
                words,
                at: Some(at.to_rfc3339_opts(SecondsFormat::Secs, true)),
                which,
            }
        }
        Err(problems) => WhenWords {
            words: problems.into_iter().next().map(|p| p.words).unwrap_or_default(),
            at: None,
            which,
        },
    }
}

/// Times people often choose: a label, a day and a time for the fields.
pub fn quick_picks(zone: Tz, now: DateTime<Utc>) -> Vec<(String, String, String)> {
    let today = time::today(now, zone);
    let tomorrow = today.succ_opt();
    let next = |weekday: Weekday| today.iter_days().skip(1).find(|d| d.weekday() == weekday);
    [
        ("Tomorrow", tomorrow),
        ("Saturday", next(Weekday::Sat).filter(|d| Some(*d) != tomorrow)),
        ("Monday", next(Weekday::Mon).filter(|d| Some(*d) != tomorrow)),
    ]
    .into_iter()
    .filter_map(|(name, day)| Some((format!("{name} 9:00 am"), day?.to_string(), "09:00".to_owned())))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap_or_default()
    }

    fn first_words(date: &str, clock: &str, zone: Tz) -> (String, String) {
        match moment(date, clock, "", zone, at("2026-01-01T00:00:00Z")) {
            Ok(at) => (String::new(), at.to_rfc3339()),
            Err(problems) => problems
                .into_iter()
                .next()
                .map(|p| (p.field, p.words))
                .unwrap_or_default(),
        }
    }

    #[test]
    fn a_time_that_the_clocks_skip_is_explained_with_the_next_one() {
        let cases = [
            (
                "2026-10-04",
                "02:30",
                Tz::Australia__Sydney,
                "2:30 am on Sunday 4 October",
                "3:00 am",
            ),
            (
                "2026-03-29",
                "01:15",
                Tz::Europe__London,
                "1:15 am on Sunday 29 March",
                "2:00 am",
            ),
            (
                "2026-03-08",
                "02:00",
                Tz::America__New_York,
                "2:00 am on Sunday 8 March",
                "3:00 am",
            ),
        ];
        for (date, clock, zone, when, next) in cases {
            let expected = format!("Clocks go forward that night, so {when} doesn't exist. Choose {next} or later.");
            assert_eq!(first_words(date, clock, zone), ("time".to_owned(), expected));
        }
    }

    #[test]
    fn a_time_that_comes_twice_is_asked_for() {
        let cases = [
            (
                "2026-04-05",
                "02:30",
                Tz::Australia__Sydney,
                "First (AEDT, UTC+11)",
                "Second (AEST, UTC+10)",
            ),
            (
                "2026-10-25",
                "01:30",
                Tz::Europe__London,
                "First (BST, UTC+1)",
                "Second (GMT, UTC+0)",
            ),
            (
                "2026-11-01",
                "01:30",
                Tz::America__New_York,
                "First (EDT, UTC−4)",
                "Second (EST, UTC−5)",
            ),
        ];
        for (date, clock, zone, first, second) in cases {
            let words = words(date, clock, "", zone, at("2026-01-01T00:00:00Z"));
            assert_eq!(words.at, None);
            assert_eq!(
                words.which.map(|(_, a, b)| (a, b)),
                Some((first.to_owned(), second.to_owned()))
            );
            let pick = |fold| moment(date, clock, fold, zone, at("2026-01-01T00:00:00Z")).unwrap_or_default();
            assert_eq!(pick("second") - pick("first"), Duration::hours(1));
        }
    }

    #[test]
    fn only_the_future_can_be_planned_and_half_a_time_says_which_half() {
        let now = at("2026-05-01T00:00:00Z");
        let zone = Tz::Australia__Sydney;
        let fields = |date, clock| {
            moment(date, clock, "", zone, now)
                .err()
                .map(|ps| ps.into_iter().map(|p| p.words).collect::<Vec<_>>().join("; "))
        };
        assert_eq!(
            fields("2026-05-01", "10:00").as_deref(),
            Some("Choose a time in the future")
        );
        assert_eq!(fields("2026-05-01", "10:01"), None);
        assert_eq!(fields("", "25:00").as_deref(), Some("Choose a date; Choose a time"));
        assert_eq!(
            words("2026-05-02", "09:00", "", zone, now).words,
            "Saturday 2 May 2026, 9:00 am in Sydney (AEST, UTC+10), in 23 hours"
        );
    }

    #[test]
    fn the_quick_picks_are_days_to_come() {
        let picks = quick_picks(Tz::Australia__Sydney, at("2026-05-01T00:00:00Z"));
        let days: Vec<_> = picks.iter().map(|(_, day, _)| day.as_str()).collect();
        assert_eq!(days, ["2026-05-02", "2026-05-04"]);
    }
}
