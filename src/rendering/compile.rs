//! One message, made ready for everybody, and one person's copy of it.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    body,
    clean::{clean_line, clean_line_to, clean_lines, escape_html},
    field::Field,
    marks::{Marked, field_of, is_mark, mark_fields},
    page,
    pieces::{Part, Pieces, Slot},
    problem::{Place, ProblemKind, TemplateProblem},
};

/// Characters; a longer one is cut by every mail client and folded by none of them well.
const LONGEST_SUBJECT: usize = 250;
/// Of an unsubscribe page's address; one line of a header holds it.
const LONGEST_URL: usize = 900;
/// Bytes.
const LONGEST_BODY: usize = 100_000;

/// A message as typed, with what is the same for everyone of one send.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    pub subject: &'a str,
    pub body: &'a str,
    /// What a blank field reads instead, by [`Field::key`].
    pub fallbacks: &'a BTreeMap<String, String>,
    pub store_name: &'a str,
    /// Postal address and whatever else the store must say, in lines.
    pub footer: &'a str,
    /// The value of `{{staff_signature}}`, in lines.
    pub signature: &'a str,
    /// A language tag for screen readers, such as `en-AU`.
    pub lang: &'a str,
}

/// What differs from person to person. Blank means they have none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Person<'a> {
    pub first_name: &'a str,
    pub last_name: &'a str,
    /// In words, as [`next_anniversary`](super::next_anniversary) gives it.
    pub next_anniversary: &'a str,
    /// The whole address of their own unsubscribe page.
    pub unsubscribe_url: &'a str,
}

/// One person's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub subject: String,
    pub html: String,
    pub text: String,
}

/// A field the message uses, for the table of fallbacks under the editor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedField {
    pub field: Field,
    pub fallback: String,
    pub in_subject: bool,
}

/// A message ready for everybody. Rendering it for a person cannot fail.
#[derive(Clone, Debug)]
pub struct Compiled {
    subject: Pieces,
    html: Pieces,
    text: Pieces,
    used: Vec<UsedField>,
    /// By [`Slot::index`], cleaned.
    fallbacks: [String; 4],
}

/// Reads a message once for all its readers, or lists everything to mend.
pub fn compile(source: Source<'_>) -> Result<Compiled, Vec<TemplateProblem>> {
    let mut problems = Vec::new();
    let subject_typed = clean_lines(source.subject);
    let body_typed = clean_lines(source.body);
    if body_typed.len() > LONGEST_BODY {
        let kind = ProblemKind::TooLong {
            limit: LONGEST_BODY,
            unit: "bytes",
        };
        return Err(vec![Place::Body.problem(&body_typed, 0, kind)]);
    }
    let subject_marked = mark_fields(Place::Subject, &subject_typed, &mut problems);
    let body_marked = mark_fields(Place::Body, &body_typed, &mut problems);

    let fallback = |field: Field| source.fallbacks.get(field.key()).map_or("", String::as_str);
    let store_name = clean_line(source.store_name);
    let same_for_all = |field: Field| {
        let value = match field {
            Field::StoreName => store_name.to_string(),
            _ => clean_lines(source.signature).trim().to_owned(),
        };
        if value.is_empty() {
            clean_line(fallback(field)).into_owned()
        } else {
            value
        }
    };

    let subject = subject_pieces(&subject_marked, &same_for_all);
    if subject.fixed_chars() > LONGEST_SUBJECT {
        let kind = ProblemKind::TooLong {
            limit: LONGEST_SUBJECT,
            unit: "characters",
        };
        problems.push(Place::Subject.problem(&subject_typed, 0, kind));
    }
    let body = body::render(&body_typed, &body_marked, &same_for_all, &mut problems);
    if !problems.is_empty() {
        problems.sort_by_key(|problem| (problem.place == Place::Body, problem.line, problem.column));
        return Err(problems);
    }

    let footer = clean_lines(source.footer);
    let used = Field::ALL.into_iter().filter_map(|field| {
        let in_subject = subject_marked.used.contains(&field);
        let used = in_subject || body_marked.used.contains(&field);
        used.then(|| UsedField {
            field,
            fallback: clean_line(fallback(field)).into_owned(),
            in_subject,
        })
    });
    Ok(Compiled {
        html: page::html(&body.html, &subject, &store_name, &footer, source.lang),
        text: page::text(&body, &store_name, &footer),
        subject,
        used: used.collect(),
        fallbacks: [
            clean_line(fallback(Field::FirstName)).into_owned(),
            clean_line(fallback(Field::LastName)).into_owned(),
            clean_line(fallback(Field::NextAnniversary)).into_owned(),
            String::new(),
        ],
    })
}

