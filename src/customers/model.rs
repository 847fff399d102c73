//! What both sides know of a customer.

use serde::{Deserialize, Serialize};

/// A day that comes every year, with the year of the first one where it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct YearlyDate {
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
    pub year: Option<i64>,
}

/// The names of the months, January first.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl YearlyDate {
    /// A day that exists: 29 February only without a year or in a leap year.
    pub fn new(month: i64, day: i64, year: Option<i64>) -> Option<Self> {
        let leap = year.is_none_or(|y| (y % 4 == 0 && y % 100 != 0) || y % 400 == 0);
        let last = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return None,
        };
        let year_fits = year.is_none_or(|y| (1850..=2200).contains(&y));
        ((1..=last).contains(&day) && year_fits).then_some(Self { month, day, year })
    }

    /// From three columns of the database.
    pub fn from_columns(month: Option<i64>, day: Option<i64>, year: Option<i64>) -> Option<Self> {
        Self::new(month?, day?, year)
    }

    /// `14 May 1980`, or `14 May`.
    pub fn words(&self) -> String {
        let month = usize::try_from(self.month - 1)
            .ok()
            .and_then(|m| MONTHS.get(m))
            .copied()
            .unwrap_or_default();
        match self.year {
            Some(year) => format!("{} {month} {year}", self.day),
            None => format!("{} {month}", self.day),
        }
    }
}

/// What the form of a customer carries, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerForm {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub email: String,
    #[serde(default)]
    pub phone: String,
    /// Separated by commas.
    #[serde(default)]
    pub tags: String,
    #[serde(default)]
    pub is_vip: bool,
    #[serde(default)]
    pub birthday_day: String,
    #[serde(default)]
    pub birthday_month: String,
    #[serde(default)]
    pub birthday_year: String,
    #[serde(default)]
    pub partner_name: String,
    #[serde(default)]
    pub partner_birthday_day: String,
    #[serde(default)]
    pub partner_birthday_month: String,
    #[serde(default)]
    pub anniversary_day: String,
    #[serde(default)]
    pub anniversary_month: String,
    #[serde(default)]
    pub anniversary_year: String,
    #[serde(default)]
    pub do_not_contact: bool,
}

#[cfg(test)]
mod tests {
    use super::YearlyDate;

    #[test]
    fn a_leap_day_needs_a_leap_year_or_none() {
        assert!(YearlyDate::new(2, 29, None).is_some());
        assert!(YearlyDate::new(2, 29, Some(2024)).is_some());
        assert!(YearlyDate::new(2, 29, Some(2023)).is_none());
        assert!(YearlyDate::new(13, 1, None).is_none());
        assert!(YearlyDate::new(4, 31, None).is_none());
        assert!(YearlyDate::new(1, 1, Some(20000)).is_none());
    }
}
