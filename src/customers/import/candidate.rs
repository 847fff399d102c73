//! What a row says about a person, or why it can't be trusted.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::mapping::{Field, Mapping};
use crate::{
    channels::email::address::EmailAddress,
    consent::model::Wish,
    customers::{
        dates,
        details::Email,
        model::YearlyDate,
        money, names,
        phone::{self, Phone},
    },
};

/// Longest notes taken from a cell, in characters.
const LONGEST_NOTES: usize = 10_000;
/// Longest id of another program, in characters.
const LONGEST_ID: usize = 200;

/// A person as a row describes them. What the row leaves empty is nothing.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub line: u64,
    pub external_id: Option<String>,
    pub name: Option<FullName>,
    pub email: Option<Email>,
    pub phone: Option<Phone>,
    pub tags: Vec<String>,
    pub email_consent: Option<Said>,
    pub whatsapp_consent: Option<Said>,
    pub birthday: Option<YearlyDate>,
    pub partner_name: Option<String>,
    pub partner_birthday: Option<YearlyDate>,
    pub anniversary: Option<YearlyDate>,
    pub notes: Option<String>,
    pub spent_cents: Option<i64>,
    pub last_visit_at: Option<DateTime<Utc>>,
    pub since: Option<DateTime<Utc>>,
    pub vip: Option<bool>,
}

/// A name, and whether the file itself tells its parts apart.
#[derive(Clone, Debug)]
pub(super) struct FullName {
    pub full: String,
    pub first: String,
    pub last: String,
    pub in_parts: bool,
}

/// A wish with where it stands in the file.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub wish: Wish,
    pub column: String,
    pub evidence: String,
}

/// Something to tell about a column of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remark {
    pub column: String,
    pub reason: String,
}

/// What reading a row depends on beside the row.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub mapping: Mapping,
    pub file_name: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    pub zone: Tz,
}

impl Reading {
    /// The person of a row with what to note about it, or why the row is refused.
    pub(super) fn candidate(&self, line: u64, cells: &[String]) -> Result<(Candidate, Option<Remark>), Remark> {
        self.fits(cells)?;
        let name = self.name(cells)?;
        let email = self.read(Field::Email, cells, |typed| match EmailAddress::parse(typed) {
            Ok(_) => Ok(Email::read(typed)),
            Err(problem) => Err(problem.to_string()),
        })?;
        if name.is_none() && email.is_none() {
            return Err(Remark {
                column: String::new(),
                reason: "There is no name and no email address".to_owned(),
            });
        }
        let (phone, noted) = self.phone(cells);
        let date = |typed: &str| match dates::yearly(typed, &self.country) {
            Some(date) => Ok(Some(date)),
            None => Err("This can't be read as a date".to_owned()),
        };
        let moment = |typed: &str| match dates::moment(typed, &self.country, self.zone) {
            Some(at) => Ok(Some(at)),
            None => Err("This can't be read as a day with its year".to_owned()),
        };
        let candidate = Candidate {
            line,
            external_id: self.read(Field::ExternalId, cells, |id| {
                within(id, LONGEST_ID).map(|id| Some(format!("{}{id}", self.mapping.kind.prefix())))
            })?,
            name,
            email,
            phone,
            tags: self.read(Field::Tags, cells, tags)?.unwrap_or_default(),
            email_consent: self.said(line, cells)?,
            whatsapp_consent: self.wish(Field::WhatsappConsent, line, cells, false)?,
            birthday: self.read(Field::Birthday, cells, date)?,
            partner_name: self.read(Field::PartnerName, cells, |n| within(n, names::LONGEST_NAME).map(Some))?,
            partner_birthday: self
                .read(Field::PartnerBirthday, cells, date)?
                .map(|d| YearlyDate { year: None, ..d }),
            anniversary: self.read(Field::Anniversary, cells, date)?,
            notes: self.notes(cells)?,
            spent_cents: self.read(Field::Spent, cells, |typed| match money::parse_cents(typed) {
                Some(cents) => Ok(Some(cents)),
                None => Err("This can't be read as an amount".to_owned()),
            })?,
            last_visit_at: self.read(Field::LastVisit, cells, moment)?,
            since: self.read(Field::Since, cells, moment)?,
            vip: self.read(Field::Vip, cells, yes_or_no)?,
        };
        Ok((candidate, noted))
    }

