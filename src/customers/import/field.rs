//! What a column of a file can be.

use serde::{Deserialize, Serialize};

/// What a column can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    ExternalId,
    Name,
    FirstName,
    LastName,
    /// Such as the "de" of "de Vries", where a program keeps it apart.
    BeforeLastName,
    /// Stands in for a name.
    Company,
    Email,
    Phone,
    /// Used where the first phone column is empty.
    OtherPhone,
    Tags,
    EmailConsent,
    /// The same, told the other way round: a yes, a reason or a date withdraws.
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
    pub const ALL: [Field; 22] = [
        Field::Name,
        Field::FirstName,
        Field::LastName,
        Field::BeforeLastName,
        Field::Company,
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
            Field::BeforeLastName => "before_last_name",
            Field::Company => "company",
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
            Field::BeforeLastName => "Before the last name (de, van)",
            Field::Company => "Company, where there is no name",
            Field::Email => "Email",
            Field::Phone => "Phone",
            Field::OtherPhone => "Phone, if the first is empty",
            Field::Tags => "Tags",
            Field::EmailConsent => "Agreed to marketing email (yes/no)",
            Field::EmailOptOut => "Unsubscribed from email (yes/no, a date or a reason)",
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

    /// Whether it is the day of something.
    pub fn is_day(self) -> bool {
        matches!(
            self,
            Field::Birthday | Field::PartnerBirthday | Field::Anniversary | Field::LastVisit | Field::Since
        )
    }
}
