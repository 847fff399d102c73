//! Making a stranger's text harmless without changing what it says.

use std::borrow::Cow;

/// A longer value is cut: no name is, and a header must stay a header.
const LONGEST_VALUE: usize = 200;

/// One line of visible text: controls and line breaks become spaces, invisible direction
/// overrides and noncharacters go, the ends are trimmed, and what is not visible at all is empty.
/// At most 200 characters.
pub fn clean_line(value: &str) -> Cow<'_, str> {
    clean_line_to(LONGEST_VALUE, value)
}

/// As [`clean_line`], of at most `longest` characters.
pub fn clean_line_to(longest: usize, value: &str) -> Cow<'_, str> {
    let plain = value.len() <= longest
        && value.bytes().all(|b| (0x20..0x7f).contains(&b))
        && !value.starts_with(' ')
        && !value.ends_with(' ');
    if plain {
        return Cow::Borrowed(value);
    }
    let kept: String = value.chars().filter_map(as_one_line).take(longest).collect();
    if kept.chars().all(is_invisible) {
        Cow::Borrowed("")
    } else {
        Cow::Owned(kept.trim().to_owned())
    }
}

/// Text of several lines for a message: line ends become `\n`, other controls and noncharacters go.
pub(super) fn clean_lines(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    kept.push('\n');
                }
            }
            '\u{2028}' | '\u{2029}' => kept.push('\n'),
            '\t' => kept.push_str("    "),
            '\n' => kept.push('\n'),
            c if c.is_control() || is_reserved(c) => {}
            c => kept.push(c),
        }
    }
    kept
}

fn as_one_line(c: char) -> Option<char> {
    match c {
        '\u{2028}' | '\u{2029}' => Some(' '),
        c if c.is_control() => Some(' '),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        c if is_reserved(c) => None,
        c => Some(c),
    }
}

/// Code points that are never text: noncharacters (some of which mark fields while compiling),
/// the byte order mark, and tags.
fn is_reserved(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}' | '\u{feff}' | '\u{e0001}') || (c as u32) & 0xfffe == 0xfffe
}

fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}')
}

/// Appends `text` so that neither an element nor a quoted attribute can end inside it.
pub fn escape_html(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        out.push_str(match from.as_bytes().first() {
            Some(b'&') => "&amp;",
            Some(b'<') => "&lt;",
            Some(b'>') => "&gt;",
            Some(b'"') => "&quot;",
            _ => "&#39;",
        });
        rest = from.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_plain_name_is_not_copied() {
        assert!(matches!(clean_line("Amara Okafor"), Cow::Borrowed("Amara Okafor")));
    }

    #[test]
    fn line_breaks_and_overrides_do_not_survive() {
        assert_eq!(clean_line("Bob\r\nBcc: x@example.com"), "Bob  Bcc: x@example.com");
        assert_eq!(clean_line("\u{202e}evil\u{2069}"), "evil");
        assert_eq!(clean_line(" \u{200b}\u{200f} "), "");
        assert_eq!(clean_line("\u{85}Zoë\u{0}"), "Zoë");
    }

    #[test]
    fn a_joiner_inside_a_name_survives() {
        let name = "علی\u{200c}رضا";
        assert_eq!(clean_line(name), name);
    }

    proptest! {
        #[test]
        fn a_cleaned_line_is_one_short_visible_line(value in any::<String>()) {
            let clean = clean_line(&value);
            prop_assert!(clean.chars().count() <= LONGEST_VALUE);
            let has_override = clean.contains(['\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}']);
            prop_assert!(!has_override && !clean.chars().any(char::is_control));
            let again = clean_line(&clean).into_owned();
            prop_assert_eq!(again, clean.into_owned());
        }

        #[test]
        fn escaped_text_has_no_markup(value in any::<String>()) {
            let mut out = String::new();
            escape_html(&value, &mut out);
            prop_assert!(!out.contains(['<', '>', '"', '\'']));
            let back = out.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&");
            prop_assert_eq!(back, value);
        }
    }
}
