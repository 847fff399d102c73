//! What a store is.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::auth::model::StoreId;

/// One tenant.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Store {
    pub id: StoreId,
    pub slug: String,
    pub name: String,
    /// IANA name; see [`Store::zone`].
    pub time_zone: String,
    /// ISO 3166-1 alpha-2, for phone numbers without a country.
    pub country: String,
    /// ISO 4217.
    pub currency: String,
    pub from_name: String,
    pub from_email: String,
    pub reply_to: Option<String>,
    /// Postal footer of every message.
    pub footer: String,
    /// Seconds between Send now and the first message, 0 to 120.
    pub undo_seconds: i64,
    /// Whether marketing email needs an agreement on record.
    pub email_requires_opt_in: bool,
    /// Why not, in the owner's words.
    pub email_basis_reason: Option<String>,
    pub is_demo: bool,
    pub created_at: DateTime<Utc>,
}

impl Store {
    /// The store's time zone. A name that no longer exists reads as UTC; names are checked when
    /// they are set.
    pub fn zone(&self) -> Tz {
        self.time_zone.parse().unwrap_or(Tz::UTC)
    }
}

/// What a new store is made from.
#[derive(Clone, Debug)]
pub struct NewStore {
    pub slug: String,
    pub name: String,
    pub time_zone: String,
    pub country: String,
    pub currency: String,
    pub from_name: String,
    pub from_email: String,
    pub footer: String,
    pub is_demo: bool,
}
