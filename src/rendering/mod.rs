//! From what staff typed to what one person reads. Pure: no I/O, no clock, no randomness.
//!
//! **The language.** A body is Markdown-lite:
//!
//! | typed | becomes |
//! |---|---|
//! | a blank line | a new paragraph; a single line break stays a line break |
//! | `**bold**`, `*italic*` | bold, italic |
//! | `# Heading`, `## Smaller` | headings |
//! | `- one` or `1. one` | lists |
//! | `[words](https://…)` | a link: `http`, `https`, `mailto` or `tel` only |
//! | `[button: Book a time](https://…)` | the same link as a button |
//! | `![words](https://…)` | a picture, `https` only; the words are read out and shown with pictures off |
//! | `> words`, `---` | a quotation, a line |
//! | `{{first_name}}` | the person's own first name; see [`Field`] for the others |
//!
//! HTML is text: `<b>` reads `<b>`. A subject has personal fields and nothing else.
//!
//! **The promise.** [`compile`] runs once per send and either lists every problem with its line
//! and column or gives a [`Compiled`] that cannot fail. A person's values are spliced in after
//! the Markdown is gone and are escaped for where they land, so a name is always just a name.

mod anniversary;
mod blanks;
mod body;
mod clean;
mod compile;
mod field;
mod link;
mod marks;
mod page;
mod pieces;
mod problem;

pub use anniversary::next_anniversary;
pub use blanks::blank_words;
pub use clean::{clean_line, clean_line_to, escape_html};
pub use compile::{Compiled, Person, Rendered, Source, UsedField, compile};
pub use field::Field;
pub use pieces::{Part, Pieces, Slot};
pub use problem::{Place, ProblemKind, TemplateProblem};
