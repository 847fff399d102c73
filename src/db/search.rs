//! What people search for, made ready for `like`, in one place: long texts are cut, because a
//! pattern may not be of any length, and wildcards are letters.

/// Longest text that is searched for, in characters.
pub const LONGEST: usize = 200;

/// What is searched for: without space around it, and no longer than [`LONGEST`].
pub fn wanted(typed: &str) -> &str {
    let typed = typed.trim();
    let end = typed.char_indices().nth(LONGEST).map_or(typed.len(), |(end, _)| end);
    typed.get(..end).unwrap_or(typed).trim_end()
}

/// A text that means only itself in a pattern with `escape '!'`.
pub fn literal(text: &str) -> String {
    let text = wanted(text);
    let mut pattern = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if matches!(c, '!' | '%' | '_') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern
}

/// The pattern for values that contain a text, with `escape '!'`.
pub fn containing(text: &str) -> String {
    format!("%{}%", literal(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_letters_and_long_texts_are_cut() {
        assert_eq!(containing(" 50%_O! "), "%50!%!_O!!%");
        assert_eq!(wanted(&"é".repeat(26_000)).chars().count(), LONGEST);
        assert_eq!(literal(&"_".repeat(26_000)).len(), 2 * LONGEST);
    }
}
