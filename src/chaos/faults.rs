//! What the mail server does wrong in a round.

use std::{collections::HashMap, time::Duration};

use super::{
    deal,
    rng::Rng,
    sink::{Fault, Rule, When},
};

/// Every kind but the slow dot, which every round has.
const KINDS: [Fault; 16] = [
    Fault::Mail(451),
    Fault::Mail(550),
    Fault::Rcpt(450),
    Fault::Rcpt(550),
    Fault::RcptButData(550),
    Fault::Data(451),
    Fault::Data(554),
    Fault::Closing,
    Fault::HangUpBeforeData,
    Fault::HangUpInContent,
    Fault::HangUpAfterDot,
    Fault::ResetAfterAccept,
    Fault::Dot(452),
    Fault::Dot(554),
    Fault::ClosingAfterDot,
    Fault::Nonsense,
];

const SLOW: Fault = Fault::SlowDot(Duration::ZERO);

/// What all of them are called.
#[cfg(test)]
pub fn names() -> impl Iterator<Item = &'static str> {
    KINDS.into_iter().chain([SLOW]).map(Fault::name)
}

/// How many kinds a round has beside the slow dot.
const IN_A_ROUND: u64 = 4;

/// What the faults of the round with this seed are called.
pub fn of_round(seed: u64) -> impl Iterator<Item = &'static str> {
    let kinds = deal::draw(&KINDS, seed, IN_A_ROUND).into_iter();
    kinds.chain([SLOW]).map(Fault::name)
}

/// A few kinds, each for every so many messages; and it is slow, so that what is under way stays
/// so for a while.
pub fn rules(seed: u64, rng: &mut Rng) -> Vec<Rule> {
    let mut rules = Vec::new();
    for fault in deal::draw(&KINDS, seed, IN_A_ROUND) {
        // A refused sender gives everything back to its people: once is enough.
        let when = match fault {
            Fault::Mail(550) => When::Nth(rng.between(20, 60)),
            _ => When::Every(rng.between(13, 60)),
        };
        rules.push(Rule::new(when, fault));
    }
    let slow = |rng: &mut Rng, most| Fault::SlowDot(Duration::from_millis(rng.between(5, most)));
    let (often, seldom) = (slow(rng, 25), slow(rng, 400));
    rules.push(Rule::new(When::Every(29), seldom));
    rules.push(Rule::new(When::Always, often));
    rules
}

/// How many messages the server itself left without an answer.
pub fn unanswered(struck: &HashMap<&'static str, u64>) -> u64 {
    [Fault::HangUpInContent, Fault::HangUpAfterDot, Fault::Nonsense]
        .iter()
        .filter_map(|fault| struck.get(fault.name()))
        .sum()
}
