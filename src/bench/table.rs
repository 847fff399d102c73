//! The one table a run ends with.

use std::fmt::{self, Write as _};

/// Rows of one kind under a heading.
#[derive(Clone, Debug)]
pub struct Section {
    pub heading: String,
    pub columns: Vec<&'static str>,
    /// What it is, and a figure for each column.
    pub rows: Vec<(String, Vec<String>)>,
}

/// What is aimed at, and what came out.
#[derive(Clone, Debug)]
pub struct Target {
    pub id: &'static str,
    pub what: String,
    pub aim: String,
    pub result: String,
    pub is_met: bool,
}

/// Everything measured in one run.
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub sections: Vec<Section>,
    pub targets: Vec<Target>,
}

impl Table {
    /// Takes over what another part of the run found.
    pub fn add(&mut self, other: Table) {
        self.sections.extend(other.sections);
        self.targets.extend(other.targets);
    }
}

const WHAT: usize = 56;

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for section in &self.sections {
            let mut head = format!("{:<WHAT$}", section.heading);
            for column in &section.columns {
                write!(head, " {column:>11}")?;
            }
            writeln!(f, "\n{}", head.trim_end())?;
            for (what, figures) in &section.rows {
                write!(f, "  {what:<width$}", width = WHAT - 2)?;
                for figure in figures {
                    write!(f, " {figure:>11}")?;
                }
                writeln!(f)?;
            }
        }
        if self.targets.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n{:<66} {:>12} {:>12}", "Targets", "aim", "result")?;
        for t in &self.targets {
            let what = format!("{:<3} {}", t.id, t.what);
            let missed = if t.is_met { "" } else { "  missed" };
            writeln!(f, "  {what:<64} {:>12} {:>12}{missed}", t.aim, t.result)?;
        }
        Ok(())
    }
}
