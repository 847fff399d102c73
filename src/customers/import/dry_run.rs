//! What a dry run remembers: it adds nobody, so its next batch does not find them in the book.

use std::{
    collections::{HashMap, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
};

use super::{merge::Outcome, parsed_row::ParsedRow};
use crate::customers::names::name_key;

/// Fingerprints of the people who would have been added, with those of their rows.
#[derive(Debug, Default)]
pub(super) struct WouldAdd(HashMap<u64, u64>);

impl WouldAdd {
    /// What a row about somebody who isn't in the book would do, after the rows before it.
    pub(super) fn again(&mut self, candidate: &ParsedRow) -> Outcome {
        let row = row(candidate);
        match self.0.insert(who(candidate), row) {
            None => Outcome::Added,
            Some(before) if before == row => Outcome::Unchanged,
            Some(_) => Outcome::Updated,
        }
    }
}

fn who(candidate: &ParsedRow) -> u64 {
    if let Some(id) = &candidate.external_id {
        return fingerprint(id);
    }
    let name = candidate.name.as_ref().map(|name| name_key(&name.full));
    let email = candidate.email.as_ref().map(|email| &email.norm);
    let phone = candidate.phone.as_ref().filter(|_| email.is_none());
    fingerprint((name, email, phone.map(|phone| &phone.typed)))
}

fn row(candidate: &ParsedRow) -> u64 {
    let mut same = candidate.clone();
    same.line = 0;
    same.email_consent = None;
    same.whatsapp_consent = None;
    fingerprint(format!("{same:?}"))
}

fn fingerprint(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}
