//! Text: numbers as people read them, and what people typed, made clean.

/// Longest name of a member of staff, of a store and of a sender, in characters.
pub const LONGEST_OWN_NAME: usize = 100;

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

/// The name of a member of staff, of a store or of a sender, as typed: one clean line that can be
/// seen and is short enough for every line of the audit log, or what to do about it.
pub fn own_name(typed: &str, missing: &str) -> Result<String, String> {
    let name = clean(typed);
    if !name.chars().any(char::is_alphanumeric) {
        return Err(missing.to_owned());
    }
    match name.chars().count() {
        n if n > LONGEST_OWN_NAME => Err(format!("Use at most {LONGEST_OWN_NAME} characters: it has {n}")),
        _ => Ok(name),
    }
}

/// Turns the direction of writing, or takes no room. Joiners stay: some scripts need them.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_name_is_a_line_that_can_be_seen() {
        let of = |typed: &str| own_name(typed, "Enter a name");
        assert_eq!(of(" Ann\r\nLee\u{202E}\u{1b}[31m ").as_deref(), Ok("Ann Lee [31m"));
        assert_eq!(of("O'Hara & Söhne, 宝石"), Ok("O'Hara & Söhne, 宝石".to_owned()));
        for unseen in ["", " \u{200b}\u{200d} ", "\u{2066}\u{2069}", "\0\u{7}"] {
            assert_eq!(of(unseen), Err("Enter a name".to_owned()), "{unseen:?}");
        }
        assert!(of(&"é".repeat(100)).is_ok());
        assert!(of(&"é".repeat(101)).is_err_and(|words| words.contains("at most 100")));
    }
}
