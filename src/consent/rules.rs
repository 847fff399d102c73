//! How consent changes.

use chrono::{DateTime, Utc};

use super::{
    model::{Channel, ConsentState, Source, Wish},
    store,
};
use crate::{
    audit::{self, Entry},
    auth::model::StoreId,
    customers,
    db::{Db, Tx},
    error::AppError,
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
    let before = store::state(tx, store, change.customer, change.channel)
        .await?
        .ok_or(AppError::NotFound)?;
    let after = change.wish.state();
    if before == after {
        return Ok(false);
    }
    store::set_state(tx, store, change.customer, change.channel, after).await?;
    store::append(tx, store, &change, now).await?;
    let entry = Entry {
        actor: change.actor,
        action: match change.wish {
            Wish::Grant => "consent.granted",
            Wish::Withdraw => "consent.withdrawn",
        },
        subject: "customer",
        subject_id: Some(change.customer),
        summary: format!("{} consent: {}", change.channel.label(), after.words(change.channel)),
        before: Some(serde_json::json!({ "state": before.key() })),
        after: Some(serde_json::json!({
            "state": after.key(), "source": change.source.key(), "evidence": change.evidence,
        })),
    };
    audit::record(tx, store, entry, now).await?;
    Ok(true)
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
    let evidence: String = customers::names::clean(evidence)
        .chars()
        .take(LONGEST_EVIDENCE)
        .collect();
    if wish == Wish::Grant && evidence.is_empty() {
        return Err(AppError::invalid(
            &format!("evidence-{}", channel.key()),
            "Say how they agreed, such as \"in store, signed card\"",
        ));
    }
    let evidence = if evidence.is_empty() { "Asked staff" } else { &evidence };
    let mut tx = db.begin().await?;
    let said = Change {
        customer,
        channel,
        wish,
        source: Source::Staff,
        evidence,
        actor,
    };
    change(&mut tx, store, said, now).await?;
    Ok(tx.commit().await?)
}

/// Who a link at the end of a message belongs to.
#[derive(Clone, Debug)]
pub struct Subscription {
    pub store: StoreId,
    /// The address with its middle hidden: enough for its owner, little for anyone else.
    pub address: String,
    pub unsubscribed: bool,
}

/// What a link's token stands for.
pub async fn subscription(db: &Db, token: &str) -> Result<Option<Subscription>, AppError> {
    let Some(person) = store::by_token(db, token).await? else {
        return Ok(None);
    };
    Ok(Some(Subscription {
        store: person.store_id,
        address: masked(person.email.as_deref().unwrap_or_default()),
        unsubscribed: person.email_consent == ConsentState::Withdrawn,
    }))
}

/// Takes everyone of that store who has the same address off email. Again does nothing more.
pub async fn unsubscribe(db: &Db, token: &str, now: DateTime<Utc>) -> Result<(), AppError> {
    let person = store::by_token(db, token).await?.ok_or(AppError::NotFound)?;
    let mut tx = db.begin().await?;
    for id in store::sharing(&mut tx, person.store_id, person.id).await? {
        change(&mut tx, person.store_id, by_link(id, Wish::Withdraw), now).await?;
    }
    Ok(tx.commit().await?)
}

/// Takes an [`unsubscribe`] back, for those it withdrew: a wish told to staff stays.
pub async fn subscribe_again(db: &Db, token: &str, now: DateTime<Utc>) -> Result<(), AppError> {
    let person = store::by_token(db, token).await?.ok_or(AppError::NotFound)?;
    let mut tx = db.begin().await?;
    for id in store::sharing(&mut tx, person.store_id, person.id).await? {
        let state = store::state(&mut tx, person.store_id, id, Channel::Email).await?;
        let source = store::latest_source(&mut tx, person.store_id, id, Channel::Email).await?;
        if state == Some(ConsentState::Withdrawn) && (id == person.id || source == Some(Source::Link)) {
            change(&mut tx, person.store_id, by_link(id, Wish::Grant), now).await?;
        }
    }
    Ok(tx.commit().await?)
}

fn by_link(customer: i64, wish: Wish) -> Change<'static> {
    Change {
        customer,
        channel: Channel::Email,
        wish,
        source: Source::Link,
        evidence: match wish {
            Wish::Withdraw => "Pressed Unsubscribe behind the link of a message",
            Wish::Grant => "Pressed Subscribe again behind the link of a message",
        },
        actor: "The customer",
    }
}

/// `a•••@example.com`
fn masked(address: &str) -> String {
    match address.split_once('@') {
        Some((local, domain)) => {
            let first: String = local.chars().take(1).collect();
            format!("{first}•••@{domain}")
        }
        None => "this address".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn an_address_is_shown_to_nobody_whole() {
        assert_eq!(masked("amara.okafor@example.com"), "a•••@example.com");
        assert_eq!(masked("broken"), "this address");
    }
}
