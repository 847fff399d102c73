//! Days and hours of the demo's past, counted back from now.

use chrono::{DateTime, Datelike, Days, Duration, NaiveDate, Utc, Weekday};
use chrono_tz::Tz;

use super::dice::Dice;
use crate::time::{self, Resolved};

/// Now, and where the shop is.
#[derive(Clone, Copy, Debug)]
pub struct Calendar {
    pub now: DateTime<Utc>,
    pub zone: Tz,
}

impl Calendar {
    /// The shop's date so many days ago.
    pub fn day(&self, ago: i64) -> NaiveDate {
        let days = Days::new(ago.unsigned_abs());
        let today = time::today(self.now, self.zone);
        today.checked_sub_days(days).unwrap_or(today)
    }

    /// A moment so many days ago at this hour and minute in the shop; never in the future.
    pub fn at(&self, ago: i64, hour: u32, minute: u32) -> DateTime<Utc> {
        self.local(self.day(ago), hour, minute)
            .min(self.now - Duration::minutes(5))
    }

    /// Some moment of that day while the shop was open.
    pub fn shop_hours(&self, ago: i64, dice: &mut Dice) -> DateTime<Utc> {
        let hour = u32::try_from(dice.between(10, 16)).unwrap_or(10);
        let minute = u32::try_from(dice.between(0, 59)).unwrap_or_default();
        self.at(ago, hour, minute)
    }

    /// The next Saturday that is at least three days off, at nine.
    pub fn saturday_at_nine(&self) -> (chrono::NaiveDateTime, DateTime<Utc>) {
        let mut day = time::today(self.now, self.zone) + Days::new(3);
        while day.weekday() != Weekday::Sat {
            day = day + Days::new(1);
        }
        (day.and_hms_opt(9, 0, 0).unwrap_or_default(), self.local(day, 9, 0))
    }

    /// This many years ago, for birthdays and weddings.
    pub fn year(&self, ago: i64) -> i64 {
        i64::from(time::today(self.now, self.zone).year()) - ago
    }

    fn local(&self, day: NaiveDate, hour: u32, minute: u32) -> DateTime<Utc> {
        let wall = day.and_hms_opt(hour, minute, 0).unwrap_or_default();
        match time::resolve(wall, self.zone) {
            Resolved::One(at) | Resolved::Twice(at, _) => at,
            Resolved::Gap => wall.and_utc(),
        }
    }
}
