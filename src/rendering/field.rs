//! The personal fields a message may use.

/// A personal field, written `{{key}}` in a subject or a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    FirstName,
    LastName,
    StoreName,
    NextAnniversary,
    StaffSignature,
}

impl Field {
    pub const ALL: [Field; 5] = [
        Field::FirstName,
        Field::LastName,
        Field::StoreName,
        Field::NextAnniversary,
        Field::StaffSignature,
    ];

    /// What is typed between the braces; also the key of its fallback.
    pub fn key(self) -> &'static str {
        match self {
            Field::FirstName => "first_name",
            Field::LastName => "last_name",
            Field::StoreName => "store_name",
            Field::NextAnniversary => "next_anniversary",
            Field::StaffSignature => "staff_signature",
        }
    }

    /// What the `Insert` menu calls it.
    pub fn label(self) -> &'static str {
        match self {
            Field::FirstName => "First name",
            Field::LastName => "Last name",
            Field::StoreName => "Store name",
            Field::NextAnniversary => "Next anniversary",
            Field::StaffSignature => "Staff signature",
        }
    }

    /// The field of a key, if there is one.
    pub fn from_key(key: &str) -> Option<Field> {
        Field::ALL.into_iter().find(|field| field.key() == key)
    }

    /// True when the value differs from person to person within one send.
    pub fn is_personal(self) -> bool {
        !matches!(self, Field::StoreName | Field::StaffSignature)
    }
}
