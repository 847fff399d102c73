//! What the columns of a file are. Known exports map themselves by their headers.

use serde::{Deserialize, Serialize};

use super::{
    ImportProblem,
    field::Field,
    headers::{field_of, key_of, may_be_consent},
};
use crate::customers::dates::DayOrder;

/// Which program wrote the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Shopify,
    Square,
    Mailchimp,
    Klaviyo,
    HubSpot,
    Lightspeed,
    Plain,
}

impl Kind {
    pub fn label(self) -> &'static str {
        match self {
            Kind::Shopify => "Shopify customer export",
            Kind::Square => "Square customer export",
            Kind::Mailchimp => "Mailchimp audience export",
            Kind::Klaviyo => "Klaviyo profile export",
            Kind::HubSpot => "HubSpot contact export",
            Kind::Lightspeed => "Lightspeed customer export",
            Kind::Plain => "CSV file",
        }
    }

    /// What stands before an id of that program: two programs may use the same ids.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Kind::Shopify => "shopify:",
            Kind::Square => "square:",
            Kind::Mailchimp => "mailchimp:",
            Kind::Klaviyo => "klaviyo:",
            Kind::HubSpot => "hubspot:",
            Kind::Lightspeed => "lightspeed:",
            Kind::Plain => "",
        }
    }

    fn of(keys: &[String]) -> Self {
        let has = |header: &str| keys.iter().any(|h| h == header);
        if has("squarecustomerid") || (has("referenceid") && has("emailaddress")) {
            Kind::Square
        } else if has("acceptsemailmarketing") || (has("acceptsmarketing") && has("totalspent")) {
            Kind::Shopify
        } else if has("euid") && has("leid") {
            Kind::Mailchimp
        } else if has("klaviyoid") {
            Kind::Klaviyo
        } else if has("recordid") {
            Kind::HubSpot
        } else if has("internalid") {
            Kind::Lightspeed
        } else {
            Kind::Plain
        }
    }
}

/// The columns of a file and what each is; a column that is nothing is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    pub kind: Kind,
    pub columns: Vec<String>,
    pub fields: Vec<Option<Field>>,
    /// Columns that may say who wants no mail, while nobody has said what they are.
    #[serde(default)]
    pub undecided: Vec<usize>,
    /// What comes first in dates where the column itself does not show it.
    #[serde(default)]
    pub day_order: Option<DayOrder>,
    /// Everybody in the file has unsubscribed.
    #[serde(default)]
    pub unsubscribed: bool,
}

/// What a person says of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    Field(Field),
    LeftOut,
    /// Nothing yet.
    Undecided,
}

impl Mapping {
    /// What the headers say by themselves.
    pub fn of_headers(columns: &[String]) -> Self {
        let keys: Vec<String> = columns.iter().map(|c| key_of(c)).collect();
        let kind = Kind::of(&keys);
        let mut fields: Vec<Option<Field>> = Vec::with_capacity(columns.len());
        for key in &keys {
            // Ids of two kinds would make one person of two.
            let again = |f: &Field| *f == Field::ExternalId && fields.contains(&Some(*f));
            let field = field_of(key).filter(|f| !again(f));
            fields.push(field);
        }
        // The shop's own reference, where the file has no better id.
        if kind == Kind::Square
            && !fields.contains(&Some(Field::ExternalId))
            && let Some(at) = keys.iter().position(|h| h == "referenceid")
            && let Some(slot) = fields.get_mut(at)
        {
            *slot = Some(Field::ExternalId);
        }
        let with_opt_out = fields.contains(&Some(Field::EmailOptOut));
        let asks = |at: &usize| {
            let known = fields.get(*at).copied().flatten().is_some();
            !known && columns.get(*at).is_some_and(|c| may_be_consent(c, with_opt_out))
        };
        Self {
            kind,
            columns: columns.to_vec(),
            undecided: (0..columns.len()).filter(asks).collect(),
            fields,
            day_order: None,
            unsubscribed: false,
        }
    }

    /// The same columns with what a person chose for each.
    pub fn with(mut self, choices: &[Choice]) -> Result<Self, ImportProblem> {
        if choices.len() != self.columns.len() {
            return Err(ImportProblem::OtherFile);
        }
        for (at, choice) in choices.iter().enumerate() {
            self.choose(at, *choice);
        }
        Ok(self)
    }

