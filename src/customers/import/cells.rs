//! A row while it is read: what is told of it, and its cells by what they are.

use super::{
    field::Field,
    parsed_row::{Reading, Remark},
};

/// The cells of a row, and what there is to tell of them.
#[derive(Debug)]
pub(super) struct Cells<'a> {
    pub reading: &'a Reading,
    pub line: u64,
    cells: &'a [String],
    remarks: Vec<Remark>,
}

/// A cell with something in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filled<'a> {
    /// Which column.
    pub at: usize,
    pub column: &'a str,
    pub text: &'a str,
}

impl Filled<'_> {
    /// About this cell, when the row can't be trusted.
    pub(super) fn refused(&self, reason: String) -> Remark {
        Remark {
            column: self.column.to_owned(),
            reason,
        }
    }
}

impl<'a> Cells<'a> {
    /// A row that fits the header and is text; a short one is completed with nothing.
    pub(super) fn of(reading: &'a Reading, line: u64, cells: &'a [String]) -> Result<Self, Remark> {
        let columns = &reading.mapping.columns;
        let width = columns.len();
        let words = || format!("The row has {} cells, the header has {width}", cells.len());
        let about_all = |reason| Remark {
            column: String::new(),
            reason,
        };
        if cells.iter().skip(width).any(|c| !c.trim().is_empty()) {
            return Err(about_all(words()));
        }
        for (cell, column) in cells.iter().zip(columns) {
            if cell.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
                return Err(Remark {
                    column: column.clone(),
                    reason: "There are characters in it that are not text".to_owned(),
                });
            }
        }
        let short = cells.len() < width;
        Ok(Self {
            reading,
            line,
            cells,
            remarks: short
                .then(|| about_all(format!("{}; the missing ones count as empty", words())))
                .into_iter()
                .collect(),
        })
    }

    /// The cells of a field with something in them. What people write for "nothing" is nothing.
    pub(super) fn filled(&self, field: Field) -> Vec<Filled<'a>> {
        self.written(field)
            .into_iter()
            .filter(|cell| !is_nothing(cell.text))
            .collect()
    }

    /// The same for names: somebody may well be called Na or Null.
    pub(super) fn written(&self, field: Field) -> Vec<Filled<'a>> {
        let mapping = &self.reading.mapping;
        mapping
            .cells(field, self.cells)
            .filter_map(|(at, cell)| {
                let text = plain(cell);
                let column = mapping.columns.get(at).map(String::as_str).unwrap_or_default();
                (!text.is_empty()).then_some(Filled { at, column, text })
            })
            .collect()
    }

    /// The first cell of a field that can be read. Those that can't are told and left out.
    pub(super) fn first<T>(
        &mut self,
        field: Field,
        read: impl Fn(&Filled<'_>) -> Result<Option<T>, String>,
    ) -> Option<T> {
        for cell in self.filled(field) {
            match read(&cell) {
                Ok(Some(value)) => return Some(value),
                Ok(None) => {}
                Err(reason) => self.tell(cell.column, format!("{reason}; it is left out")),
            }
        }
        None
    }

    /// Something to tell of a column.
    pub(super) fn tell(&mut self, column: &str, reason: String) {
        self.remarks.push(Remark {
            column: column.to_owned(),
            reason,
        });
    }

    /// All there is to tell, as one.
    pub(super) fn told(self) -> Option<Remark> {
        let mut remarks = self.remarks;
        if remarks.len() < 2 {
            return remarks.pop();
        }
        let reasons: Vec<String> = remarks
            .iter()
            .map(|r| match r.column.as_str() {
                "" => r.reason.clone(),
                column => format!("{column}: {}", r.reason),
            })
            .collect();
        Some(Remark {
            column: String::new(),
            reason: reasons.join(". "),
        })
    }
}

/// Spreadsheets put an apostrophe before what they would take for a formula or a number.
fn plain(cell: &str) -> &str {
    let cell = cell.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{200B}' | '\u{2060}' | '\u{FEFF}'));
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(|c: char| "=+-@".contains(c) || c.is_ascii_digit()) => rest,
        _ => cell,
    }
}

fn is_nothing(cell: &str) -> bool {
    matches!(
        cell.to_lowercase().as_str(),
        "" | "-" | "--" | "n/a" | "na" | "none" | "null" | "nil" | "unknown" | "no email" | "no phone"
    )
}

/// One line of at most so many characters.
pub(super) fn within(text: &str, longest: usize) -> Result<String, String> {
    let text = crate::text::clean(text);
    if text.chars().count() > longest {
        return Err(format!("This is longer than {longest} characters"));
    }
    Ok(text)
}