    /// As many cells as the header, all of them text.
    fn fits(&self, cells: &[String]) -> Result<(), Remark> {
        let width = self.mapping.columns.len();
        let extra = cells.iter().skip(width).any(|c| !c.trim().is_empty());
        if cells.len() < width || extra {
            return Err(Remark {
                column: String::new(),
                reason: format!("The row has {} cells, the header has {width}", cells.len()),
            });
        }
        for (cell, column) in cells.iter().zip(&self.mapping.columns) {
            if cell.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
                return Err(Remark {
                    column: column.clone(),
                    reason: "There are characters in it that are not text".to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Reads one field. Empty cells and what people write for "nothing" are nothing.
    fn read<T>(
        &self,
        field: Field,
        cells: &[String],
        read: impl FnOnce(&str) -> Result<Option<T>, String>,
    ) -> Result<Option<T>, Remark> {
        let Some((column, cell)) = self.mapping.cell(field, cells) else {
            return Ok(None);
        };
        let cell = plain(cell);
        if is_nothing(cell) {
            return Ok(None);
        }
        read(cell).map_err(|reason| Remark {
            column: column.to_owned(),
            reason,
        })
    }

    fn name(&self, cells: &[String]) -> Result<Option<FullName>, Remark> {
        // Somebody may well be called Na or Null.
        let part = |field| match self.mapping.cell(field, cells) {
            None => Ok(None),
            Some((column, cell)) => within(plain(cell), names::LONGEST_NAME)
                .map(|n| Some(n).filter(|n| !n.is_empty()))
                .map_err(|reason| Remark {
                    column: column.to_owned(),
                    reason,
                }),
        };
        let (first, last) = (part(Field::FirstName)?, part(Field::LastName)?);
        if first.is_some() || last.is_some() {
            let (first, last) = (first.unwrap_or_default(), last.unwrap_or_default());
            let full = format!("{first} {last}").trim().to_owned();
            return Ok(Some(FullName {
                full,
                first,
                last,
                in_parts: true,
            }));
        }
        Ok(part(Field::Name)?.map(|full| {
            let (first, last) = names::split(&full);
            FullName {
                full,
                first,
                last,
                in_parts: false,
            }
        }))
    }

    fn phone(&self, cells: &[String]) -> (Option<Phone>, Option<Remark>) {
        for field in [Field::Phone, Field::OtherPhone] {
            let Some((column, cell)) = self.mapping.cell(field, cells) else {
                continue;
            };
            let cell = plain(cell);
            if is_nothing(cell) {
                continue;
            }
            let phone = phone::read(cell, &self.country);
            let noted = phone.as_ref().filter(|p| p.e164.is_none()).map(|_| Remark {
                column: column.to_owned(),
                reason: "This can't be read as a phone number; it is kept as typed".to_owned(),
            });
            return (phone, noted);
        }
        (None, None)
    }

    fn notes(&self, cells: &[String]) -> Result<Option<String>, Remark> {
        self.read(Field::Notes, cells, |typed| {
            let notes = names::clean_lines(typed);
            if notes.chars().count() > LONGEST_NOTES {
                return Err("This is longer than 10,000 characters".to_owned());
            }
            Ok(Some(notes).filter(|n| !n.is_empty()))
        })
    }

    /// The wish about email. Where both kinds of column are there, a no counts more than a yes.
    fn said(&self, line: u64, cells: &[String]) -> Result<Option<Said>, Remark> {
        let agreed = self.wish(Field::EmailConsent, line, cells, false)?;
        let left = self.wish(Field::EmailOptOut, line, cells, true)?;
        Ok(match (agreed, left) {
            (Some(agreed), Some(left)) if agreed.wish == Wish::Grant => {
                Some(left).filter(|l| l.wish == Wish::Withdraw).or(Some(agreed))
            }
            (Some(said), _) => Some(said),
            // Not to have left is no agreement.
            (None, left) => left.filter(|l| l.wish == Wish::Withdraw),
        })
    }

    fn wish(&self, field: Field, line: u64, cells: &[String], inverted: bool) -> Result<Option<Said>, Remark> {
        let Some(yes) = self.read(field, cells, yes_or_no)? else {
            return Ok(None);
        };
        let (column, cell) = self.mapping.cell(field, cells).unwrap_or_default();
        let value: String = names::clean(cell).chars().take(100).collect();
        Ok(Some(Said {
            wish: if yes != inverted { Wish::Grant } else { Wish::Withdraw },
            column: column.to_owned(),
            evidence: format!(
                "File {}, line {line}, column \"{column}\", value \"{value}\"",
                self.file_name
            ),
        }))
    }
}

/// Spreadsheets put an apostrophe before what they would take for a formula or a number.
fn plain(cell: &str) -> &str {
    let cell = cell.trim();
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(|c: char| "=+-@".contains(c) || c.is_ascii_digit()) => rest,
        _ => cell,
    }
}

fn is_nothing(cell: &str) -> bool {
    matches!(
        cell.to_lowercase().as_str(),
        "" | "-" | "--" | "n/a" | "na" | "none" | "null" | "nil" | "unknown" | "no email" | "no phone"
    )
}

fn yes_or_no(cell: &str) -> Result<Option<bool>, String> {
    match cell.to_lowercase().as_str() {
        "yes" | "y" | "true" | "1" | "subscribed" | "opted in" | "opted_in" | "opt in" | "granted" | "accepted" => {
            Ok(Some(true))
        }
        "no" | "n" | "false" | "0" | "unsubscribed" | "not subscribed" | "not_subscribed" | "opted out"
        | "opted_out" | "opt out" | "withdrawn" | "declined" => Ok(Some(false)),
        // Asked, but not answered.
        "pending" => Ok(None),
        _ => Err("This is neither yes nor no".to_owned()),
    }
}

fn within(text: &str, longest: usize) -> Result<String, String> {
    let text = names::clean(text);
    if text.chars().count() > longest {
        return Err(format!("This is longer than {longest} characters"));
    }
    Ok(text)
}

fn tags(typed: &str) -> Result<Option<Vec<String>>, String> {
    let tags = names::tags(typed);
    if tags.iter().any(|t| t.chars().count() > names::LONGEST_TAG) {
        return Err("A tag is longer than 60 characters".to_owned());
    }
    Ok(Some(tags))
}
