//! What the buttons of the toolbar do to a text. Positions count as browsers count: in UTF-16
//! units.

/// A button of the toolbar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    Bold,
    Italic,
    Heading,
    List,
    Link,
    Button,
    Picture,
}

impl Tool {
    pub const ALL: [Tool; 7] = [
        Tool::Bold,
        Tool::Italic,
        Tool::Heading,
        Tool::List,
        Tool::Link,
        Tool::Button,
        Tool::Picture,
    ];

    /// Its name.
    pub fn label(self) -> &'static str {
        match self {
            Tool::Bold => "Bold",
            Tool::Italic => "Italic",
            Tool::Heading => "Heading",
            Tool::List => "List",
            Tool::Link => "Link",
            Tool::Button => "Button",
            Tool::Picture => "Picture",
        }
    }
}

/// A change to a text, and what is selected after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub from: usize,
    pub to: usize,
    pub text: String,
    pub select: (usize, usize),
}

/// What a button does where `from..to` is selected.
pub fn press(tool: Tool, text: &str, from: usize, to: usize) -> Edit {
    let (from, to) = (byte(text, from), byte(text, to));
    match tool {
        Tool::Bold => wrap(text, from, to, "**", "bold words"),
        Tool::Italic => wrap(text, from, to, "*", "italic words"),
        Tool::Heading => lines(text, from, to, "# ", "Heading"),
        Tool::List => lines(text, from, to, "- ", "First point"),
        Tool::Link => address(text, from, to, "[", "words"),
        Tool::Button => address(text, from, to, "[button: ", "Book a time"),
        Tool::Picture => address(text, from, to, "![", "What it shows"),
    }
}

/// Puts a text where `from..to` is selected, and the cursor behind it.
pub fn insert(text: &str, from: usize, to: usize, words: &str) -> Edit {
    edit(
        text,
        (byte(text, from), byte(text, to)),
        words.to_owned(),
        (words.len(), words.len()),
    )
}

/// Replaces `at` (bytes) by `new`, of which `select` (bytes) is selected afterwards.
fn edit(text: &str, at: (usize, usize), new: String, select: (usize, usize)) -> Edit {
    let start = units(part(text, 0, at.0));
    let selected = |end: usize| start + units(part(&new, 0, end));
    Edit {
        from: start,
        to: units(part(text, 0, at.1)),
        select: (selected(select.0), selected(select.1)),
        text: new,
    }
}

/// Marks on both sides; pressed on marked words, it takes them away.
fn wrap(text: &str, from: usize, to: usize, mark: &str, example: &str) -> Edit {
    let (from, to) = without_space(text, from, to);
    let (before, inside, after) = (part(text, 0, from), part(text, from, to), part(text, to, text.len()));
    let stars = |marks: usize| match mark.len() {
        1 => marks % 2 == 1,
        _ => marks >= 2,
    };
    let around =
        (before.len() - before.trim_end_matches('*').len()).min(after.len() - after.trim_start_matches('*').len());
    if !inside.is_empty() && stars(around) {
        let at = (from - mark.len(), to + mark.len());
        return edit(text, at, inside.to_owned(), (0, inside.len()));
    }
    let inside = if inside.is_empty() { example } else { inside };
    let new = format!("{mark}{inside}{mark}");
    edit(text, (from, to), new, (mark.len(), mark.len() + inside.len()))
}

/// A mark at the beginning of each line; pressed on lines that have it, it takes it away.
fn lines(text: &str, from: usize, to: usize, mark: &str, example: &str) -> Edit {
    let start = part(text, 0, from).rfind('\n').map_or(0, |at| at + 1);
    let end = part(text, to, text.len()).find('\n').map_or(text.len(), |at| to + at);
    let block = part(text, start, end);
    if block.trim().is_empty() {
        return edit(
            text,
            (start, end),
            format!("{mark}{example}"),
            (mark.len(), mark.len() + example.len()),
        );
    }
    let marked = |line: &str| line.trim().is_empty() || line.starts_with(mark);
    let all = block.split('\n').all(marked);
    let new: Vec<String> = block
        .split('\n')
        .map(|line| match (all, line.trim().is_empty()) {
            (_, true) => line.to_owned(),
            (true, _) => line.strip_prefix(mark).unwrap_or(line).to_owned(),
            (false, _) if marked(line) => line.to_owned(),
            (false, _) => format!("{mark}{}", line.trim_start_matches(['#', ' '])),
        })
        .collect();
    let new = new.join("\n");
    let length = new.len();
    edit(
        text,
        (start, end),
        new,
        if from == to { (length, length) } else { (0, length) },
    )
}

