//! What may happen to a customer, each in one transaction with its line in the audit log.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::{Value, json};

pub use super::names::name_key;
use super::{
    agreement::{self, Agreement},
    dates,
    details::Details,
    model::CustomerForm,
    money, queries,
};
use crate::{
    audit::{self, Entry},
    consent::{model::Channel, suppressions_queries as suppressions},
    db::{Db, Tx},
    error::{AppError, Problem},
    ids::StoreId,
    stores::model::Store,
};

/// Longest notes kept, in characters.
const LONGEST_NOTES: usize = 20_000;
/// Longest description of a purchase or a repair, in characters.
const LONGEST_DESCRIPTION: usize = 200;

fn invalid(problems: Vec<Problem>) -> AppError {
    AppError::Invalid {
        problems,
        kept_at: None,
    }
}

/// Adds a customer from a form, with the agreement to email if they gave it, and answers the id. Where the
/// address said no before, an agreement has to say that it was given since.
pub async fn add(
    db: &Db,
    store: &Store,
    actor: &str,
    form: &CustomerForm,
    agreed: Option<Agreement<'_>>,
    now: DateTime<Utc>,
) -> Result<i64, AppError> {
    let (details, tags) = Details::from_form(form, &store.country).map_err(invalid)?;
    let mut tx = db.begin().await?;
    let address = details.email.as_ref().map(|email| email.norm.as_str());
    suppressions::hold(&mut tx, store.id, address.as_slice()).await?;
    let how = match agreed {
        Some(agreed) => Some(agreement::evidence(&mut tx, store, agreed, details.email.as_ref()).await?),
        None => None,
    };
    let id = queries::insert(&mut tx, store.id, None, &details, now).await?;
    queries::set_tags(&mut tx, store.id, id, &tags).await?;
    record(
        &mut tx,
        store.id,
        actor,
        "customer.added",
        id,
        format!("Added {}", details.name),
        None,
        Some(told(&details, &tags)),
        now,
    )
    .await?;
    if let Some(how) = how {
        agreement::record(&mut tx, store.id, actor, id, &how, now).await?;
    }
    tx.commit().await?;
    Ok(id)
}

/// Edits a customer whose row was last changed at `read_at`, microseconds since 1970.
/// [`AppError::Conflict`] when it has been changed since.
pub async fn edit(
    db: &Db,
    store: &Store,
    actor: &str,
    id: i64,
    read_at: i64,
    form: &CustomerForm,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let (mut details, tags) = Details::from_form(form, &store.country).map_err(invalid)?;
    let tags_before = queries::tags_of(db, store.id, id).await?;
    let mut tx = db.begin().await?;
    let before = queries::find_in(&mut tx, store.id, id)
        .await?
        .ok_or(AppError::NotFound)?;
    if before.updated_at.timestamp_micros() != read_at {
        return Err(AppError::Conflict);
    }
    if details.name == before.name {
        // A file may have said more exactly which part is the first name.
        details.first_name.clone_from(&before.first_name);
        details.last_name.clone_from(&before.last_name);
    }
    let was = before.details();
    let same_tags = tags == tags_before;
    if details == was && same_tags {
        return Ok(());
    }
    let addresses: Vec<&str> = [&was.email, &details.email]
        .into_iter()
        .filter_map(|email| email.as_ref().map(|email| email.norm.as_str()))
        .collect();
    suppressions::hold(&mut tx, store.id, &addresses).await?;
    // Later than before even if the clock stood still: it is how changes are told apart.
    let changed_at = now.max(before.updated_at + TimeDelta::microseconds(1));
    if !queries::update(&mut tx, store.id, id, &details, before.updated_at, changed_at).await? {
        return Err(AppError::Conflict);
    }
    queries::set_tags(&mut tx, store.id, id, &tags).await?;
    let (old, new) = differences(told(&was, &tags_before), told(&details, &tags));
    record(
        &mut tx,
        store.id,
        actor,
        "customer.edited",
        id,
        format!("Edited {}", details.name),
        Some(old),
        Some(new),
        now,
    )
    .await?;
    Ok(tx.commit().await?)
}