    /// Says what one column is.
    pub fn choose(&mut self, at: usize, choice: Choice) {
        if let Some(slot) = self.fields.get_mut(at) {
            *slot = match choice {
                Choice::Field(field) => Some(field),
                Choice::LeftOut | Choice::Undecided => None,
            };
        }
        self.undecided.retain(|u| *u != at || choice == Choice::Undecided);
    }

    /// Somebody must be named, and by one id at most.
    pub fn check(&self) -> Result<(), ImportProblem> {
        let ids = self.fields.iter().flatten().filter(|f| **f == Field::ExternalId);
        if ids.count() > 1 {
            return Err(ImportProblem::Twice(Field::ExternalId.label()));
        }
        let names = [
            Field::Name,
            Field::FirstName,
            Field::LastName,
            Field::Company,
            Field::Email,
        ];
        if names.into_iter().any(|name| self.has(name)) {
            Ok(())
        } else {
            Err(ImportProblem::NobodyNamed)
        }
    }

    /// Whether a column is this.
    pub fn has(&self, field: Field) -> bool {
        self.fields.contains(&Some(field))
    }

    /// What to know before importing: nobody could be written to.
    pub fn warning(&self) -> Option<&'static str> {
        if self.has(Field::Email) {
            return None;
        }
        Some(if self.has(Field::Phone) || self.has(Field::OtherPhone) {
            "No column is an email address: nobody new could be written to by email."
        } else {
            "No column is an email address or a phone number: nobody new could be written to."
        })
    }

    /// The columns that nobody has said anything of, by name.
    pub fn undecided_names(&self) -> Vec<&str> {
        let name = |at: &usize| self.columns.get(*at).map(String::as_str);
        self.undecided.iter().filter_map(name).collect()
    }

    /// The cells that are this in a row, each with its column.
    pub(super) fn cells<'a>(&'a self, field: Field, cells: &'a [String]) -> impl Iterator<Item = (usize, &'a str)> {
        let is = move |at: &usize| self.fields.get(*at).is_some_and(|f| *f == Some(field));
        (0..cells.len().min(self.fields.len()))
            .filter(is)
            .filter_map(|at| Some((at, cells.get(at)?.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(header: &str) -> Mapping {
        Mapping::of_headers(&header.split(',').map(str::to_owned).collect::<Vec<_>>())
    }

    fn mapped(header: &str) -> Vec<(String, &'static str)> {
        let mapping = of(header);
        mapping
            .columns
            .iter()
            .zip(&mapping.fields)
            .filter_map(|(c, f)| f.map(|f| (c.clone(), f.key())))
            .collect()
    }

    #[test]
    fn columns_of_one_kind_fill_in_for_each_other_but_ids() {
        assert_eq!(
            mapped("Email,E-mail 2 - Value,Shoe size"),
            [("Email".to_owned(), "email"), ("E-mail 2 - Value".to_owned(), "email")]
        );
        assert_eq!(mapped("Klaviyo ID,ID"), [("Klaviyo ID".to_owned(), "external_id")]);
        assert!(matches!(of("Phone,Tags").check(), Err(ImportProblem::NobodyNamed)));
        let id = Choice::Field(Field::ExternalId);
        let twice = of("a,b,name").with(&[id, id, Choice::Field(Field::Name)]);
        assert!(twice.is_ok_and(|m| matches!(m.check(), Err(ImportProblem::Twice(_)))));
        assert!(matches!(of("a,b").with(&[id]), Err(ImportProblem::OtherFile)));
    }

    #[test]
    fn a_column_that_may_be_a_no_waits_for_an_answer() {
        let mut mapping = of("name,email,GDPR,UNSUB_REASON,UNSUB_TIME");
        assert_eq!(mapping.undecided_names(), ["GDPR"]);
        mapping.choose(2, Choice::Undecided);
        assert_eq!(mapping.undecided, [2]);
        mapping.choose(2, Choice::LeftOut);
        assert!(mapping.undecided.is_empty());
        assert_eq!(of("name,UNSUB_REASON").undecided, [1]);
    }

    #[test]
    fn nobody_to_write_to_is_said_before() {
        assert!(of("name,email").warning().is_none());
        assert!(of("name,mobile").warning().is_some_and(|w| !w.contains("phone")));
        assert!(of("name,Kanal").warning().is_some_and(|w| w.contains("phone")));
    }
}