/// Words and an address; whichever of them is still an example is selected.
fn address(text: &str, from: usize, to: usize, open: &str, example: &str) -> Edit {
    const ADDRESS: &str = "https://";
    let (from, to) = without_space(text, from, to);
    let chosen = part(text, from, to);
    let scheme = chosen.split_once("://").map_or("", |(scheme, _)| scheme);
    let is_address = ["https", "http"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let (words, target) = match chosen {
        "" => (example, ADDRESS),
        chosen if is_address => (example, chosen),
        chosen => (chosen, ADDRESS),
    };
    let new = format!("{open}{words}]({target})");
    let select = match words == example {
        true => (open.len(), open.len() + words.len()),
        false => (new.len() - 1 - target.len(), new.len() - 1),
    };
    edit(text, (from, to), new, select)
}

/// Without the space at either end, which a double click selects as well.
fn without_space(text: &str, from: usize, to: usize) -> (usize, usize) {
    let chosen = part(text, from, to);
    let start = from + (chosen.len() - chosen.trim_start().len());
    (start, start + chosen.trim().len())
}

fn part(text: &str, from: usize, to: usize) -> &str {
    text.get(from..to).unwrap_or_default()
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The byte that is `unit` units in.
fn byte(text: &str, unit: usize) -> usize {
    let mut left = unit;
    for (at, c) in text.char_indices() {
        if left == 0 {
            return at;
        }
        left = left.saturating_sub(c.len_utf16());
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Presses a button on a text in which `‹` and `›` stand around what is selected; answers in
    /// the same way.
    fn pressed(tool: Tool, text: &str) -> String {
        let until = |mark: char| text.split_once(mark).map_or(0, |(before, _)| units(before));
        let (from, to) = (until('‹'), until('›') - 1);
        shown(text, |plain| press(tool, plain, from, to))
    }

    fn shown(text: &str, act: impl FnOnce(&str) -> Edit) -> String {
        let plain = text.replace(['‹', '›'], "");
        let edit = act(&plain);
        let mut units: Vec<u16> = plain.encode_utf16().collect();
        units.splice(edit.from..edit.to, edit.text.encode_utf16());
        units.splice(edit.select.1..edit.select.1, "›".encode_utf16());
        units.splice(edit.select.0..edit.select.0, "‹".encode_utf16());
        String::from_utf16_lossy(&units)
    }

    #[test]
    fn marks_go_around_words_and_off_again() {
        assert_eq!(pressed(Tool::Bold, "A ‹quiet ›hour"), "A **‹quiet›** hour");
        assert_eq!(pressed(Tool::Bold, "A **‹quiet›** hour"), "A ‹quiet› hour");
        assert_eq!(pressed(Tool::Italic, "A **‹quiet›** hour"), "A ***‹quiet›*** hour");
        assert_eq!(pressed(Tool::Italic, "A ***‹quiet›*** hour"), "A **‹quiet›** hour");
        assert_eq!(pressed(Tool::Bold, "A *‹quiet›* hour"), "A ***‹quiet›*** hour");
        assert_eq!(pressed(Tool::Bold, "💍 ‹›"), "💍 **‹bold words›**");
    }

    #[test]
    fn whole_lines_become_headings_and_lists_and_back() {
        assert_eq!(pressed(Tool::Heading, "a\nRi‹›ngs\nb"), "a\n# Rings‹›\nb");
        assert_eq!(pressed(Tool::Heading, "# Ri‹›ngs"), "Rings‹›");
        assert_eq!(pressed(Tool::List, "o‹ne\n\ntw›o\nthree"), "‹- one\n\n- two›\nthree");
        assert_eq!(pressed(Tool::List, "‹- one\n- two›"), "‹one\ntwo›");
        assert_eq!(pressed(Tool::List, "‹›"), "- ‹First point›");
    }

    #[test]
    fn an_address_is_asked_for_where_it_goes() {
        assert_eq!(pressed(Tool::Link, "See ‹our page›."), "See [our page](‹https://›).");
        assert_eq!(pressed(Tool::Link, "See ‹›"), "See [‹words›](https://)");
        assert_eq!(
            pressed(Tool::Link, "‹https://example.com/é›"),
            "[‹words›](https://example.com/é)"
        );
        assert_eq!(pressed(Tool::Button, "‹›"), "[button: ‹Book a time›](https://)");
        assert_eq!(pressed(Tool::Picture, "‹The ring›"), "![The ring](‹https://›)");
    }

    #[test]
    fn a_field_takes_the_place_of_what_is_selected() {
        let words = shown("Dear 💍 ‹you›,", |plain| insert(plain, 8, 11, "{{first_name}}"));
        assert_eq!(words, "Dear 💍 {{first_name}}‹›,");
    }
}
