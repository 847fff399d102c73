//! What a row says about a person, or why it can't be trusted.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{
    address_cell,
    cells::{Cells, Filled, within},
    consent_words::yes_or_no,
    field::Field,
    mapping::Mapping,
};
use crate::{
    consent::model::Wish,
    customers::{
        dates::{self, DateStyle, DayOrder},
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
pub(super) struct ParsedRow {
    pub line: u64,
    pub external_id: Option<String>,
    pub name: Option<FullName>,
    pub email: Option<Email>,
    pub phone: Option<Phone>,
    pub tags: Vec<String>,
    pub email_consent: Option<ConsentClaim>,
    pub whatsapp_consent: Option<ConsentClaim>,
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
pub(super) struct ConsentClaim {
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
    /// The order of day and month of each column that has dates.
    pub orders: Vec<Option<DayOrder>>,
    pub this_year: i64,
}

impl Reading {
    /// The person of a row with what to note about it, or why the row is refused.
    pub(super) fn candidate(&self, line: u64, cells: &[String]) -> Result<(ParsedRow, Option<Remark>), Remark> {
        let mut row = Cells::of(self, line, cells)?;
        let name = row.name()?;
        let phone = row.phone();
        let email = row.email(name.is_some() && phone.as_ref().is_some_and(|p| p.e164.is_some()))?;
        if name.is_none() && email.is_none() {
            return Err(Remark {
                column: String::new(),
                reason: "There is no name and no email address".to_owned(),
            });
        }
        let candidate = ParsedRow {
            line,
            external_id: row.first(Field::ExternalId, |id| {
                within(id.text, LONGEST_ID).map(|id| Some(format!("{}{id}", self.mapping.kind.prefix())))
            }),
            name,
            email_consent: row.email_consent(email.is_some()),
            email,
            phone,
            tags: row.tags(),
            whatsapp_consent: row.whatsapp_consent(),
            birthday: row.yearly(Field::Birthday),
            partner_name: row.first(Field::PartnerName, |n| within(n.text, names::LONGEST_NAME).map(Some)),
            partner_birthday: row
                .yearly(Field::PartnerBirthday)
                .map(|d| YearlyDate { year: None, ..d }),
            anniversary: row.yearly(Field::Anniversary),
            notes: row.notes(),
            spent_cents: row.first(Field::Spent, |typed| match money::parse_cents(typed.text) {
                Some(cents) => Ok(Some(cents)),
                None if typed.text.starts_with('-') => Err("This amount is below zero".to_owned()),
                None => Err("This can't be read as an amount".to_owned()),
            }),
            last_visit_at: row.moment(Field::LastVisit),
            since: row.moment(Field::Since),
            vip: row.first(Field::Vip, |typed| yes_or_no(typed.text)),
        };
        Ok((candidate, row.told()))
    }

    fn style(&self, column: usize) -> DateStyle {
        DateStyle {
            order: self.orders.get(column).copied().flatten(),
            this_year: self.this_year,
        }
    }
}

impl Cells<'_> {
    /// The name: by its parts, else whole, else that of the company.
    fn name(&self) -> Result<Option<FullName>, Remark> {
        let part = |field| -> Result<Option<String>, Remark> {
            let Some(cell) = self.written(field).into_iter().next() else {
                return Ok(None);
            };
            let name = within(cell.text, names::LONGEST_NAME).map_err(|reason| cell.refused(reason))?;
            Ok(Some(name).filter(|n| !n.is_empty()))
        };
        let (first, last) = (part(Field::FirstName)?, part(Field::LastName)?);
        if first.is_some() || last.is_some() {
            let last = [part(Field::BeforeLastName)?.filter(|_| last.is_some()), last];
            let last: Vec<String> = last.into_iter().flatten().collect();
            let (first, last) = (first.unwrap_or_default(), last.join(" "));
            return Ok(Some(FullName {
                full: format!("{first} {last}").trim().to_owned(),
                first,
                last,
                in_parts: true,
            }));
        }
        if let Some(full) = part(Field::Name)? {
            let (first, last) = names::split(&full);
            return Ok(Some(FullName {
                full,
                first,
                last,
                in_parts: false,
            }));
        }
        // Nobody is greeted with the name of a company.
        Ok(part(Field::Company)?.map(|full| FullName {
            full,
            first: String::new(),
            last: String::new(),
            in_parts: false,
        }))
    }

    /// The first address that can be read. Where there is none, the row is refused, unless the
    /// person can be reached without it.
    fn email(&mut self, reachable: bool) -> Result<Option<Email>, Remark> {
        let mut unreadable: Vec<(Filled<'_>, String)> = Vec::new();
        let mut found = None;
        for cell in self.filled(Field::Email) {
            match address_cell::read(cell.text) {
                Ok(addresses) => {
                    found = Some((cell, addresses));
                    break;
                }
                Err(reason) => unreadable.push((cell, reason)),
            }
        }
        if let (None, false, Some((cell, reason))) = (&found, reachable, unreadable.first()) {
            return Err(cell.refused(reason.clone()));
        }
        for (cell, reason) in unreadable {
            self.tell(cell.column, format!("{reason}; it is left out"));
        }
        Ok(found.map(|(cell, addresses)| {
            if addresses.more {
                let kept = &addresses.email.typed;
                self.tell(cell.column, format!("There are several addresses; {kept} is kept"));
            }
            addresses.email
        }))
    }

    /// The first number that can be read, else the first as typed.
    fn phone(&mut self) -> Option<Phone> {
        let mut cells = self.filled(Field::Phone);
        cells.extend(self.filled(Field::OtherPhone));
        let country = &self.reading.country;
        let mut read = cells
            .iter()
            .filter_map(|cell| Some((cell, phone::read(cell.text, country)?)))
            .collect::<Vec<_>>()
            .into_iter();
        let first = read.next()?;
        if first.1.e164.is_some() {
            return Some(first.1);
        }
        let unread = "This can't be read as a phone number";
        if let Some((cell, phone)) = read.find(|(_, phone)| phone.e164.is_some()) {
            self.tell(first.0.column, format!("{unread}; that of {} is taken", cell.column));
            return Some(phone);
        }
        self.tell(first.0.column, format!("{unread}; it is kept as typed"));
        Some(first.1)
    }

    /// The tags of every column of tags, the first fifty of them.
    fn tags(&mut self) -> Vec<String> {
        let mut tags: Vec<String> = Vec::new();
        for cell in self.filled(Field::Tags) {
            let (mut too_long, mut too_many) = (0, 0);
            for tag in tags_in(cell.text) {
                if tag.chars().count() > names::LONGEST_TAG {
                    too_long += 1;
                } else if !tags.contains(&tag) {
                    match tags.len() < names::MOST_TAGS {
                        true => tags.push(tag),
                        false => too_many += 1,
                    }
                }
            }
            if too_long > 0 {
                let words = format!("A tag has at most 60 characters; {too_long} with more left out");
                self.tell(cell.column, words);
            }
            if too_many > 0 {
                let words = format!("A customer has at most 50 tags; {too_many} left out");
                self.tell(cell.column, words);
            }
        }
        tags
    }

    /// Every column of notes, one below the other.
    fn notes(&mut self) -> Option<String> {
        let mut notes: Vec<String> = Vec::new();
        for cell in self.filled(Field::Notes) {
            let note = crate::text::clean_lines(cell.text);
            let length: usize = notes.iter().chain([&note]).map(|n| n.chars().count() + 2).sum();
            if length > LONGEST_NOTES {
                self.tell(
                    cell.column,
                    "The notes are longer than 10,000 characters; these are left out".to_owned(),
                );
            } else if !note.is_empty() && !notes.contains(&note) {
                notes.push(note);
            }
        }
        Some(notes.join("\n\n")).filter(|n| !n.is_empty())
    }

    fn yearly(&mut self, field: Field) -> Option<YearlyDate> {
        let reading = self.reading;
        self.first(field, |cell| {
            dates::yearly(cell.text, reading.style(cell.at)).map_err(|e| e.to_string())
        })
    }

    fn moment(&mut self, field: Field) -> Option<DateTime<Utc>> {
        let reading = self.reading;
        self.first(field, |cell| {
            dates::moment(cell.text, reading.style(cell.at), reading.zone).map_err(|e| e.to_string())
        })
    }
}

/// The tags of a cell. One program puts ` ::: ` between them and a star before its own.
fn tags_in(cell: &str) -> Vec<String> {
    if !cell.contains(":::") {
        return names::tags_as_written(cell);
    }
    cell.split(":::")
        .map(|tag| crate::text::clean(tag).to_lowercase())
        .filter(|tag| !tag.is_empty() && !tag.starts_with("* "))
        .collect()
}