/// Archives or restores a customer. Doing it again changes nothing.
pub async fn archive(
    db: &Db,
    store: StoreId,
    actor: &str,
    id: i64,
    archived: bool,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let mut tx = db.begin().await?;
    let customer = queries::find_in(&mut tx, store, id).await?.ok_or(AppError::NotFound)?;
    if queries::set_archived(&mut tx, store, id, archived.then_some(now), now).await? {
        let (action, word) = if archived {
            ("customer.archived", "Archived")
        } else {
            ("customer.restored", "Restored")
        };
        let summary = format!("{word} {}", customer.name);
        record(&mut tx, store, actor, action, id, summary, None, None, now).await?;
    }
    Ok(tx.commit().await?)
}

/// Writes the notes. The log says that they changed, not what they say.
pub async fn write_notes(
    db: &Db,
    store: StoreId,
    actor: &str,
    id: i64,
    notes: &str,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let notes = crate::text::clean_lines(notes);
    if notes.chars().count() > LONGEST_NOTES {
        return Err(AppError::invalid("notes", "Shorten the notes to 20,000 characters"));
    }
    let mut tx = db.begin().await?;
    let customer = queries::find_in(&mut tx, store, id).await?.ok_or(AppError::NotFound)?;
    if customer.notes != notes {
        queries::set_notes(&mut tx, store, id, &notes, now.max(customer.updated_at)).await?;
        let summary = format!("Changed the notes on {}", customer.name);
        record(&mut tx, store, actor, "customer.notes", id, summary, None, None, now).await?;
    }
    Ok(tx.commit().await?)
}

/// Lets mail go to an address again that bounced, whoever has it.
pub async fn allow_again(db: &Db, store: StoreId, actor: &str, id: i64, now: DateTime<Utc>) -> Result<(), AppError> {
    let mut tx = db.begin().await?;
    suppressions::hold_of(&mut tx, store, id).await?;
    let customer = queries::find_in(&mut tx, store, id).await?.ok_or(AppError::NotFound)?;
    let address = customer.email_norm.as_deref().unwrap_or_default();
    let of_address = suppressions::find_in(&mut tx, store, Channel::Email, address).await?;
    let lifted = suppressions::lift_bounce(&mut tx, store, Channel::Email, address).await?;
    if queries::clear_bounce(&mut tx, store, id).await? || lifted {
        let before = json!({
            "bounced": customer.email_bounced_at.or(of_address.bounced_at),
            "reason": customer.email_bounce_reason.or(of_address.bounce_reason),
        });
        let summary = format!("Allowed sending to {} again", customer.name);
        record(
            &mut tx,
            store,
            actor,
            "customer.bounce_cleared",
            id,
            summary,
            Some(before),
            None,
            now,
        )
        .await?;
    }
    Ok(tx.commit().await?)
}

/// Adds a purchase from a form: an amount in the store's currency, and a day such as
/// `2026-05-01`.
pub async fn add_purchase(
    db: &Db,
    store: &Store,
    actor: &str,
    id: i64,
    description: &str,
    amount: &str,
    day: &str,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let mut problems = Vec::new();
    let description = described(
        description,
        "purchase-description",
        "Say what was bought",
        &mut problems,
    );
    let cents = money::parse_cents(amount);
    if cents.is_none() {
        problems.push(Problem::new("purchase-amount", "Enter an amount such as 1,250.00"));
    }
    let bought_at = day_of(day, "purchase-day", store, now, &mut problems);
    let (Some(cents), Some(bought_at), true) = (cents, bought_at, problems.is_empty()) else {
        return Err(invalid(problems));
    };
    let mut tx = db.begin().await?;
    let customer = queries::find_in(&mut tx, store.id, id)
        .await?
        .ok_or(AppError::NotFound)?;
    queries::add_purchase(&mut tx, store.id, id, &description, cents, bought_at).await?;
    queries::refresh_facts(&mut tx, store.id, &[id]).await?;
    let after = json!({ "what": description, "amount_cents": cents, "bought_at": bought_at });
    let summary = format!(
        "Added a purchase of {} by {}",
        money::words(cents, &store.currency),
        customer.name
    );
    record(
        &mut tx,
        store.id,
        actor,
        "customer.purchase_added",
        id,
        summary,
        None,
        Some(after),
        now,
    )
    .await?;
    Ok(tx.commit().await?)
}

