//! Finding `{{fields}}` before anything else reads the text. Each one becomes a single
//! noncharacter, which Markdown treats as a letter and nobody can type: `clean_lines` has
//! removed any that came in with the text.

use super::{
    field::Field,
    problem::{MOST_PROBLEMS, Place, ProblemKind, TemplateProblem},
};

const FIRST_MARK: u32 = 0xfdd0;

/// A text whose fields are marks, and the way back from its offsets to the text as typed.
#[derive(Debug)]
pub(super) struct Marked {
    pub text: String,
    /// After each mark: its end here, and the end of the field as typed.
    ends: Vec<(usize, usize)>,
    pub used: Vec<Field>,
}

impl Marked {
    /// Where something at `offset` of the marked text was typed.
    pub(super) fn typed_offset(&self, offset: usize) -> usize {
        let after = self.ends.iter().rev().find(|(here, _)| *here <= offset);
        after.map_or(offset, |(here, typed)| typed + (offset - here))
    }
}

/// The field a mark stands for.
pub(super) fn field_of(c: char) -> Option<Field> {
    let index = (c as u32).checked_sub(FIRST_MARK)?;
    Field::ALL.get(usize::try_from(index).ok()?).copied()
}

/// True for every mark, used or not.
pub(super) fn is_mark(c: char) -> bool {
    ('\u{fdd0}'..='\u{fdef}').contains(&c)
}

fn mark_of(field: Field) -> Option<char> {
    Field::ALL
        .iter()
        .zip(FIRST_MARK..)
        .find(|(one, _)| **one == field)
        .and_then(|(_, code)| char::from_u32(code))
}

/// Replaces every field by its mark; what is unknown or half a field is reported and left out. Stops
/// when enough is reported.
pub(super) fn mark_fields(place: Place, typed: &str, problems: &mut Vec<TemplateProblem>) -> Marked {
    let mut marked = Marked {
        text: String::with_capacity(typed.len()),
        ends: Vec::new(),
        used: Vec::new(),
    };
    let mut at = 0;
    loop {
        let rest = typed.get(at..).unwrap_or_default();
        if problems.len() >= MOST_PROBLEMS {
            // It won't be sent as it is: what follows need not be read.
            marked.text.push_str(rest);
            return marked;
        }
        let Some(found) = [rest.find("{{"), rest.find("}}")].into_iter().flatten().min() else {
            marked.text.push_str(rest);
            return marked;
        };
        let (before, braces) = rest.split_at(found);
        marked.text.push_str(before);
        let start = at + found;
        at = match read_field(braces) {
            Ok((field, length)) => {
                marked.text.extend(mark_of(field));
                marked.ends.push((marked.text.len(), start + length));
                if !marked.used.contains(&field) {
                    marked.used.push(field);
                }
                start + length
            }
            Err((kind, length)) => {
                place.note(problems, typed, start, kind);
                marked.ends.push((marked.text.len(), start + length));
                start + length
            }
        };
    }
}

/// The field that `braces` starts with and its length, or what is wrong with it and where to go on.
fn read_field(braces: &str) -> Result<(Field, usize), (ProblemKind, usize)> {
    let line = braces.split('\n').next().unwrap_or_default();
    let inner = line.strip_prefix("{{");
    let closed = inner.and_then(|inner| inner.find("}}").and_then(|end| inner.get(..end)));
    let Some(name) = closed.filter(|name| !name.contains("{{")) else {
        let shown: String = line.chars().take(20).collect();
        return Err((ProblemKind::Malformed(shown), 2));
    };
    let length = name.len() + 4;
    let key = name.trim();
    if let Some(field) = Field::from_key(key) {
        return Ok((field, length));
    }
    let looks_like_a_name = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "_- .".contains(c));
    let shown: String = name.chars().take(40).collect();
    let kind = if looks_like_a_name {
        ProblemKind::UnknownField(shown.trim().to_owned())
    } else {
        ProblemKind::Malformed(format!("{{{{{shown}}}}}"))
    };
    Err((kind, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(typed: &str) -> Vec<(usize, usize, ProblemKind)> {
        let mut problems = Vec::new();
        mark_fields(Place::Body, typed, &mut problems);
        problems.into_iter().map(|p| (p.line, p.column, p.kind)).collect()
    }

    #[test]
    fn every_wrong_field_is_listed_with_its_place() {
        let typed = "Dear {{first_name}},\nyour {{ring_size}} and\n  {{first_name} and }} and {{}}";
        let expected = vec![
            (2, 6, ProblemKind::UnknownField("ring_size".to_owned())),
            (3, 3, ProblemKind::Malformed("{{first_name} and }}".to_owned())),
            (3, 28, ProblemKind::Malformed("{{}}".to_owned())),
        ];
        assert_eq!(problems(typed), expected);
    }

    #[test]
    fn half_a_field_is_not_a_field() {
        for typed in [
            "{{first_name",
            "first_name}}",
            "{{{first_name}}}",
            "{{ {{first_name}}",
            "{{first\n_name}}",
        ] {
            assert!(!problems(typed).is_empty(), "{typed}");
        }
        assert_eq!(problems("{first_name} { } {{ first_name }}"), vec![]);
    }

    #[test]
    fn offsets_find_their_way_back() {
        let typed = "a {{first_name}} b {{last_name}} c";
        let marked = mark_fields(Place::Body, typed, &mut Vec::new());
        let here = marked.text.find('c').unwrap_or_default();
        assert_eq!(
            Some(marked.typed_offset(here)),
            typed
                .find('c')
                .filter(|_| typed.ends_with('c'))
                .map(|_| typed.len() - 1)
        );
    }
}
