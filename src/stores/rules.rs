//! Making a store: its own row, the system segments and the system templates.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{model::NewStore, places, queries};
use crate::{
    db::Tx,
    error::{AppError, Problem},
    ids::StoreId,
    segments, templates,
    text::clean,
    text::own_name,
};

/// Makes a store with everything that comes with one.
pub async fn open_store(tx: &mut Tx, new: &NewStore, now: DateTime<Utc>) -> Result<StoreId, AppError> {
    let new = &NewStore {
        name: clean(&new.name),
        from_name: clean(&new.from_name),
        ..new.clone()
    };
    let problems = problems_of(new);
    if !problems.is_empty() {
        return Err(AppError::Invalid {
            problems,
            kept_at: None,
        });
    }
    let id = queries::insert(tx, new, now).await?;
    segments::queries::add_system(tx, id, now).await?;
    templates::queries::add_system(tx, id, now).await?;
    Ok(id)
}

/// What has to be mended before a store can be made of this.
pub fn problems_of(new: &NewStore) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut check = |ok: bool, field: &str, words: &str| {
        if !ok {
            problems.push(Problem::new(field, words));
        }
    };
    let slug_ok = !new.slug.is_empty()
        && new
            .slug
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    check(
        slug_ok,
        "slug",
        "Use small letters, digits and hyphens for the short name",
    );
    check(
        new.time_zone.parse::<Tz>().is_ok(),
        "time-zone",
        "Choose a time zone such as Australia/Sydney",
    );
    check(
        places::is_country(&new.country),
        "country",
        "Use the two-letter country code, such as AU",
    );
    check(
        places::is_currency(&new.currency),
        "currency",
        "Use the three-letter currency code, such as AUD",
    );
    let from_ok = crate::channels::email::address::EmailAddress::parse(&new.from_email).is_ok();
    check(
        from_ok,
        "from",
        "Enter the whole address messages come from, such as hello@example.com",
    );
    check(
        !new.footer.trim().is_empty(),
        "footer",
        "Enter the postal address for the end of every message",
    );
    for (field, name, missing) in [
        ("name", &new.name, "Enter the store's name"),
        ("from-name", &new.from_name, "Enter the name messages come from"),
    ] {
        if let Err(words) = own_name(name, missing) {
            problems.push(Problem::new(field, words));
        }
    }
    problems
}
