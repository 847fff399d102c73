//! How consent changes.

use chrono::{DateTime, Utc};

use super::{
    model::{Channel, Source, Wish},
    queries, suppressions_queries as suppressions,
};
use crate::{
    audit::{self, Entry},
    db::{Db, Tx, in_tx},
    error::AppError,
    ids::StoreId,
};

/// Longest evidence kept, in characters.
const LONGEST_EVIDENCE: usize = 500;

/// One change of one person's consent.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    pub customer: i64,
    pub channel: Channel,
    pub wish: Wish,
    pub source: Source,
    /// How it is known, in words: what was said, which line of which file.
    pub evidence: &'a str,
    /// Who recorded it; "The customer" for their own act.
    pub actor: &'a str,
}

/// Moves a consent and adds to the ledger. Answers whether anything changed: saying the same
/// again adds nothing. [`AppError::NotFound`] when the store has no such customer.
pub async fn change(tx: &mut Tx, store: StoreId, change: Change<'_>, now: DateTime<Utc>) -> Result<bool, AppError> {
    record(tx, store, &change, now).await?.ok_or(AppError::NotFound)
}

/// [`change`] for those who try again when somebody got in their way; nothing when the store has no such
/// customer. A withdrawal is remembered for the address they have, and an agreement lifts what the address
/// said before: both speak for that very address.
pub(super) async fn record(
    tx: &mut Tx,
    store: StoreId,
    change: &Change<'_>,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<bool>> {
    suppressions::hold_of(tx, store, change.customer).await?;
    let Some(before) = queries::state(tx, store, change.customer, change.channel).await? else {
        return Ok(None);
    };
    let address = before.address.as_deref();
    let of_address = match (change.wish, address) {
        (_, None) => false,
        (Wish::Withdraw, Some(address)) => suppressions::unsubscribe(tx, store, change.channel, address, now).await?,
        (Wish::Grant, Some(address)) => suppressions::lift(tx, store, change.channel, address).await?,
    };
    let after = change.wish.state();
    let of_person = queries::set_state(tx, store, change.customer, change.channel, after).await?;
    if !of_address && !of_person {
        return Ok(Some(false));
    }
    queries::append(tx, store, change, None, now).await?;
    let mut told = serde_json::json!({
        "state": after.key(), "source": change.source.key(), "evidence": change.evidence,
    });
    if let Some(address) = address.filter(|_| of_address) {
        told["address"] = address.into();
    }
    let entry = Entry {
        actor: change.actor,
        action: match change.wish {
            Wish::Grant => "consent.granted",
            Wish::Withdraw => "consent.withdrawn",
        },
        subject: "customer",
        subject_id: Some(change.customer),
        summary: format!("{} consent: {}", change.channel.label(), after.words(change.channel)),
        before: Some(serde_json::json!({ "state": before.state.key() })),
        after: Some(told),
    };
    audit::record(tx, store, entry, now).await?;
    Ok(Some(true))
}

/// What a member of staff records. An agreement needs to say how it is known.
pub async fn change_by_staff(
    db: &Db,
    store: StoreId,
    actor: &str,
    customer: i64,
    channel: Channel,
    wish: Wish,
    evidence: &str,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let evidence: String = crate::text::clean(evidence).chars().take(LONGEST_EVIDENCE).collect();
    if wish == Wish::Grant && evidence.is_empty() {
        return Err(AppError::invalid(
            &format!("evidence-{}", channel.key()),
            "Say how they agreed, such as \"in store, signed card\"",
        ));
    }
    let evidence = if evidence.is_empty() { "Asked staff" } else { &evidence };
    let said = Change {
        customer,
        channel,
        wish,
        source: Source::Staff,
        evidence,
        actor,
    };
    let (tx, known) = in_tx(db, async |mut tx| {
        let known = record(&mut tx, store, &said, now).await?.is_some();
        Ok((tx, known))
    })
    .await?;
    if !known {
        return Err(AppError::NotFound);
    }
    Ok(tx.commit().await?)
}
