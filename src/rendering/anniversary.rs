//! The day a person's anniversary next falls on.

use chrono::{Datelike, NaiveDate};

/// `12 June`: the next time this day comes, today included. 29 February falls on the 28th in a
/// year without one. `None` for a day no calendar has.
pub fn next_anniversary(month: u32, day: u32, today: NaiveDate) -> Option<String> {
    let this_year = falls_on(today.year(), month, day)?;
    let next = if this_year >= today {
        this_year
    } else {
        falls_on(today.year() + 1, month, day)?
    };
    Some(next.format("%-d %B").to_string())
}

fn falls_on(year: i32, month: u32, day: u32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(year, month, day).or_else(|| {
        if (month, day) == (2, 29) {
            NaiveDate::from_ymd_opt(year, 2, 28)
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_twenty_ninth_of_february_falls_every_year() -> Result<(), &'static str> {
        let day = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).ok_or("no such day");
        assert_eq!(
            next_anniversary(2, 29, day(2027, 1, 1)?).as_deref(),
            Some("28 February")
        );
        assert_eq!(
            next_anniversary(2, 29, day(2027, 3, 1)?).as_deref(),
            Some("29 February")
        );
        assert_eq!(next_anniversary(6, 12, day(2026, 6, 12)?).as_deref(), Some("12 June"));
        assert_eq!(next_anniversary(2, 30, day(2026, 6, 12)?), None);
        Ok(())
    }
}