/// Adds a repair that is in the workshop since a day such as `2026-05-01`.
pub async fn add_repair(
    db: &Db,
    store: &Store,
    actor: &str,
    id: i64,
    description: &str,
    day: &str,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let mut problems = Vec::new();
    let description = described(description, "repair-description", "Say what is repaired", &mut problems);
    let opened_at = day_of(day, "repair-day", store, now, &mut problems);
    let (Some(opened_at), true) = (opened_at, problems.is_empty()) else {
        return Err(invalid(problems));
    };
    let mut tx = db.begin().await?;
    let customer = queries::find_in(&mut tx, store.id, id)
        .await?
        .ok_or(AppError::NotFound)?;
    queries::add_repair(&mut tx, store.id, id, &description, opened_at, None).await?;
    queries::refresh_facts(&mut tx, store.id, &[id]).await?;
    let after = json!({ "what": description, "opened_at": opened_at });
    let summary = format!("Took in a repair for {}", customer.name);
    record(
        &mut tx,
        store.id,
        actor,
        "customer.repair_added",
        id,
        summary,
        None,
        Some(after),
        now,
    )
    .await?;
    Ok(tx.commit().await?)
}

/// Closes a repair of this customer that is in the workshop. Closing it again changes nothing.
pub async fn finish_repair(
    db: &Db,
    store: StoreId,
    actor: &str,
    id: i64,
    repair: i64,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let mut tx = db.begin().await?;
    let customer = queries::find_in(&mut tx, store, id).await?.ok_or(AppError::NotFound)?;
    if let Some(what) = queries::close_repair(&mut tx, store, id, repair, now).await? {
        queries::refresh_facts(&mut tx, store, &[id]).await?;
        let summary = format!("Finished a repair for {}", customer.name);
        let after = json!({ "what": what, "closed_at": now });
        record(
            &mut tx,
            store,
            actor,
            "customer.repair_finished",
            id,
            summary,
            None,
            Some(after),
            now,
        )
        .await?;
    } else if !queries::has_repair(&mut tx, store, id, repair).await? {
        return Err(AppError::NotFound);
    }
    Ok(tx.commit().await?)
}

fn described(text: &str, field: &str, missing: &str, problems: &mut Vec<Problem>) -> String {
    let text = crate::text::clean(text);
    match text.chars().count() {
        0 => problems.push(Problem::new(field, missing)),
        n if n > LONGEST_DESCRIPTION => problems.push(Problem::new(field, "Shorten this to 200 characters")),
        _ => {}
    }
    text
}

fn day_of(
    day: &str,
    field: &str,
    store: &Store,
    now: DateTime<Utc>,
    problems: &mut Vec<Problem>,
) -> Option<DateTime<Utc>> {
    let Ok(date) = day.trim().parse::<NaiveDate>() else {
        problems.push(Problem::new(field, "Choose the day"));
        return None;
    };
    if date > crate::time::today(now, store.zone()) {
        problems.push(Problem::new(field, "Choose a day that isn't in the future"));
        return None;
    }
    // Today's noon may still be to come.
    dates::noon(date, store.zone()).map(|at| at.min(now))
}

/// What the log keeps of a customer's details.
fn told(d: &Details, tags: &[String]) -> Value {
    json!({
        "name": d.name,
        "email": d.email.as_ref().map(|e| &e.typed),
        "phone": d.phone.as_ref().map(|p| &p.typed),
        "vip": d.is_vip,
        "birthday": d.birthday.map(|b| b.words()),
        "partner": d.partner_name,
        "partner_birthday": d.partner_birthday.map(|b| b.words()),
        "anniversary": d.anniversary.map(|a| a.words()),
        "do_not_contact": d.do_not_contact,
        "tags": tags,
    })
}

/// Only what is not the same on both sides.
fn differences(old: Value, new: Value) -> (Value, Value) {
    match (old, new) {
        (Value::Object(mut old), Value::Object(mut new)) => {
            old.retain(|key, value| new.get(key) != Some(value));
            new.retain(|key, _| old.contains_key(key));
            (Value::Object(old), Value::Object(new))
        }
        both => both,
    }
}

async fn record(
    tx: &mut Tx,
    store: StoreId,
    actor: &str,
    action: &'static str,
    id: i64,
    summary: String,
    before: Option<Value>,
    after: Option<Value>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let entry = Entry {
        actor,
        action,
        subject: "customer",
        subject_id: Some(id),
        summary,
        before,
        after,
    };
    audit::record(tx, store, entry, now).await
}
