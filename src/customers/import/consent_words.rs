//! The words of other programs for yes and no.

use crate::customers::dates::{self, DateStyle};

/// What a cell says of the wish to get mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    No,
    /// Nobody asked, or nobody answered.
    Unsaid,
    /// Something we don't know: no agreement.
    Unclear,
}

/// A cell of a column that says who agreed.
pub(super) fn agreed(cell: &str) -> Answer {
    let word = word_of(cell);
    match word.as_str() {
        "yes" | "y" | "true" | "1" | "x" | "on" | "subscribed" | "opted in" | "opt in" | "optin" | "granted"
        | "accepted" | "accepts marketing" | "agreed" | "explicit" | "express" => Answer::Yes,
        ""
        | "n/a"
        | "na"
        | "none"
        | "null"
        | "nil"
        | "pending"
        | "never subscribed"
        | "not set"
        | "no permission set"
        | "no permissions set"
        | "implied"
        | "unconfirmed"
        | "awaiting confirmation"
        | "pending confirmation"
        | "transactional"
        | "nonsubscribed"
        | "non subscribed"
        | "unknown"
        | "not asked" => Answer::Unsaid,
        word if is_no(word) => Answer::No,
        _ => Answer::Unclear,
    }
}

/// A cell of a column that says who wants nothing: a yes, a reason and a day are a no. What we
/// don't know is one too, because something is written there.
pub(super) fn opted_out(cell: &str) -> Answer {
    let word = word_of(cell);
    match word.as_str() {
        "" | "n/a" | "na" | "none" | "null" | "nil" | "no" | "n" | "false" | "0" | "off" | "never"
        | "never unsubscribed" | "not unsubscribed" | "subscribed" | "not opted out" | "opted in" | "pending"
        | "not set" | "active" => Answer::Unsaid,
        "yes" | "y" | "true" | "1" | "x" | "on" | "manual" | "user suppressed" | "invalid email" => Answer::No,
        word if is_no(word) => Answer::No,
        _ if is_day(cell) == Some(true) => Answer::No,
        _ if is_day(cell) == Some(false) => Answer::Unsaid,
        _ => Answer::Unclear,
    }
}

fn is_no(word: &str) -> bool {
    matches!(
        word,
        "no" | "n"
            | "false"
            | "0"
            | "off"
            | "no email"
            | "no emails"
            | "unsubscribe"
            | "unsubscribed"
            | "not subscribed"
            | "opted out"
            | "opt out"
            | "optout"
            | "withdrawn"
            | "revoked"
            | "declined"
            | "denied"
            | "rejected"
            | "removed"
            | "cleaned"
            | "bounced"
            | "bounce"
            | "hard bounce"
            | "hard bounced"
            | "complained"
            | "complaint"
            | "spam"
            | "spam complaint"
            | "marked as spam"
            | "suppressed"
            | "blocked"
            | "blocklisted"
            | "blacklisted"
    )
}

/// A yes or a no about something else.
pub(super) fn yes_or_no(cell: &str) -> Result<Option<bool>, String> {
    match word_of(cell).as_str() {
        "yes" | "y" | "true" | "1" | "x" => Ok(Some(true)),
        "no" | "n" | "false" | "0" => Ok(Some(false)),
        _ => Err("This is neither yes nor no".to_owned()),
    }
}

/// Lower case, with single spaces for what stands between words.
fn word_of(cell: &str) -> String {
    let words: Vec<String> = cell
        .split(|c: char| c.is_whitespace() || c == '_' || c == '-')
        .filter(|w| !w.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.join(" ")
}

/// Whether it is a day; false for the zeros that stand for none.
fn is_day(cell: &str) -> Option<bool> {
    let style = DateStyle {
        order: Some(dates::DayOrder::DayFirst),
        this_year: 9999,
    };
    dates::yearly(cell, style).ok().map(|day| day.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_programs_are_known() {
        for (word, answer) in [
            ("SUBSCRIBED", Answer::Yes),
            ("opted_in", Answer::Yes),
            ("Explicit", Answer::Yes),
            ("NEVER_SUBSCRIBED", Answer::Unsaid),
            ("No Permissions Set", Answer::Unsaid),
            ("UNSUBSCRIBED", Answer::No),
            ("Cleaned", Answer::No),
            ("not_subscribed", Answer::No),
            ("FALSE", Answer::No),
            ("perhaps", Answer::Unclear),
            ("2025-01-05", Answer::Unclear),
        ] {
            assert_eq!(agreed(word), answer, "{word}");
        }
        for (word, answer) in [
            ("FALSE", Answer::Unsaid),
            ("0", Answer::Unsaid),
            ("0000-00-00 00:00:00", Answer::Unsaid),
            ("never", Answer::Unsaid),
            ("TRUE", Answer::No),
            ("1", Answer::No),
            ("UNSUBSCRIBE", Answer::No),
            ("HARD_BOUNCE", Answer::No),
            ("2025-01-05 09:00:00", Answer::No),
            ("5/1/2025", Answer::No),
            ("too many letters", Answer::Unclear),
        ] {
            assert_eq!(opted_out(word), answer, "{word}");
        }
    }
}
