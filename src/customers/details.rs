//! What is known of one customer, cleaned and checked.

use super::{
    model::{CustomerForm, YearlyDate},
    names,
    phone::{self, Phone},
};
use crate::{channels::email::address::EmailAddress, error::Problem};

/// Longest email text kept, in characters: addresses end at 254, a mistake may be longer.
const LONGEST_EMAIL: usize = 300;

/// An email address: as typed, folded for comparing, and whether mail can go there. What can't
/// be read is kept, so that somebody can correct it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    pub typed: String,
    pub norm: String,
    pub valid: bool,
}

impl Email {
    /// Nothing typed is no address.
    pub fn read(typed: &str) -> Option<Self> {
        let typed = crate::text::clean(typed);
        if typed.is_empty() {
            return None;
        }
        Some(match EmailAddress::parse(&typed) {
            Ok(address) => Email {
                typed: address.as_str().to_owned(),
                norm: address.normalised(),
                valid: true,
            },
            Err(_) => Email {
                norm: typed.to_lowercase(),
                typed,
                valid: false,
            },
        })
    }
}

/// Everything about a customer that a form or a file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    pub name: String,
    pub first_name: String,
    pub last_name: String,
    pub email: Option<Email>,
    pub phone: Option<Phone>,
    pub is_vip: bool,
    pub birthday: Option<YearlyDate>,
    pub partner_name: String,
    pub partner_birthday: Option<YearlyDate>,
    pub anniversary: Option<YearlyDate>,
    pub do_not_contact: bool,
}

impl Details {
    /// A customer with this name, split into first and last, and nothing else.
    pub fn named(name: &str) -> Self {
        let name: String = crate::text::clean(name).chars().take(names::LONGEST_NAME).collect();
        let (first_name, last_name) = names::split(&name);
        Self {
            name,
            first_name,
            last_name,
            ..Self::default()
        }
    }

    /// With this email address.
    pub fn with_email(mut self, typed: &str) -> Self {
        self.email = Email::read(typed);
        self
    }

    /// With this phone number, as written in this country.
    pub fn with_phone(mut self, typed: &str, country: &str) -> Self {
        self.phone = phone::read(typed, country);
        self
    }

    pub fn name_key(&self) -> String {
        names::name_key(&self.name)
    }

    /// From a form, or what there is to mend in it.
    pub fn from_form(form: &CustomerForm, country: &str) -> Result<(Self, Vec<String>), Vec<Problem>> {
        let mut problems = Vec::new();
        let name = crate::text::clean(&form.name);
        match name.chars().count() {
            0 => problems.push(Problem::new("name", "Enter the customer's name")),
            n if n > names::LONGEST_NAME => {
                problems.push(Problem::new("name", "Shorten the name to 200 characters"));
            }
            _ => {}
        }
        if form.email.chars().count() > LONGEST_EMAIL {
            problems.push(Problem::new("email", "An email address has at most 254 characters"));
        }
        if crate::text::clean(&form.partner_name).chars().count() > names::LONGEST_NAME {
            problems.push(Problem::new(
                "partner-name",
                "Shorten the partner's name to 200 characters",
            ));
        }
        let tags = tags_of(&form.tags).unwrap_or_else(|words| {
            problems.push(Problem::new("tags", words));
            Vec::new()
        });
        let mut day = |what: &str, field: &str, day: &str, month: &str, year: &str| {
            let (day, month, year) = (day.trim(), month.trim(), year.trim());
            if day.is_empty() && month.is_empty() && year.is_empty() {
                return None;
            }
            let date = day.parse().ok().zip(month.parse().ok()).and_then(|(day, month)| {
                let year = if year.is_empty() {
                    None
                } else {
                    Some(year.parse().ok()?)
                };
                YearlyDate::new(month, day, year)
            });
            if date.is_none() {
                problems.push(Problem::new(
                    field,
                    format!("Enter a day and a month that exist for the {what}"),
                ));
            }
            date
        };
        let birthday = day(
            "birthday",
            "birthday-day",
            &form.birthday_day,
            &form.birthday_month,
            &form.birthday_year,
        );
        let partner_birthday = day(
            "partner's birthday",
            "partner-birthday-day",
            &form.partner_birthday_day,
            &form.partner_birthday_month,
            "",
        );
        let anniversary = day(
            "anniversary",
            "anniversary-day",
            &form.anniversary_day,
            &form.anniversary_month,
            &form.anniversary_year,
        );
        if !problems.is_empty() {
            return Err(problems);
        }
        let details = Self {
            is_vip: form.is_vip,
            birthday,
            partner_name: crate::text::clean(&form.partner_name),
            partner_birthday,
            anniversary,
            do_not_contact: form.do_not_contact,
            ..Self::named(&name)
        }
        .with_email(&form.email)
        .with_phone(&form.phone, country);
        Ok((details, tags))
    }
}

/// The tags of a form, or why there are not so many.
fn tags_of(typed: &str) -> Result<Vec<String>, &'static str> {
    const TOO_MANY: &str = "A customer has at most 50 tags. Take some away";
    // With room for what is written between them.
    if typed.chars().count() > 2 * names::MOST_TAGS * names::LONGEST_TAG {
        return Err(TOO_MANY);
    }
    let tags = names::tags(typed);
    if tags.len() > names::MOST_TAGS {
        return Err(TOO_MANY);
    }
    if tags.iter().any(|t| t.chars().count() > names::LONGEST_TAG) {
        return Err("Shorten each tag to 60 characters");
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_cant_be_read_is_kept_as_typed() {
        let bad = Email::read(" Amara@ ");
        assert_eq!(
            bad,
            Some(Email {
                typed: "Amara@".into(),
                norm: "amara@".into(),
                valid: false
            })
        );
        assert!(Email::read("Amara@Example.com").is_some_and(|e| e.valid && e.norm == "amara@example.com"));
        assert_eq!(Email::read(" \t"), None);
    }

    #[test]
    fn every_mistake_of_a_form_is_named() {
        let form = CustomerForm {
            birthday_day: "31".into(),
            birthday_month: "2".into(),
            anniversary_day: "5".into(),
            ..CustomerForm::default()
        };
        let fields: Vec<String> = Details::from_form(&form, "AU")
            .err()
            .unwrap_or_default()
            .into_iter()
            .map(|p| p.field)
            .collect();
        assert_eq!(fields, ["name", "birthday-day", "anniversary-day"]);
    }
}
