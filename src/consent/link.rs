//! The link at the end of every message. It speaks for the address it was sent to, and for nobody's other
//! one: after an address was changed, the old mailbox neither sees nor withdraws the new one.

use chrono::{DateTime, Utc};

use super::{
    model::{Channel, ConsentState, Source, Wish},
    queries::{self, Link},
    rules::{Change, record},
    suppressions_queries as suppressions,
};
use crate::{
    audit::{self, Entry},
    db::{Db, Tx, in_tx},
    error::AppError,
    ids::StoreId,
};

/// A subscription as the page behind its link shows it.
#[derive(Clone, Debug)]
pub struct Subscription {
    pub store: StoreId,
    /// The address with its middle hidden: enough for its owner, little for anyone else.
    pub address: String,
    pub unsubscribed: bool,
}

/// The subscription behind a link's token.
pub async fn subscription(db: &Db, token: &str) -> Result<Option<Subscription>, AppError> {
    let Some(link) = queries::by_token(db, token).await? else {
        return Ok(None);
    };
    let address = link.address.as_deref().unwrap_or_default();
    let said = suppressions::find(db, link.store_id, Channel::Email, address).await?;
    Ok(Some(Subscription {
        store: link.store_id,
        address: masked(address),
        unsubscribed: link.has_left || said.said_no_at().is_some(),
    }))
}

/// Takes the address of the link off email, and everyone of that store who has it. Again does nothing more.
pub async fn unsubscribe(db: &Db, token: &str, now: DateTime<Utc>) -> Result<(), AppError> {
    let link = queries::by_token(db, token).await?.ok_or(AppError::NotFound)?;
    let (tx, ()) = in_tx(db, async |mut tx| {
        withdraw(&mut tx, &link, now).await?;
        Ok((tx, ()))
    })
    .await?;
    Ok(tx.commit().await?)
}

async fn withdraw(tx: &mut Tx, link: &Link, now: DateTime<Utc>) -> sqlx::Result<()> {
    let said = |customer| by_link(customer, Wish::Withdraw);
    let Some(address) = &link.address else {
        record(tx, link.store_id, &said(link.customer), now).await?;
        return Ok(());
    };
    suppressions::hold(tx, link.store_id, &[address]).await?;
    let is_news = suppressions::unsubscribe(tx, link.store_id, Channel::Email, address, now).await?;
    let mut is_told = false;
    for id in queries::with_address(tx, link.store_id, address).await? {
        is_told |= record(tx, link.store_id, &said(id), now).await? == Some(true);
    }
    if is_news && !is_told {
        tell_of_address(tx, link, &said(link.customer), address, now).await?;
    }
    Ok(())
}

/// Takes an [`unsubscribe`] back, for the address and for those it withdrew: a wish told to staff stays.
pub async fn subscribe_again(db: &Db, token: &str, now: DateTime<Utc>) -> Result<(), AppError> {
    let link = queries::by_token(db, token).await?.ok_or(AppError::NotFound)?;
    let (tx, ()) = in_tx(db, async |mut tx| {
        agree(&mut tx, &link, now).await?;
        Ok((tx, ()))
    })
    .await?;
    Ok(tx.commit().await?)
}

async fn agree(tx: &mut Tx, link: &Link, now: DateTime<Utc>) -> sqlx::Result<()> {
    let said = |customer| by_link(customer, Wish::Grant);
    let (people, is_news) = match &link.address {
        Some(address) => {
            suppressions::hold(tx, link.store_id, &[address]).await?;
            let is_news = suppressions::lift(tx, link.store_id, Channel::Email, address).await?;
            (queries::with_address(tx, link.store_id, address).await?, is_news)
        }
        None => (vec![link.customer], false),
    };
    let mut is_told = false;
    for id in people {
        let Some(before) = queries::state(tx, link.store_id, id, Channel::Email).await? else {
            continue;
        };
        let has_left = before.state == ConsentState::Withdrawn;
        let by_link = queries::latest_source(tx, link.store_id, id, Channel::Email).await? == Some(Source::Link);
        let is_owner = id == link.customer;
        if (has_left && (is_owner || by_link)) || (is_owner && (is_news || before.complained)) {
            is_told |= record(tx, link.store_id, &said(id), now).await? == Some(true);
        }
    }
    if let Some(address) = link.address.as_ref().filter(|_| is_news && !is_told) {
        tell_of_address(tx, link, &said(link.customer), address, now).await?;
    }
    Ok(())
}

/// Writes down what was said for an address and changed nobody's own wish.
async fn tell_of_address(
    tx: &mut Tx,
    link: &Link,
    said: &Change<'_>,
    address: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    queries::append(tx, link.store_id, said, Some(address), now).await?;
    let (action, word) = match said.wish {
        Wish::Withdraw => ("address.unsubscribed", "Unsubscribed"),
        Wish::Grant => ("address.resubscribed", "Subscribed again:"),
    };
    let entry = Entry {
        actor: said.actor,
        action,
        subject: "customer",
        subject_id: Some(link.customer),
        summary: format!("{word} {address}"),
        before: None,
        after: Some(serde_json::json!({
            "address": address, "source": said.source.key(), "evidence": said.evidence,
        })),
    };
    audit::record(tx, link.store_id, entry, now).await
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
