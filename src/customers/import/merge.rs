//! The part of the book a batch of rows is about, and what the rows make of it. No database
//! here: [`super::apply`] loads the people, this decides, [`super::apply`] writes.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::parsed_row::{ConsentClaim, FullName, ParsedRow};
use crate::{
    consent::{
        model::{Channel, ConsentState, Wish},
        suppressions_queries::Suppression,
    },
    customers::{
        details::{Details, Email},
        names::{MOST_TAGS, name_key},
    },
};

/// Somebody as they stand in the book, or will.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Person {
    /// Nothing for somebody the batch adds.
    pub id: Option<i64>,
    pub external_id: Option<String>,
    pub details: Details,
    pub notes: String,
    pub tags: BTreeSet<String>,
    pub email_consent: ConsentState,
    pub whatsapp_consent: ConsentState,
    pub bounced: bool,
    pub complained: bool,
    pub spent_elsewhere_cents: i64,
    pub last_visit_at: Option<DateTime<Utc>>,
    /// Only read for somebody the batch adds.
    pub since: Option<DateTime<Utc>>,
}

/// A line for the consent ledger.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ConsentChange {
    /// Which person of the book.
    pub person: usize,
    pub channel: Channel,
    pub wish: Wish,
    pub evidence: String,
}

/// What a row did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Added,
    Updated,
    Unchanged,
}

/// A yes that is not believed over what the person did before.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ConsentRejected {
    pub line: u64,
    pub column: String,
    pub reason: &'static str,
}

/// The people a batch may touch, with what became of them.
#[derive(Debug, Default)]
pub(super) struct MergePlan {
    pub people: Vec<Person>,
    before: Vec<Person>,
    /// Whom an earlier row of the file was about: later rows only fill gaps.
    spoken_for: HashSet<usize>,
    by_external: HashMap<String, usize>,
    by_email: HashMap<String, Vec<usize>>,
    by_name: HashMap<String, Vec<usize>>,
    /// What was said for addresses, whoever has them.
    suppressed: HashMap<String, Suppression>,
    /// Addresses of which the batch says for the first time that they want nothing.
    pub said_no: BTreeSet<String>,
    pub heard: Vec<ConsentChange>,
    pub kept_back: Vec<ConsentRejected>,
    /// Lines with how many tags were too many for the person.
    pub tags_left_out: Vec<(u64, usize)>,
}

impl MergePlan {
    /// With these people of the store, oldest first, and what was said for the addresses; `touched` are those
    /// an earlier batch of the same file was about.
    pub(super) fn of(people: Vec<Person>, suppressed: HashMap<String, Suppression>, touched: &HashSet<i64>) -> Self {
        let mut plan = Self {
            suppressed,
            ..Self::default()
        };
        for person in people {
            let at = plan.people.len();
            if person.id.is_some_and(|id| touched.contains(&id)) {
                plan.spoken_for.insert(at);
            }
            plan.before.push(person.clone());
            plan.index(at, &person);
            plan.people.push(person);
        }
        plan
    }

    fn index(&mut self, at: usize, person: &Person) {
        if let Some(id) = &person.external_id {
            self.by_external.entry(id.clone()).or_insert(at);
        }
        match &person.details.email {
            Some(email) => self.by_email.entry(email.norm.clone()).or_default().push(at),
            None => self.by_name.entry(person.details.name_key()).or_default().push(at),
        }
    }

    /// People the batch adds, in the order of the file.
    pub(super) fn added(&self) -> impl Iterator<Item = (usize, &Person)> {
        self.people.iter().enumerate().filter(|(_, p)| p.id.is_none())
    }

    /// People who were there and are not as they were, with how they were.
    pub(super) fn changed(&self) -> impl Iterator<Item = (&Person, &Person)> {
        self.before
            .iter()
            .zip(&self.people)
            .filter(|(before, after)| before != after)
    }

