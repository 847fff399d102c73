//! A batch of rows into the database: load whom it is about, let the [`MergePlan`] decide, write.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::{
    merge::{MergePlan, Outcome},
    parsed_row::ParsedRow,
    people_queries,
};
use crate::{consent::suppressions_queries as suppressions, customers::names::name_key, db::Tx, ids::StoreId, tokens};

/// What a batch did.
#[derive(Debug)]
pub(super) struct Applied {
    /// In the order of the rows.
    pub outcomes: Vec<Outcome>,
    pub plan: MergePlan,
    /// The ids of everyone the rows were about; without those only a dry run would have added.
    pub touched: Vec<i64>,
}

/// Works a batch into the book as it stands, without writing.
pub(super) async fn decide(
    tx: &mut Tx,
    store: StoreId,
    candidates: &[ParsedRow],
    touched: &HashSet<i64>,
) -> sqlx::Result<Applied> {
    let externals: Vec<&str> = candidates.iter().filter_map(|c| c.external_id.as_deref()).collect();
    let emails: Vec<&str> = candidates
        .iter()
        .filter_map(|c| c.email.as_ref())
        .map(|e| e.norm.as_str())
        .collect();
    let names: Vec<String> = candidates
        .iter()
        .filter(|c| c.email.is_none() || c.phone.is_some())
        .filter_map(|c| c.name.as_ref())
        .map(|n| name_key(&n.full))
        .collect();
    let known = people_queries::known(tx, store, &externals, &emails, &names).await?;
    let of_people = known.iter().filter_map(|person| person.details.email.as_ref());
    let addresses: HashSet<&str> = of_people
        .map(|email| email.norm.as_str())
        .chain(emails.iter().copied())
        .collect();
    let suppressed = suppressions::among(tx, store, &addresses.into_iter().collect()).await?;
    let mut plan = MergePlan::of(known, suppressed, touched);
    let outcomes = candidates.iter().map(|c| plan.take(c)).collect();
    let touched = plan.spoken_for().filter_map(|at| plan.people.get(at)?.id).collect();
    Ok(Applied {
        outcomes,
        plan,
        touched,
    })
}

/// Keeps the addresses of a batch until its transaction ends, before any customer is.
pub(super) async fn hold(tx: &mut Tx, store: StoreId, candidates: &[ParsedRow]) -> sqlx::Result<()> {
    let emails = candidates.iter().filter_map(|c| c.email.as_ref());
    let emails: Vec<&str> = emails.map(|email| email.norm.as_str()).collect();
    suppressions::hold(tx, store, &emails).await
}

/// Writes what was decided.
pub(super) async fn write(
    tx: &mut Tx,
    store: StoreId,
    applied: &mut Applied,
    actor: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let plan = &applied.plan;
    if !plan.said_no.is_empty() {
        let addresses = plan.said_no.iter().map(String::as_str).collect();
        suppressions::unsubscribe_all(tx, store, &addresses, now).await?;
    }
    let changed: Vec<_> = plan.changed().collect();
    people_queries::update(tx, store, &changed, now).await?;
    let added: Vec<_> = plan.added().map(|(_, p)| (p, tokens::public())).collect();
    let ids = people_queries::insert(tx, store, &added, now).await?;
    let mut ids_by_place = vec![None; plan.people.len()];
    for ((at, _), (_, token)) in plan.added().zip(&added) {
        if let Some(slot) = ids_by_place.get_mut(at) {
            *slot = ids.get(token).copied();
        }
    }
    let id_of = |at: usize| ids_by_place.get(at).copied().flatten().or(plan.people.get(at)?.id);

    let mut tags: Vec<(i64, &str)> = Vec::new();
    for (before, after) in &changed {
        let new = after.tags.difference(&before.tags);
        tags.extend(new.filter_map(|t| Some((after.id?, t.as_str()))));
    }
    for (at, person) in plan.added() {
        tags.extend(person.tags.iter().filter_map(|t| Some((id_of(at)?, t.as_str()))));
    }
    people_queries::add_tags(tx, store, &tags).await?;

    let heard: Vec<_> = plan
        .heard
        .iter()
        .filter_map(|h| Some((id_of(h.person)?, h.channel.key(), h.wish.state(), h.evidence.as_str())))
        .collect();
    people_queries::add_to_ledger(tx, store, &heard, actor, now).await?;
    let new: Vec<i64> = ids.into_values().collect();
    applied.touched.extend(new);
    Ok(())
}
