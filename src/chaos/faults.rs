//! What the mail server does wrong in a round.

use std::{collections::HashMap, time::Duration};

use super::{
    dice::Dice,
    sink::{Fault, Rule, When},
};

/// Every kind that may come again and again.
const KINDS: [Fault; 14] = [
    Fault::Mail(451),
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
];

/// Four kinds or so, each for every so many messages; and it is slow, so that what is under way
/// stays so for a while.
pub fn rules(dice: &mut Dice) -> Vec<Rule> {
    let mut rules = Vec::new();
    for _ in 0..dice.between(3, 5) {
        let fault = KINDS.get(dice.place(KINDS.len())).copied().unwrap_or(Fault::Nonsense);
        rules.push(Rule::new(When::Every(dice.between(13, 60)), fault));
    }
    if dice.percent(30) {
        rules.push(Rule::new(When::Every(dice.between(25, 60)), Fault::Nonsense));
    }
    if dice.percent(4) {
        // The sender is refused: the campaign goes back to its people.
        rules.insert(0, Rule::new(When::Nth(dice.between(20, 100)), Fault::Mail(550)));
    }
    let slow = |dice: &mut Dice, most| Fault::SlowDot(Duration::from_millis(dice.between(5, most)));
    let (often, seldom) = (slow(dice, 25), slow(dice, 400));
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