    /// Everyone a row was about.
    pub(super) fn spoken_for(&self) -> impl Iterator<Item = usize> + '_ {
        self.spoken_for.iter().copied()
    }

    /// Works a row into the book.
    pub(super) fn take(&mut self, row: &ParsedRow) -> Outcome {
        let found = self.find(row);
        let at = found.unwrap_or_else(|| {
            self.people.push(Person::default());
            self.people.len() - 1
        });
        let Some(before) = self.people.get(at).cloned() else {
            return Outcome::Unchanged;
        };
        let fresh = self.spoken_for.insert(at);
        let mut after = before.clone();
        after.learn(row, fresh);
        let too_many = after.learn_tags(&row.tags);
        if too_many > 0 {
            self.tags_left_out.push((row.line, too_many));
        }
        let moved = before.address() != after.address();
        self.hear(at, &mut after, row, moved);
        let changed = before != after;
        if found.is_none() {
            self.index(at, &after);
        } else if changed {
            self.reindex(at, &before, &after);
        }
        if let Some(slot) = self.people.get_mut(at) {
            *slot = after;
        }
        match (found, changed) {
            (None, _) => Outcome::Added,
            (Some(_), true) => Outcome::Updated,
            (Some(_), false) => Outcome::Unchanged,
        }
    }

    fn reindex(&mut self, at: usize, before: &Person, after: &Person) {
        let keys = |p: &Person| (p.external_id.clone(), p.details.email.clone(), p.details.name_key());
        if keys(before) != keys(after) {
            // Stale entries lead to somebody who is compared again anyway.
            self.index(at, after);
        }
    }

    /// Who a row is about: the other program's id first, then email and name; without an
    /// address, name and phone.
    fn find(&self, row: &ParsedRow) -> Option<usize> {
        let by_id = row.external_id.as_ref().and_then(|id| self.by_external.get(id));
        if let Some(at) = by_id {
            return Some(*at);
        }
        let key = row.name.as_ref().map(|n| name_key(&n.full));
        let among = |list: Option<&Vec<usize>>, fits: &dyn Fn(&Person) -> bool| {
            let list = list?;
            list.iter().copied().find(|at| self.people.get(*at).is_some_and(fits))
        };
        match (&row.email, key) {
            (Some(email), key) => {
                let list = self.by_email.get(&email.norm);
                let here = |p: &Person| p.details.email.as_ref().is_some_and(|e| e.norm == email.norm);
                match key {
                    // A row without a name is about whoever has the address.
                    None => among(list, &here),
                    Some(key) => among(list, &|p| here(p) && p.details.name_key() == key)
                        // Whoever was added by address alone now has a name.
                        .or_else(|| among(list, &|p| here(p) && p.is_nameless()))
                        // Whoever was added without an address now has one.
                        .or_else(|| {
                            let phone = row.phone.as_ref().map(comparable)?;
                            among(self.by_name.get(&key), &|p| {
                                p.details.email.is_none()
                                    && p.details.name_key() == key
                                    && p.details.phone.as_ref().is_some_and(|own| comparable(own) == phone)
                            })
                        }),
                }
            }
            (None, Some(key)) => {
                let phone = row.phone.as_ref().map(comparable);
                among(self.by_name.get(&key), &|p| {
                    p.details.email.is_none()
                        && p.details.name_key() == key
                        && p.details.phone.as_ref().map(comparable) == phone
                })
            }
            (None, None) => None,
        }
    }

    /// Works the wishes of a row in.
    fn hear(&mut self, at: usize, person: &mut Person, row: &ParsedRow, moved: bool) {
        // They have another address now, one that was taken off the list.
        let against = row.email.as_ref().filter(|_| moved);
        let against = against.and_then(|_| self.against_address(person, false));
        let told = self.kept_back.len();
        for (channel, said) in [
            (Channel::Email, &row.email_consent),
            (Channel::WhatsApp, &row.whatsapp_consent),
        ] {
            if let Some(said) = said {
                self.hear_one(at, person, channel, said, row.line, moved);
            }
        }
        let says_no = row
            .email_consent
            .as_ref()
            .is_some_and(|said| said.wish == Wish::Withdraw);
        if let Some(reason) = against.filter(|_| !says_no && self.kept_back.len() == told) {
            self.kept_back.push(ConsentRejected {
                line: row.line,
                column: "Email".to_owned(),
                reason,
            });
        }
    }

    fn hear_one(
        &mut self,
        at: usize,
        person: &mut Person,
        channel: Channel,
        said: &ConsentClaim,
        line: u64,
        moved: bool,
    ) {
        let state = match channel {
            Channel::Email => person.email_consent,
            Channel::WhatsApp => person.whatsapp_consent,
        };
        let is_news = said.wish.state() != state;
        if said.wish == Wish::Withdraw && channel == Channel::Email && (is_news || moved) {
            self.hear_no_of(person);
        }
        if !is_news {
            return;
        }
        if said.wish == Wish::Grant {
            let against = match channel {
                Channel::Email => person.against().or_else(|| self.against_address(person, true)),
                Channel::WhatsApp => (state == ConsentState::Withdrawn).then_some("Opted out before"),
            };
            if let Some(reason) = against {
                self.kept_back.push(ConsentRejected {
                    line,
                    column: said.column.clone(),
                    reason,
                });
                return;
            }
        }
        match channel {
            Channel::Email => person.email_consent = said.wish.state(),
            Channel::WhatsApp => person.whatsapp_consent = said.wish.state(),
        }
        self.heard.push(ConsentChange {
            person: at,
            channel,
            wish: said.wish,
            evidence: said.evidence.clone(),
        });
    }

    /// A no is said for the address as well as for the person.
    fn hear_no_of(&mut self, person: &Person) {
        let Some(address) = person.address() else { return };
        let suppressed = self.suppressed.entry(address.to_owned()).or_default();
        if suppressed.unsubscribed_at.is_none() {
            // For the rows that follow; the database is told the moment of the batch.
            suppressed.unsubscribed_at = Some(DateTime::UNIX_EPOCH);
            self.said_no.insert(address.to_owned());
        }
    }

    /// What was said for the address of somebody, and speaks against a yes to email.
    fn against_address(&self, person: &Person, bounces: bool) -> Option<&'static str> {
        let said = self.suppressed.get(person.address()?)?;
        match () {
            () if said.complained_at.is_some() => Some("Somebody with this address marked a message as spam before"),
            () if said.unsubscribed_at.is_some() => Some("Somebody with this address unsubscribed before"),
            () if said.bounced_at.is_some() && bounces => Some("The address bounced before"),
            () => None,
        }
    }
}

