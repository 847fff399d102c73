//! Slowing down whoever guesses: tries are counted per account and per address in the database,
//! so that all instances share them.
//!
//! A try is counted before it is made and taken back when it succeeds, so that a hundred at the
//! same moment are not all the first. Tries that are turned away don't count: the wait ends five
//! minutes after the tries that began it, however long somebody hammers at the door. And a
//! browser that has signed in before is counted by itself ([`super::trusted_browsers`]), so that nobody can
//! keep a person out of their own account.

use std::net::IpAddr;

use chrono::{DateTime, Duration, Utc};

use super::throttle_queries;
use crate::{
    db::{Db, Tx},
    error::AppError,
    tokens,
};

/// Failures older than this no longer count.
pub const WINDOW: Duration = Duration::minutes(5);
/// Failures of one account within the window before it has to wait.
pub const PER_ACCOUNT: i64 = 5;
/// Failures from one address within the window before it has to wait.
pub const PER_ADDRESS: i64 = 30;
/// Wrong setup links from one address within the window.
pub const PER_ADDRESS_AT_SETUP: i64 = 10;

/// Something tries are counted for, and how many it may have.
#[derive(Clone, Debug)]
pub struct Limit {
    /// A hash: people type passwords into the wrong field.
    subject: String,
    most: i64,
}

impl Limit {
    pub fn account(email: &str) -> Self {
        Self::new("account", email, PER_ACCOUNT)
    }

    /// A browser that has signed in to this account before.
    pub fn known_device(device: &str) -> Self {
        Self::new("device", device, PER_ACCOUNT)
    }

    pub fn address(ip: Option<&str>) -> Self {
        Self::new("address", &place(ip), PER_ADDRESS)
    }

    pub fn setup(ip: Option<&str>) -> Self {
        Self::new("setup", &place(ip), PER_ADDRESS_AT_SETUP)
    }

    /// Somebody signed in who types the present password to set a new one.
    pub fn own_password(user: i64) -> Self {
        Self::new("own password", &user.to_string(), PER_ACCOUNT)
    }

    fn new(kind: &str, who: &str, most: i64) -> Self {
        Self {
            subject: tokens::hash(&format!("{kind} {who}")),
            most,
        }
    }
}

/// What tries from an address are counted under. Whoever has one IPv6 address has the 2^64 of its
/// network, so they count as one.
pub(crate) fn place(ip: Option<&str>) -> String {
    match ip.map(|text| (text, text.parse::<IpAddr>())) {
        Some((_, Ok(IpAddr::V6(v6)))) => (u128::from(v6) >> 64).to_string(),
        Some((text, _)) => text.to_owned(),
        None => "unknown".to_owned(),
    }
}

/// A try that has been counted.
#[derive(Debug)]
#[must_use = "a try that succeeds has to be taken back"]
pub struct Try {
    ids: Vec<i64>,
    subjects: Vec<String>,
}

/// Counts a try, or refuses it with the minutes to wait.
pub async fn enter(db: &Db, limits: &[Limit], now: DateTime<Utc>) -> Result<Try, AppError> {
    let mut tx = db.begin().await?;
    throttle_queries::forget_before(&mut tx, now - WINDOW).await?;
    let mut ids = Vec::new();
    for limit in limits {
        ids.push(throttle_queries::note(&mut tx, &limit.subject, now).await?);
    }
    // Committed before counting: of several at once, the last to commit sees all the others.
    tx.commit().await?;
    for limit in limits {
        let (count, first) = throttle_queries::count(db, &limit.subject, now - WINDOW).await?;
        if count > limit.most {
            let minutes = first.map_or(1, |first| (first + WINDOW - now).num_minutes().max(0) + 1);
            take_back(db, &ids).await?;
            return Err(AppError::TooMany { minutes });
        }
    }
    Ok(Try {
        ids,
        subjects: limits.iter().map(|l| l.subject.clone()).collect(),
    })
}

/// Whether something is told for the first time within the window: told once, an attacker can't
/// flood a log with it. Committed with what is told.
pub async fn is_first(tx: &mut Tx, what: &str, about: &str, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let subject = tokens::hash(&format!("told {what} {about}"));
    if throttle_queries::is_noted(tx, &subject, now - WINDOW).await? {
        return Ok(false);
    }
    throttle_queries::note(tx, &subject, now).await?;
    Ok(true)
}

impl Try {
    /// It was no failure: it no longer counts, and the first of its limits (the account) begins
    /// anew.
    pub async fn succeeded(self, db: &Db) -> Result<(), AppError> {
        let mut tx = db.begin().await?;
        for id in &self.ids {
            throttle_queries::forget(&mut tx, *id).await?;
        }
        if let Some(account) = self.subjects.first() {
            throttle_queries::forget_all(&mut tx, account).await?;
        }
        Ok(tx.commit().await?)
    }
}

async fn take_back(db: &Db, ids: &[i64]) -> Result<(), AppError> {
    let mut tx = db.begin().await?;
    for id in ids {
        throttle_queries::forget(&mut tx, *id).await?;
    }
    Ok(tx.commit().await?)
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn a_network_of_many_addresses_is_one_place() {
        assert_eq!(place(Some("2001:db8::1")), place(Some("2001:db8::ffff:2")));
        assert_ne!(place(Some("2001:db8::1")), place(Some("2001:db8:0:1::1")));
        assert_ne!(place(Some("192.0.2.1")), place(Some("192.0.2.2")));
    }
}
