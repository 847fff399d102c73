//! The demo's phone numbers: nobody has them.

use super::dice::Dice;

/// The mobile numbers that are reserved for fiction in Australia.
const MOBILES: [&str; 30] = [
    "0491570006",
    "0491570156",
    "0491570157",
    "0491570158",
    "0491570159",
    "0491570110",
    "0491570313",
    "0491570737",
    "0491571266",
    "0491571491",
    "0491571804",
    "0491572549",
    "0491572665",
    "0491572983",
    "0491573770",
    "0491573087",
    "0491574118",
    "0491574632",
    "0491575254",
    "0491575789",
    "0491576398",
    "0491576801",
    "0491577426",
    "0491577644",
    "0491578957",
    "0491578148",
    "0491578888",
    "0491579212",
    "0491579760",
    "0491579455",
];

/// A number of the ranges kept for fiction.
pub fn number(dice: &mut Dice) -> String {
    if dice.percent(8)
        && let Some(mobile) = dice.pick(&MOBILES)
    {
        let part = |from: usize, to: usize| mobile.get(from..to).unwrap_or_default();
        return format!("{} {} {}", part(0, 4), part(4, 7), part(7, 10));
    }
    let area = dice
        .pick(&["02", "02", "02", "03", "07", "08"])
        .copied()
        .unwrap_or("02");
    let block = dice.pick(&["5550", "7010"]).copied().unwrap_or("5550");
    format!("({area}) {block} {:04}", dice.between(0, 9_999))
}