/// A subject is plain text on one line.
fn subject_pieces(marked: &Marked, same_for_all: &dyn Fn(Field) -> String) -> Pieces {
    let mut pieces = Pieces::default();
    let mut run = String::new();
    for c in marked.text.trim().chars() {
        match field_of(c) {
            Some(field) => match Slot::of(field) {
                Some(slot) => {
                    pieces.push_same(&visible(&std::mem::take(&mut run)));
                    pieces.push_own(slot);
                }
                None => run.push_str(&same_for_all(field)),
            },
            None if is_mark(c) => {}
            None => run.push(c),
        }
    }
    pieces.push_same(&visible(&run));
    pieces
}

/// As [`clean_line`], but the ends and the length stay: this is a part of a line.
fn visible(text: &str) -> String {
    text.chars()
        .filter(|c| !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

impl Compiled {
    /// The subject, in plain text.
    pub fn subject(&self) -> &Pieces {
        &self.subject
    }

    /// The HTML document; values must be escaped with [`escape_html`] before they go in.
    pub fn html(&self) -> &Pieces {
        &self.html
    }

    /// The plain-text alternative.
    pub fn text(&self) -> &Pieces {
        &self.text
    }

    /// The fields in use, in the order of [`Field::ALL`].
    pub fn used_fields(&self) -> &[UsedField] {
        &self.used
    }

    /// A person's own words for a gap, or the fallback: one clean line of plain text.
    pub fn value<'a>(&'a self, slot: Slot, person: &Person<'a>) -> Cow<'a, str> {
        if slot == Slot::Unsubscribe {
            return clean_line_to(LONGEST_URL, person.unsubscribe_url);
        }
        let own = clean_line(own_value(slot, person));
        match self.fallbacks.get(slot.index()) {
            Some(fallback) if own.is_empty() => Cow::Borrowed(fallback),
            _ => own,
        }
    }

    /// The used fields this person has nothing for.
    pub fn blanks(&self, person: &Person<'_>) -> Vec<Field> {
        let is_blank =
            |field: Field| Slot::of(field).is_some_and(|slot| clean_line(own_value(slot, person)).is_empty());
        self.used
            .iter()
            .map(|used| used.field)
            .filter(|field| is_blank(*field))
            .collect()
    }

    /// The subject this person sees: one line, at most 250 characters.
    pub fn subject_for(&self, person: &Person<'_>) -> String {
        let line = self.spliced(&self.subject, person, |value, out| out.push_str(value));
        let line = line.trim();
        match line.char_indices().nth(LONGEST_SUBJECT) {
            Some((end, _)) => line.get(..end).unwrap_or(line).trim_end().to_owned(),
            None => line.to_owned(),
        }
    }

    /// Exactly what one person is sent.
    pub fn render(&self, person: &Person<'_>) -> Rendered {
        Rendered {
            subject: self.subject_for(person),
            html: self.spliced(&self.html, person, escape_html),
            text: self.spliced(&self.text, person, |value, out| out.push_str(value)),
        }
    }

    fn spliced(&self, pieces: &Pieces, person: &Person<'_>, escape: impl Fn(&str, &mut String)) -> String {
        let mut out = String::new();
        for part in pieces.parts() {
            match part {
                Part::Same(text) => out.push_str(text),
                Part::Own(slot) => escape(&self.value(*slot, person), &mut out),
            }
        }
        out
    }
}

fn own_value<'a>(slot: Slot, person: &Person<'a>) -> &'a str {
    match slot {
        Slot::FirstName => person.first_name,
        Slot::LastName => person.last_name,
        Slot::NextAnniversary => person.next_anniversary,
        Slot::Unsubscribe => person.unsubscribe_url,
    }
}

#[cfg(test)]
#[path = "compile_tests.rs"]
mod tests;
