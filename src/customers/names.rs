//! Names, tags and other short texts, cleaned.

use std::collections::HashSet;

use crate::text::clean;

/// Longest name kept, in characters.
pub const LONGEST_NAME: usize = 200;
/// Longest tag kept, in characters.
pub const LONGEST_TAG: usize = 60;
/// Most tags one customer has.
pub const MOST_TAGS: usize = 50;

const HONORIFICS: [&str; 13] = [
    "mr",
    "mrs",
    "ms",
    "miss",
    "mx",
    "dr",
    "prof",
    "professor",
    "sir",
    "lady",
    "lord",
    "rev",
    "fr",
];

/// The name folded for comparing and sorting: lower case, trimmed, single spaces.
pub fn name_key(name: &str) -> String {
    clean(name).to_lowercase()
}

/// First and last name. A title is neither; what follows the first name is the last name.
pub fn split(name: &str) -> (String, String) {
    let name = clean(name);
    let mut words = name.split(' ').filter(|w| !w.is_empty()).peekable();
    let mut titled = false;
    while let Some(word) = words.peek() {
        let bare = word.trim_end_matches('.').to_lowercase();
        if !HONORIFICS.contains(&bare.as_str()) {
            break;
        }
        titled = true;
        words.next();
    }
    let rest: Vec<&str> = words.collect();
    match rest.as_slice() {
        [] => (String::new(), String::new()),
        // "Mrs Chen" says a last name only.
        [one] if titled => (String::new(), (*one).to_owned()),
        [first, last @ ..] => ((*first).to_owned(), last.join(" ")),
    }
}

const BETWEEN_TAGS: [char; 3] = [',', ';', '\n'];

/// Tags from a text with commas or semicolons: lower case, trimmed, sorted, each once. A tag in
/// quotation marks may have a comma in it.
pub fn tags(text: &str) -> Vec<String> {
    let mut tags = tags_as_written(text);
    tags.sort();
    tags
}

/// The same in the order they are written.
pub fn tags_as_written(text: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut tags = Vec::new();
    let mut rest = Some(text);
    while let Some(left) = rest {
        let (piece, after) = quoted_tag(left).unwrap_or_else(|| plain_tag(left));
        rest = after;
        let tag = clean(&piece).to_lowercase();
        if !tag.is_empty() && seen.insert(tag.clone()) {
            tags.push(tag);
        }
    }
    tags
}

/// Tags as one line that [`tags`] reads back.
pub fn tag_line(tags: &[String]) -> String {
    let tags: Vec<String> = tags
        .iter()
        .map(|tag| match tag.contains(BETWEEN_TAGS) || tag.starts_with('"') {
            true => format!("\"{}\"", tag.replace('"', "\"\"")),
            false => tag.clone(),
        })
        .collect();
    tags.join(", ")
}

fn plain_tag(text: &str) -> (String, Option<&str>) {
    match text.split_once(BETWEEN_TAGS) {
        Some((tag, rest)) => (tag.to_owned(), Some(rest)),
        None => (text.to_owned(), None),
    }
}

/// A tag in quotation marks; nothing where the marks are not around all of it.
fn quoted_tag(text: &str) -> Option<(String, Option<&str>)> {
    let mut rest = text.trim_start().strip_prefix('"')?;
    let mut tag = String::new();
    loop {
        let (before, after) = rest.split_once('"')?;
        tag.push_str(before);
        let Some(more) = after.strip_prefix('"') else {
            let after = after.trim_start_matches([' ', '\t', '\r']);
            return match after.strip_prefix(BETWEEN_TAGS) {
                None if after.is_empty() => Some((tag, None)),
                None => None,
                rest => Some((tag, rest)),
            };
        };
        tag.push('"');
        rest = more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_split_as_people_mean_them() {
        let of = |n| split(n);
        assert_eq!(of("Amara Okafor"), ("Amara".into(), "Okafor".into()));
        assert_eq!(of("Dr. Ana  de la Cruz"), ("Ana".into(), "de la Cruz".into()));
        assert_eq!(of("Mrs Chen"), (String::new(), "Chen".into()));
        assert_eq!(of("Cher"), ("Cher".into(), String::new()));
        assert_eq!(of("  "), (String::new(), String::new()));
    }

    #[test]
    fn what_could_break_a_header_is_gone() {
        assert_eq!(clean("Joe\r\nBcc: x\u{202E}y\0 "), "Joe Bcc: xy");
        assert_eq!(name_key(" Amara\tOKAFOR "), "amara okafor");
    }

    #[test]
    fn tags_are_lower_case_and_single() {
        assert_eq!(tags("Wedding, VIP ,wedding;; repairs"), ["repairs", "vip", "wedding"]);
    }

    #[test]
    fn a_tag_in_quotation_marks_is_one() {
        assert_eq!(tags("\"Wedding\",\"VIP, gold\""), ["vip, gold", "wedding"]);
        assert_eq!(tags("5\" chain, \"open, \"a\"b"), ["\"a\"b", "\"open", "5\" chain"]);
        for all in [["vip, gold", "wedding"], ["\"so\", he; said", "\"x"]] {
            let all: Vec<String> = all.map(str::to_owned).to_vec();
            assert_eq!(tags(&tag_line(&all)), all);
        }
    }

    #[test]
    fn what_nobody_sees_is_gone() {
        assert_eq!(
            clean("\u{200B}Amara\u{A0}\u{FEFF}Oka\u{AD}for\u{2060} "),
            "Amara Okafor"
        );
    }
}
