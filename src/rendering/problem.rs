//! What is wrong with a message, where, and how to mend it.

use super::field::Field;

/// So many are listed at most: whoever mends them sees what is left.
pub(super) const MOST_PROBLEMS: usize = 20;

/// Which of the two texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Subject,
    Body,
}

/// One thing to mend. Lines and columns count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Line {line}, column {column}: {kind}")]
pub struct TemplateProblem {
    pub place: Place,
    pub line: usize,
    pub column: usize,
    pub kind: ProblemKind,
}

/// What is wrong; `Display` says what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProblemKind {
    #[error("There is no personal field {{{{{0}}}}}. Use {choices}", choices = choices())]
    UnknownField(String),
    #[error("“{0}” is not a whole personal field. Write it like {{{{first_name}}}}")]
    Malformed(String),
    #[error("A personal field can't be part of a link's address")]
    FieldInAddress,
    #[error("The link “{0}” must start with https://, http://, mailto: or tel:")]
    Link(String),
    #[error("The picture “{0}” must start with https://")]
    Picture(String),
    #[error("Quotations and lists go at most {0} deep into each other")]
    TooDeep(usize),
    #[error("This is too long: at most {limit} {unit}")]
    TooLong { limit: usize, unit: &'static str },
}

fn choices() -> String {
    Field::ALL.map(|field| format!("{{{{{}}}}}", field.key())).join(", ")
}

impl Place {
    /// Lists a problem, unless enough are listed: finding the line of each takes time.
    pub(super) fn note(self, problems: &mut Vec<TemplateProblem>, text: &str, offset: usize, kind: ProblemKind) {
        if problems.len() < MOST_PROBLEMS {
            problems.push(self.problem(text, offset, kind));
        }
    }

    /// The line and column of a byte offset in `text`.
    pub(super) fn problem(self, text: &str, offset: usize, kind: ProblemKind) -> TemplateProblem {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        TemplateProblem {
            place: self,
            line,
            column,
            kind,
        }
    }
}
