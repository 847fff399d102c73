//! Text: numbers as people read them, and what people typed, made clean.

use crate::customers::names::is_unseen;

/// `1,204`
pub fn grouped(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    if n < 0 { format!("−{out}") } else { out }
}

/// One line of plain text: control characters, those that turn the direction of writing and those
/// that nobody sees are gone, runs of space are one space.
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        let word: String = word.chars().filter(|c| !is_unseen(*c)).collect();
        if !word.is_empty() {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(&word);
        }
    }
    out
}

/// Several lines of plain text: line breaks stay, other control characters are gone.
pub fn clean_lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let text: String = text
        .chars()
        .filter(|c| (*c == '\n' || *c == '\t' || !c.is_control()) && !is_unseen(*c))
        .collect();
    text.trim().to_owned()
}