/// A phone number as far as it tells people apart.
fn comparable(phone: &crate::customers::phone::Phone) -> String {
    phone.e164.clone().unwrap_or_else(|| phone.typed.clone())
}

impl Person {
    /// Their address as it is compared.
    fn address(&self) -> Option<&str> {
        self.details.email.as_ref().map(|email| email.norm.as_str())
    }

    /// What they did themselves that speaks against a yes to email.
    fn against(&self) -> Option<&'static str> {
        match () {
            () if self.complained => Some("Marked a message as spam before"),
            () if self.email_consent == ConsentState::Withdrawn => Some("Unsubscribed before"),
            () if self.bounced => Some("The address bounced before"),
            () => None,
        }
    }

    /// Added by address alone: the address stands in for the name.
    fn is_nameless(&self) -> bool {
        let key = self.details.name_key();
        self.details.email.as_ref().is_some_and(|e| e.norm == key)
    }

    /// Takes over what a row says. An earlier row of the same file is not contradicted, only
    /// completed; nothing is emptied.
    fn learn(&mut self, c: &ParsedRow, fresh: bool) {
        if let Some(id) = &c.external_id {
            self.external_id.get_or_insert_with(|| id.clone());
        }
        if let Some(email) = &c.email {
            self.learn_email(email, fresh);
        }
        self.learn_name(c, fresh);
        fn put<T: Clone>(slot: &mut Option<T>, value: &Option<T>, fresh: bool) {
            if value.is_some() && (fresh || slot.is_none()) {
                slot.clone_from(value);
            }
        }
        let d = &mut self.details;
        // The same number written differently is no change.
        let same_phone = d.phone.as_ref().map(comparable) == c.phone.as_ref().map(comparable);
        if !same_phone {
            put(&mut d.phone, &c.phone, fresh);
        }
        // A file that leaves the year out does not make it forgotten.
        let same_day = |a: Option<crate::customers::model::YearlyDate>,
                        b: Option<crate::customers::model::YearlyDate>| {
            matches!((a, b), (Some(a), Some(b)) if a.month == b.month && a.day == b.day && b.year.is_none())
        };
        if !same_day(d.birthday, c.birthday) {
            put(&mut d.birthday, &c.birthday, fresh);
        }
        if !same_day(d.anniversary, c.anniversary) {
            put(&mut d.anniversary, &c.anniversary, fresh);
        }
        put(&mut d.partner_birthday, &c.partner_birthday, fresh);
        if let Some(partner) = c.partner_name.as_ref().filter(|_| fresh || d.partner_name.is_empty()) {
            d.partner_name.clone_from(partner);
        }
        if let Some(vip) = c.vip.filter(|_| fresh) {
            d.is_vip = vip;
        }
        if let Some(notes) = c.notes.as_ref().filter(|n| !self.notes.contains(n.as_str())) {
            if !self.notes.is_empty() {
                self.notes.push_str("\n\n");
            }
            self.notes.push_str(notes);
        }
        if let Some(cents) = c.spent_cents.filter(|_| fresh || self.spent_elsewhere_cents == 0) {
            self.spent_elsewhere_cents = cents;
        }
        self.last_visit_at = self.last_visit_at.max(c.last_visit_at);
        if self.id.is_none() {
            put(&mut self.since, &c.since, fresh);
        }
    }

    /// Adds tags up to the most that somebody may have; answers how many were too many.
    fn learn_tags(&mut self, tags: &[String]) -> usize {
        let new: Vec<&String> = tags.iter().filter(|t| !self.tags.contains(*t)).collect();
        let room = MOST_TAGS.saturating_sub(self.tags.len());
        self.tags.extend(new.iter().take(room).map(|t| (*t).clone()));
        new.len().saturating_sub(room)
    }

    fn learn_email(&mut self, email: &Email, fresh: bool) {
        let same = self.details.email.as_ref().is_some_and(|e| e.norm == email.norm);
        if !same && (fresh || self.details.email.is_none()) {
            // Another address has not bounced.
            self.bounced = false;
            self.details.email = Some(email.clone());
        }
    }

    fn learn_name(&mut self, c: &ParsedRow, fresh: bool) {
        let Some(name) = &c.name else {
            if self.details.name.is_empty() {
                let address = self.details.email.as_ref().map(|e| e.typed.clone());
                self.details.name = address.unwrap_or_default();
            }
            return;
        };
        let unnamed = self.details.name.is_empty() || self.is_nameless();
        let other = name_key(&name.full) != self.details.name_key();
        if unnamed || (fresh && other) {
            self.details.name.clone_from(&name.full);
            self.put_parts(name);
        } else if fresh && name.in_parts && !other {
            // The same name, but the file knows where it is split.
            let key = |a: &str, b: &str| (name_key(a), name_key(b));
            if key(&name.first, &name.last) != key(&self.details.first_name, &self.details.last_name) {
                self.put_parts(name);
            }
        }
    }

    fn put_parts(&mut self, name: &FullName) {
        self.details.first_name.clone_from(&name.first);
        self.details.last_name.clone_from(&name.last);
    }
}
