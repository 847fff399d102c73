//! What became of the demo's past campaigns, person by person, by the rules a real send follows.

use std::collections::HashSet;

use chrono::{DateTime, Duration, Utc};

use super::{
    dice::Dice,
    moments::Calendar,
    people::{Person, Said},
    words::{For, PAST, Past},
};
use crate::{messages::model::MessageState, recipients::model::SkipReason};

const SEED: u64 = 0x6172_6368_6976;

/// A send that is over.
#[derive(Clone, Debug)]
pub struct Sent {
    pub past: Past,
    pub started: DateTime<Utc>,
    pub finished: DateTime<Utc>,
    pub rows: Vec<Row>,
}

impl Sent {
    pub fn count(&self, state: MessageState) -> i64 {
        i64::try_from(self.rows.iter().filter(|r| r.state == state).count()).unwrap_or_default()
    }
}

/// One person of it.
#[derive(Clone, Debug)]
pub struct Row {
    /// Which person, counted from 0.
    pub person: usize,
    pub state: MessageState,
    pub skipped: Option<SkipReason>,
    pub attempts: i64,
    pub settled: Option<DateTime<Utc>>,
    pub code: Option<i64>,
    pub reply: Option<String>,
}

/// Everything that was sent, oldest first. Marks on the people what it did to them: who was
/// reached when, and whose mailbox turned out to be closed.
pub fn play(people: &mut [Person], calendar: &Calendar) -> Vec<Sent> {
    let mut dice = Dice::new(SEED);
    PAST.iter()
        .map(|past| send(past, people, calendar, &mut dice))
        .collect()
}

fn send(past: &Past, people: &mut [Person], calendar: &Calendar, dice: &mut Dice) -> Sent {
    let started = calendar.at(past.days_ago, past.hour, 4);
    let mut taken = HashSet::new();
    let mut rows = Vec::new();
    // The first message goes out when the time to undo is over.
    let mut at = started + Duration::seconds(10);
    for (n, person) in people.iter_mut().enumerate() {
        if person.joined > started || !is_for(past.to, person) {
            continue;
        }
        let skipped = why_not(person, started).or_else(|| {
            let address = person.email_key().unwrap_or_default();
            (!taken.insert(address)).then_some(SkipReason::DuplicateAddress)
        });
        if skipped.is_some() {
            let row = Row {
                person: n,
                state: MessageState::Skipped,
                skipped,
                attempts: 0,
                settled: None,
                code: None,
                reply: None,
            };
            rows.push(row);
            continue;
        }
        at += Duration::milliseconds(dice.between(20, 90));
        rows.push(deliver(n, person, at, dice));
    }
    Sent {
        past: *past,
        started,
        finished: at,
        rows,
    }
}

fn deliver(n: usize, person: &mut Person, at: DateTime<Utc>, dice: &mut Dice) -> Row {
    let row = |state, attempts, code, reply: String| Row {
        person: n,
        state,
        skipped: None,
        attempts,
        settled: Some(at),
        code: Some(code),
        reply: Some(reply),
    };
    if person.closed_mailbox {
        let words = "5.1.1 The mailbox does not exist";
        person.bounced = Some((at, "Mailbox does not exist"));
        return row(MessageState::Rejected, 1, 550, words.to_owned());
    }
    if dice.permille(6) {
        return row(MessageState::Failed, 5, 452, "4.2.2 The mailbox is full".to_owned());
    }
    person.last_contacted = Some(at);
    let attempts = if dice.permille(12) { 2 } else { 1 };
    let id = dice.between(0x1000_0000, 0xFFFF_FFFF);
    row(
        MessageState::Accepted,
        attempts,
        250,
        format!("2.0.0 Ok: queued as {id:X}"),
    )
}

fn is_for(to: For, person: &Person) -> bool {
    match to {
        For::Everyone => true,
        For::Tags(tags) => tags.iter().any(|t| person.tags.contains(t)),
    }
}

/// The first reason that held at that moment.
fn why_not(person: &Person, at: DateTime<Utc>) -> Option<SkipReason> {
    let by_then = |moment: Option<DateTime<Utc>>| moment.is_some_and(|m| m <= at);
    let (agreed, left) = match person.said_email {
        Said::Nothing => (None, None),
        Said::Yes(when) => (Some(when), None),
        Said::No(when, left) => (Some(when), Some(left)),
    };
    let reasons = [
        (by_then(person.archived), SkipReason::Archived),
        (person.do_not_contact, SkipReason::DoNotContact),
        (person.email.is_none(), SkipReason::NoAddress),
        (!person.email_valid, SkipReason::NotValid),
        (by_then(person.complained), SkipReason::Complained),
        (by_then(left), SkipReason::Unsubscribed),
        (!by_then(agreed), SkipReason::NoOptIn),
        (by_then(person.bounced.map(|b| b.0)), SkipReason::Bounced),
    ];
    reasons.into_iter().find(|(holds, _)| *holds).map(|(_, reason)| reason)
}
