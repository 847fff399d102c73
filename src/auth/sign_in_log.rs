//! What the audit log tells of signing in: who came in and from where, and who was turned away.
//! Refusals are told once in a while for each account, so that nobody can flood the log, and never
//! with what was typed.

use chrono::{DateTime, Utc};

use super::{queries::User, throttle};
use crate::{
    audit,
    db::{Db, Tx},
    ids::StoreId,
};

/// Whoever is turned away is nobody the log could name.
const STRANGER: &str = "Not signed in";

/// A try to sign in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tried<'a> {
    /// The address that was typed.
    pub account: &'a str,
    /// Whose account that is, if anybody's: of which store, and who.
    pub holder: Option<(StoreId, i64)>,
    /// Where it came from.
    pub from: Option<&'a str>,
}

/// Why somebody was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The password is wrong, or the person is kept out.
    Wrong,
    Throttled,
}

impl Refused {
    fn action(self) -> &'static str {
        match self {
            Refused::Wrong => "user.sign_in_refused",
            Refused::Throttled => "user.sign_in_throttled",
        }
    }

    fn words(self, from: &str) -> String {
        match self {
            Refused::Wrong => format!("A sign-in from {from} was refused"),
            Refused::Throttled => format!("Too many tries to sign in: made to wait, the last one from {from}"),
        }
    }
}

fn place(from: Option<&str>) -> &str {
    from.unwrap_or("an unknown address")
}

/// Tells that somebody came in.
pub(crate) async fn signed_in(tx: &mut Tx, user: &User, from: Option<&str>, now: DateTime<Utc>) -> sqlx::Result<()> {
    let entry = audit::Entry {
        actor: &user.name,
        action: "user.signed_in",
        subject: "user",
        subject_id: Some(user.id),
        summary: format!("Signed in from {}", place(from)),
        before: None,
        after: None,
    };
    audit::record(tx, StoreId(user.store_id), entry, now).await
}

/// Tells that somebody was turned away, once in the throttle's window for each account. It takes as
/// long for accounts that don't exist: those are told of in the program's log, once for each address.
pub(crate) async fn refused(db: &Db, tried: &Tried<'_>, why: Refused, now: DateTime<Utc>) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    if throttle::is_first(&mut tx, why.action(), tried.account, now).await? {
        match tried.holder {
            Some((store, user)) => {
                let entry = audit::Entry {
                    actor: STRANGER,
                    action: why.action(),
                    subject: "user",
                    subject_id: Some(user),
                    summary: why.words(place(tried.from)),
                    before: None,
                    after: None,
                };
                audit::record(&mut tx, store, entry, now).await?;
            }
            None => {
                let about = format!("unknown from {}", throttle::place(tried.from));
                if throttle::is_first(&mut tx, why.action(), &about, now).await? {
                    tracing::warn!(from = place(tried.from), "sign-ins to unknown accounts are refused");
                }
            }
        }
    }
    tx.commit().await
}
