//! The rules of the system segments as conditions on a customer.

use chrono::{DateTime, Datelike, Duration, Months, Utc};
use chrono_tz::Tz;

use super::model::SystemSegment;
use crate::{db::binds::Binds, time};

/// A purchase above this is a high one, in hundredths of the store's currency.
pub const HIGH_VALUE_CENTS: i64 = 100_000;

/// When a segment is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub now: DateTime<Utc>,
    /// Where the store is: months and days are its own.
    pub zone: Tz,
}

/// The condition for customers `alias` of the store whose id is bound as `store`.
pub fn condition(segment: SystemSegment, alias: &str, store: &str, moment: Moment, binds: &mut Binds) -> String {
    let month = time::today(moment.now, moment.zone).month();
    match segment {
        // Whoever is not below the last of the tenth. Ties go to whoever is longer in the book, so
        // that the tenth is exactly a tenth; of nobody there is no last.
        SystemSegment::Vip => format!(
            "{alias}.spent_cents > 0 and ({alias}.spent_cents, -{alias}.id) >= (
                select top.spent_cents, -top.id from customers top where top.store_id = {store} and top.spent_cents > 0
                 order by top.spent_cents desc, top.id
                 limit 1 offset (select (count(*) - 1) / 10 from customers paid
                                  where paid.store_id = {store} and paid.spent_cents > 0))"
        ),
        SystemSegment::New => format!("{alias}.created_at >= {}", binds.add(days_ago(moment, 30))),
        SystemSegment::Inactive => format!("{alias}.last_touch_at <= {}", binds.add(days_ago(moment, 90))),
        SystemSegment::Lapsed => format!("{alias}.last_purchase_at <= {}", binds.add(months_ago(moment, 6))),
        SystemSegment::ActiveRepairs => format!("{alias}.open_repairs > 0"),
        SystemSegment::HighValue => format!("{alias}.largest_purchase_cents > {HIGH_VALUE_CENTS}"),
        SystemSegment::BirthdayThisMonth => format!("{alias}.birthday_month = {month}"),
        SystemSegment::AnniversaryThisMonth => format!("{alias}.anniversary_month = {month}"),
    }
}

fn days_ago(moment: Moment, days: i64) -> DateTime<Utc> {
    moment.now - Duration::days(days)
}

/// The same wall-clock time some months before, where the store is; the last day of the month
/// if it has no such day.
fn months_ago(moment: Moment, months: u32) -> DateTime<Utc> {
    let months = Months::new(months);
    moment
        .now
        .with_timezone(&moment.zone)
        .checked_sub_months(months)
        .map(|local| local.with_timezone(&Utc))
        .or_else(|| moment.now.checked_sub_months(months))
        .unwrap_or(moment.now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_year_is_counted_in_the_stores_months() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap_or_default();
        let moment = |now| Moment {
            now: at(now),
            zone: Tz::Australia__Sydney,
        };
        // Midnight of 1 May in Sydney is the 30th of April in UTC; six months before, clocks
        // were an hour ahead.
        assert_eq!(
            months_ago(moment("2026-04-30T14:00:00Z"), 6),
            at("2025-10-31T13:00:00Z")
        );
        assert_eq!(
            months_ago(moment("2026-08-31T00:00:00Z"), 6),
            at("2026-02-27T23:00:00Z")
        );
    }
}
