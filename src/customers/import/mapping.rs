//! What the columns of a file are. Known exports map themselves by their headers.

use serde::{Deserialize, Serialize};

use super::ImportProblem;

/// What a column can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    ExternalId,
    Name,
    FirstName,
    LastName,
    Email,
    Phone,
    /// Used where the first phone column is empty.
    OtherPhone,
    Tags,
    EmailConsent,
    /// The same, told the other way round: a yes withdraws.
    EmailOptOut,
    WhatsappConsent,
    Birthday,
    PartnerName,
    PartnerBirthday,
    Anniversary,
    Notes,
    Spent,
    LastVisit,
    Since,
    Vip,
}

impl Field {
    pub const ALL: [Field; 20] = [
        Field::Name,
        Field::FirstName,
        Field::LastName,
        Field::Email,
        Field::Phone,
        Field::OtherPhone,
        Field::Tags,
        Field::EmailConsent,
        Field::EmailOptOut,
        Field::WhatsappConsent,
        Field::Birthday,
        Field::PartnerName,
        Field::PartnerBirthday,
        Field::Anniversary,
        Field::Notes,
        Field::Spent,
        Field::LastVisit,
        Field::Since,
        Field::Vip,
        Field::ExternalId,
    ];

    /// The word in forms and in the database.
    pub fn key(self) -> &'static str {
        match self {
            Field::ExternalId => "external_id",
            Field::Name => "name",
            Field::FirstName => "first_name",
            Field::LastName => "last_name",
            Field::Email => "email",
            Field::Phone => "phone",
            Field::OtherPhone => "other_phone",
            Field::Tags => "tags",
            Field::EmailConsent => "email_consent",
            Field::EmailOptOut => "email_opt_out",
            Field::WhatsappConsent => "whatsapp_consent",
            Field::Birthday => "birthday",
            Field::PartnerName => "partner_name",
            Field::PartnerBirthday => "partner_birthday",
            Field::Anniversary => "anniversary",
            Field::Notes => "notes",
            Field::Spent => "spent",
            Field::LastVisit => "last_visit",
            Field::Since => "since",
            Field::Vip => "vip",
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.key() == key)
    }

    /// As the page offers it.
    pub fn label(self) -> &'static str {
        match self {
            Field::ExternalId => "ID in the other program",
            Field::Name => "Full name",
            Field::FirstName => "First name",
            Field::LastName => "Last name",
            Field::Email => "Email",
            Field::Phone => "Phone",
            Field::OtherPhone => "Phone, if the first is empty",
            Field::Tags => "Tags",
            Field::EmailConsent => "Agreed to marketing email (yes/no)",
            Field::EmailOptOut => "Unsubscribed from email (yes/no)",
            Field::WhatsappConsent => "Agreed to WhatsApp (yes/no)",
            Field::Birthday => "Birthday",
            Field::PartnerName => "Partner's name",
            Field::PartnerBirthday => "Partner's birthday",
            Field::Anniversary => "Wedding anniversary",
            Field::Notes => "Notes",
            Field::Spent => "Spent so far",
            Field::LastVisit => "Last visit",
            Field::Since => "Customer since",
            Field::Vip => "VIP (yes/no)",
        }
    }

    /// What a folded header means.
    fn of_header(header: &str) -> Option<Self> {
        Some(match header {
            "square customer id" | "customer id" | "external id" | "id" => Field::ExternalId,
            "name" | "full name" | "customer name" | "customer" => Field::Name,
            "first name" | "firstname" | "given name" => Field::FirstName,
            "last name" | "lastname" | "surname" | "family name" => Field::LastName,
            "email" | "email address" | "e mail" | "e mail address" => Field::Email,
            "phone" | "phone number" | "mobile" | "mobile number" | "mobile phone" | "telephone" | "cell" => {
                Field::Phone
            }
            "default address phone" | "other phone" => Field::OtherPhone,
            "tags" | "tag" => Field::Tags,
            "accepts email marketing"
            | "accepts marketing"
            | "email marketing"
            | "email consent"
            | "email opt in"
            | "marketing consent"
            | "email subscription status"
            | "newsletter" => Field::EmailConsent,
            "email unsubscribed" | "unsubscribed" | "email opt out" => Field::EmailOptOut,
            "accepts whatsapp marketing" | "whatsapp consent" | "whatsapp opt in" => Field::WhatsappConsent,
            "birthday" | "birth date" | "date of birth" | "dob" => Field::Birthday,
            "partner" | "partner name" | "spouse" | "spouse name" => Field::PartnerName,
            "partner birthday" | "partner s birthday" | "spouse birthday" => Field::PartnerBirthday,
            "anniversary" | "wedding anniversary" | "wedding date" => Field::Anniversary,
            "note" | "notes" | "memo" | "comment" | "comments" => Field::Notes,
            "total spent" | "total spend" | "lifetime spend" | "lifetime value" => Field::Spent,
            "last visit" => Field::LastVisit,
            "first visit" | "customer since" | "created at" => Field::Since,
            "vip" => Field::Vip,
            _ => return None,
        })
    }
}

