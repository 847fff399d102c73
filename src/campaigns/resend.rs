//! Sending a campaign once more after a try that ended early: to those who are left, or, because
//! somebody says so, to everybody again.

use chrono::{DateTime, Utc};

use super::{draft_queries as writing, queries::Campaign};
use crate::{
    db::Db,
    recipients::{self, model::Earlier},
    stores::model::Store,
};

/// What happens to those an earlier send reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlreadySent {
    LeftOut,
    Again,
}

impl AlreadySent {
    /// From the tick "Skip those who already got it".
    pub fn of_tick(value: &str) -> Self {
        if value == "true" {
            AlreadySent::LeftOut
        } else {
            AlreadySent::Again
        }
    }

    /// As a campaign keeps it.
    pub fn of(campaign: &Campaign) -> Self {
        if campaign.skip_already {
            AlreadySent::LeftOut
        } else {
            AlreadySent::Again
        }
    }

    /// The word for it in forms and addresses.
    pub fn key(self) -> &'static str {
        match self {
            AlreadySent::LeftOut => "left_out",
            AlreadySent::Again => "again",
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        [AlreadySent::LeftOut, AlreadySent::Again]
            .into_iter()
            .find(|r| r.key() == key)
    }

    pub fn is_left_out(self) -> bool {
        self == AlreadySent::LeftOut
    }
}

/// Whom a campaign would go to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResendCounts {
    /// Those an earlier send reached, or may have.
    pub already: i64,
    /// Whom it goes to without them.
    pub remaining: i64,
    /// Whom it goes to with them.
    pub everyone: i64,
}

/// Counts who is left; nothing while nobody has been chosen or reached.
pub async fn resend_counts(
    db: &Db,
    store: &Store,
    campaign: &Campaign,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<ResendCounts>> {
    let earlier = Earlier::Campaign(campaign.id);
    let already = writing::already_got(db, store.id, earlier).await?;
    let Some(filter) = campaign.recipients().filter(|_| already > 0) else {
        return Ok(None);
    };
    let count = async |not_again| {
        let scope = recipients::rules::scope(store, now, not_again);
        let audience = recipients::queries::count(db, &scope, &filter).await?;
        Ok::<_, sqlx::Error>(audience.will_send)
    };
    Ok(Some(ResendCounts {
        already,
        remaining: count(Some(earlier)).await?,
        everyone: count(None).await?,
    }))
}
