//! The agreement to email that a form records for somebody new. An address that said no before lifts that
//! only by an agreement given since, and whoever records one is asked about it first.

use chrono::{DateTime, Utc};

use super::details::Email;
use crate::{
    consent::{
        self,
        model::{Channel, Source, Wish},
        rules::Change,
        suppressions_queries::{self as suppressions, Suppression},
    },
    db::Tx,
    error::AppError,
    ids::StoreId,
    stores::model::Store,
    time,
};

/// An agreement as a form carries it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Agreement<'a> {
    /// How they agreed.
    pub how: &'a str,
    /// The address of which the form asked how it agreed since it said no; empty if it did not ask.
    pub since: &'a str,
}

/// The evidence of an agreement for this address, or what there is to say first.
pub(super) async fn evidence(
    tx: &mut Tx,
    store: &Store,
    agreed: Agreement<'_>,
    email: Option<&Email>,
) -> Result<String, AppError> {
    let how = crate::text::clean(agreed.how);
    let said = match email {
        Some(email) => suppressions::find_in(tx, store.id, Channel::Email, &email.norm).await?,
        None => Suppression::default(),
    };
    if let Some((email, words)) = email.zip(said_no(&said, store)) {
        let is_asked = agreed.since == email.norm;
        if !is_asked || how.is_empty() {
            let problem = format!("{} {words}. Say how they agreed since then", email.typed);
            return Err(AppError::invalid("agreed-how", problem));
        }
    } else if how.is_empty() {
        return Err(AppError::invalid(
            "agreed-how",
            "Say how they agreed, such as \"in store, signed card\"",
        ));
    }
    Ok(how)
}

/// `unsubscribed on 1 May 2026`, of an address that said no.
pub fn said_no(said: &Suppression, store: &Store) -> Option<String> {
    let what = if said.complained_at.is_some() {
        "marked a message as spam"
    } else {
        "unsubscribed"
    };
    let at = said.said_no_at()?;
    Some(format!("{what} on {}", time::day(at, store.zone())))
}

/// Records the agreement.
pub(super) async fn record(
    tx: &mut Tx,
    store: StoreId,
    actor: &str,
    customer: i64,
    how: &str,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let said = Change {
        customer,
        channel: Channel::Email,
        wish: Wish::Grant,
        source: Source::Staff,
        evidence: how,
        actor,
    };
    consent::rules::change(tx, store, said, now).await.map(|_| ())
}