/// Which program wrote the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Shopify,
    Square,
    Plain,
}

impl Kind {
    pub fn label(self) -> &'static str {
        match self {
            Kind::Shopify => "Shopify customer export",
            Kind::Square => "Square customer export",
            Kind::Plain => "CSV file",
        }
    }

    /// What stands before an id of that program: two programs may use the same ids.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Kind::Shopify => "shopify:",
            Kind::Square => "square:",
            Kind::Plain => "",
        }
    }

    fn of(folded: &[String]) -> Self {
        let has = |header: &str| folded.iter().any(|h| h == header);
        if has("square customer id") || (has("reference id") && has("email address")) {
            Kind::Square
        } else if has("accepts email marketing") || (has("accepts marketing") && has("total spent")) {
            Kind::Shopify
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
}

impl Mapping {
    /// What the headers say by themselves.
    pub fn of_headers(columns: &[String]) -> Self {
        let folded: Vec<String> = columns.iter().map(|c| fold(c)).collect();
        let kind = Kind::of(&folded);
        let mut fields: Vec<Option<Field>> = Vec::with_capacity(columns.len());
        for header in &folded {
            let field = Field::of_header(header).filter(|f| !fields.contains(&Some(*f)));
            fields.push(field);
        }
        // The shop's own reference, where the file has no better id.
        if kind == Kind::Square
            && !fields.contains(&Some(Field::ExternalId))
            && let Some(at) = folded.iter().position(|h| h == "reference id")
            && let Some(slot) = fields.get_mut(at)
        {
            *slot = Some(Field::ExternalId);
        }
        Self {
            kind,
            columns: columns.to_vec(),
            fields,
        }
    }

    /// The same columns with what a person chose for each.
    pub fn with(mut self, fields: Vec<Option<Field>>) -> Result<Self, ImportProblem> {
        if fields.len() != self.columns.len() {
            return Err(ImportProblem::OtherFile);
        }
        self.fields = fields;
        self.check()?;
        Ok(self)
    }

    /// Somebody must be named, and no two columns be the same thing.
    pub fn check(&self) -> Result<(), ImportProblem> {
        let mut seen = Vec::new();
        for field in self.fields.iter().flatten() {
            if seen.contains(field) {
                return Err(ImportProblem::Twice(field.label()));
            }
            seen.push(*field);
        }
        let names = [Field::Name, Field::FirstName, Field::LastName, Field::Email];
        if names.iter().any(|n| seen.contains(n)) {
            Ok(())
        } else {
            Err(ImportProblem::NobodyNamed)
        }
    }

    /// The cell of a field in a row, with the name of its column.
    pub(super) fn cell<'a>(&'a self, field: Field, cells: &'a [String]) -> Option<(&'a str, &'a str)> {
        let at = self.fields.iter().position(|f| *f == Some(field))?;
        Some((self.columns.get(at)?, cells.get(at)?))
    }
}

/// Lower case, with single spaces for everything that is no letter or digit.
fn fold(header: &str) -> String {
    let words: Vec<String> = header
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.join(" ")
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
    fn a_column_is_one_thing_and_somebody_is_named() {
        assert_eq!(mapped("Email,E-mail,Shoe size"), [("Email".to_owned(), "email")]);
        assert!(matches!(of("Phone,Tags").check(), Err(ImportProblem::NobodyNamed)));
        let twice = of("a,b").with(vec![Some(Field::Email), Some(Field::Email)]);
        assert!(matches!(twice, Err(ImportProblem::Twice("Email"))));
        assert!(matches!(of("a,b").with(vec![None]), Err(ImportProblem::OtherFile)));
    }
}
