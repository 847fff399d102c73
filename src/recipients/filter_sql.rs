//! The one place that turns a filter into a condition.
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::auth::model::StoreId;

/// What a filter is evaluated against.
#[derive(Clone, Debug)]
pub struct Scope {
    pub store: StoreId,
    pub zone: Tz,
    pub now: DateTime<Utc>,
    /// Whether marketing email needs an agreement on record.
    pub requires_opt_in: bool,
    /// Leave out, as "already got it", whoever an earlier send of this campaign reached.
    pub not_again: Option<i64>,
}
