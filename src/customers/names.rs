//! Names, tags and other short texts, cleaned.

/// Longest name kept, in characters.
pub const LONGEST_NAME: usize = 200;
/// Longest tag kept, in characters.
pub const LONGEST_TAG: usize = 60;

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

/// One line of plain text: control characters and those that turn the direction of writing are
/// gone, runs of space are one space.
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        let word: String = word.chars().filter(|c| !turns_direction(*c)).collect();
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
        .filter(|c| (*c == '\n' || *c == '\t' || !c.is_control()) && !turns_direction(*c))
        .collect();
    text.trim().to_owned()
}

fn turns_direction(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

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

/// Tags from a text with commas or semicolons: lower case, trimmed, sorted, each once.
pub fn tags(text: &str) -> Vec<String> {
    let mut tags: Vec<String> = text
        .split([',', ';', '\n'])
        .map(|t| clean(t).to_lowercase())
        .filter(|t| !t.is_empty())
        .collect();
    tags.sort();
    tags.dedup();
    tags
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
}
