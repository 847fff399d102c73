//! The segments every store has.

/// The eight groups that come with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SystemSegment {
    /// The top tenth by spend, of those who spent anything.
    Vip,
    /// In the book for at most 30 days.
    New,
    /// No accepted message, purchase, repair or visit for 90 days; never any counts too.
    Inactive,
    /// Bought before, but not in the last 6 months.
    Lapsed,
    /// A repair is open.
    ActiveRepairs,
    /// A single purchase over 1,000 in the store's currency.
    HighValue,
    BirthdayThisMonth,
    AnniversaryThisMonth,
}

impl SystemSegment {
    pub const ALL: [SystemSegment; 8] = [
        SystemSegment::Vip,
        SystemSegment::New,
        SystemSegment::Inactive,
        SystemSegment::Lapsed,
        SystemSegment::ActiveRepairs,
        SystemSegment::HighValue,
        SystemSegment::BirthdayThisMonth,
        SystemSegment::AnniversaryThisMonth,
    ];

    /// The word in the database.
    pub fn key(self) -> &'static str {
        match self {
            SystemSegment::Vip => "vip",
            SystemSegment::New => "new",
            SystemSegment::Inactive => "inactive",
            SystemSegment::Lapsed => "lapsed",
            SystemSegment::ActiveRepairs => "active_repairs",
            SystemSegment::HighValue => "high_value",
            SystemSegment::BirthdayThisMonth => "birthday_this_month",
            SystemSegment::AnniversaryThisMonth => "anniversary_this_month",
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.key() == key)
    }

    /// As the picker shows it.
    pub fn name(self) -> &'static str {
        match self {
            SystemSegment::Vip => "VIP",
            SystemSegment::New => "New",
            SystemSegment::Inactive => "Inactive 90+ days",
            SystemSegment::Lapsed => "Lapsed",
            SystemSegment::ActiveRepairs => "Active repairs",
            SystemSegment::HighValue => "High value",
            SystemSegment::BirthdayThisMonth => "Birthday this month",
            SystemSegment::AnniversaryThisMonth => "Anniversary this month",
        }
    }

    /// The rule in words.
    pub fn rule(self) -> &'static str {
        match self {
            SystemSegment::Vip => "The top 10 % of customers by what they have spent",
            SystemSegment::New => "Added in the last 30 days",
            SystemSegment::Inactive => "No message, purchase, repair or visit for 90 days",
            SystemSegment::Lapsed => "Bought before, but not in the last 6 months",
            SystemSegment::ActiveRepairs => "A repair is open",
            SystemSegment::HighValue => "A purchase over 1,000 in the store's currency",
            SystemSegment::BirthdayThisMonth => "Birthday in this calendar month",
            SystemSegment::AnniversaryThisMonth => "Wedding anniversary in this calendar month",
        }
    }
}
