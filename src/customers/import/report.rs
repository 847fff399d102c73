//! What an import says of itself: the numbers, and the rows to look at.

use std::io::Write;

use serde::{Deserialize, Serialize};

use crate::export::no_formula;

/// Most rows to look at that a run keeps, in the database and in the error file. The others are
/// counted.
pub const MOST_TOLD: usize = 10_000;

/// The numbers of a run. `rows_read = added + updated + unchanged + refused`, always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Counts {
    pub rows_read: i64,
    pub added: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub refused: i64,
    /// Of those in the book: whose yes was not believed over what they, or their address, said before; and
    /// who got an address that said no.
    pub kept_back: i64,
    /// Of those in the book: with a cell that could not be taken as it is.
    pub noted: i64,
}

/// Why a row is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum RowIssueKind {
    /// Not in the book.
    Refused,
    /// In the book, with a cell that could not be taken as it is.
    Noted,
    /// In the book, without the consent the file claims.
    ConsentRejected,
}

impl RowIssueKind {
    pub fn key(self) -> &'static str {
        match self {
            RowIssueKind::Refused => "refused",
            RowIssueKind::Noted => "noted",
            RowIssueKind::ConsentRejected => "kept_back",
        }
    }

    /// In the error file.
    pub fn outcome(self) -> &'static str {
        match self {
            RowIssueKind::Refused => "Not imported",
            RowIssueKind::Noted => "Imported, with something to look at",
            RowIssueKind::ConsentRejected => "Imported, not agreed",
        }
    }
}

/// A row to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct RowIssue {
    /// The line of the file the row begins on.
    pub line: i64,
    pub kind: RowIssueKind,
    /// The name of the column; empty when it is about the whole row.
    #[sqlx(rename = "field")]
    pub column: String,
    pub reason: String,
    /// The cells of the row as JSON.
    pub record: String,
}

impl Counts {
    /// Rows there is something to tell of.
    pub fn to_look_at(&self) -> i64 {
        self.refused + self.noted + self.kept_back
    }

    /// Whether there are more of them than are kept.
    pub fn beyond_kept(&self) -> bool {
        usize::try_from(self.to_look_at()).is_ok_and(|n| n > MOST_TOLD)
    }
}

impl RowIssue {
    /// The cells of the row.
    pub fn cells(&self) -> Vec<String> {
        serde_json::from_str(&self.record).unwrap_or_default()
    }
}

/// What a run did, or would do.
#[derive(Clone, Debug)]
pub struct Report {
    /// Nothing for a dry run, which leaves no trace.
    pub import_id: Option<i64>,
    pub counts: Counts,
    /// The first of the rows to look at.
    pub told: Vec<RowIssue>,
}

/// The error file: a CSV with line, outcome, column and reason before the row's own cells, so
/// that the rows can be mended in it and it can be imported again.
pub struct ErrorFile<W: Write> {
    out: csv::Writer<W>,
}

impl<W: Write> std::fmt::Debug for ErrorFile<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ErrorFile")
    }
}

impl<W: Write> ErrorFile<W> {
    /// Begins the file with the names of the columns of the imported one.
    pub fn new(out: W, columns: &[String]) -> std::io::Result<Self> {
        let mut out = csv::WriterBuilder::new().flexible(true).from_writer(out);
        let own = ["Line", "Outcome", "Column", "Reason"].map(str::to_owned);
        out.write_record(own.iter().chain(columns).map(|c| no_formula(c).into_owned()))?;
        Ok(Self { out })
    }

    /// Goes on with a file that was begun elsewhere.
    pub fn continued(out: W) -> Self {
        Self {
            out: csv::WriterBuilder::new().flexible(true).from_writer(out),
        }
    }

    /// Adds a row.
    pub fn add(&mut self, told: &RowIssue) -> std::io::Result<()> {
        let own = [
            told.line.to_string(),
            told.kind.outcome().to_owned(),
            told.column.clone(),
            told.reason.clone(),
        ];
        Ok(self
            .out
            .write_record(own.iter().chain(&told.cells()).map(|c| no_formula(c).into_owned()))?)
    }

    /// Makes sure that everything is written.
    pub fn finish(mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_the_error_file_is_a_formula() {
        let mut out = Vec::new();
        let columns = ["Name".to_owned(), "=cmd".to_owned()];
        let mut file = ErrorFile::new(&mut out, &columns).unwrap();
        let told = RowIssue {
            line: 7,
            kind: RowIssueKind::Refused,
            column: "Name".into(),
            reason: "x".into(),
            record: serde_json::json!([
                "=HYPERLINK(\"http://x\")",
                "+61",
                "-1",
                "@a",
                "\tb",
                "\rc",
                "a,\"b\"\nc"
            ])
            .to_string(),
        };
        file.add(&told).unwrap();
        file.finish().unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "Line,Outcome,Column,Reason,Name,'=cmd\n7,Not imported,Name,x,\"'=HYPERLINK(\"\"http://x\"\")\",'+61,'-1,'@a,'\tb,\"'\rc\",\"a,\"\"b\"\"\nc\"\n"
        );
    }
}
