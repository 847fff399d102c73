//! A file as batches of rows, read in a thread of its own.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use chrono::{DateTime, Datelike, Utc};
use tokio::sync::mpsc;

use super::{
    ImportProblem, Job, Mode,
    csv_reader::{Row, Rows},
    date_order::{self, Orders},
    mapping::Mapping,
    parsed_row::{ParsedRow, Reading},
    report::{RowIssue, RowIssueKind},
    sniff::{Alphabet, Scan, scan},
    upload::LARGEST_FILE,
    utf16::Utf16,
};
use crate::stores::model::Store;

/// Rows of one batch.
const BATCH: usize = 500;
/// Most columns of a file.
const MOST_COLUMNS: usize = 1_000;

/// What a file looks like.
#[derive(Clone, Debug)]
pub struct Preview {
    pub mapping: Mapping,
    /// The first rows that can be read.
    pub rows: Vec<Vec<String>>,
    /// Size in bytes.
    pub bytes: u64,
}

type Reader = Rows<Box<dyn BufRead + Send>>;

fn open(path: &Path) -> Result<(Scan, Reader, Vec<String>), ImportProblem> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() > LARGEST_FILE {
        return Err(ImportProblem::TooLarge);
    }
    let scan = scan(&mut file)?;
    let mut rows = rows_of(file, &scan);
    let columns = header(&mut rows)?;
    Ok((scan, rows, columns))
}

fn rows_of(file: File, scan: &Scan) -> Reader {
    const PIECE: usize = 256 * 1024;
    let input: Box<dyn BufRead + Send> = match scan.alphabet {
        Alphabet::Utf16(order) => Box::new(BufReader::with_capacity(PIECE, Utf16::new(file, order))),
        Alphabet::Utf8 | Alphabet::Windows1252 => Box::new(BufReader::with_capacity(PIECE, file)),
    };
    Rows::new(input, scan)
}

fn header(rows: &mut Reader) -> Result<Vec<String>, ImportProblem> {
    let header = rows.next()?.ok_or(ImportProblem::Empty)?;
    let columns: Vec<String> = header
        .cells
        .map_err(|_| ImportProblem::NoHeader)?
        .iter()
        .map(|c| crate::text::clean(c).chars().take(100).collect())
        .collect();
    if columns.iter().all(String::is_empty) {
        return Err(ImportProblem::NoHeader);
    }
    if columns.len() > MOST_COLUMNS {
        return Err(ImportProblem::TooManyColumns);
    }
    Ok(columns)
}

/// The order of day and month in each column, from a look at the whole file.
fn orders(path: &Path, scan: &Scan, mapping: &Mapping) -> Result<Orders, ImportProblem> {
    let mut rows = rows_of(File::open(path)?, scan);
    header(&mut rows)?;
    Ok(date_order::of_rows(mapping, rows)?)
}

async fn in_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ImportProblem> + Send + 'static,
) -> Result<T, ImportProblem> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| ImportProblem::Unreadable(std::io::Error::other(e)))?
}

/// Looks at a file: its columns, what they seem to be, its first rows.
pub async fn preview(path: &Path) -> Result<Preview, ImportProblem> {
    let path = path.to_owned();
    in_a_thread(move || {
        let (scan, mut reader, columns) = open(&path)?;
        let mut rows = Vec::new();
        while rows.len() < 5 {
            let Some(row) = reader.next()? else { break };
            rows.extend(row.cells.ok());
        }
        Ok(Preview {
            mapping: Mapping::of_headers(&columns),
            rows,
            bytes: scan.bytes,
        })
    })
    .await
}

/// The columns of days for which nothing says whether the day or the month comes first.
pub async fn unclear_days(path: &Path, mapping: &Mapping) -> Result<Vec<String>, ImportProblem> {
    let (path, mapping) = (path.to_owned(), mapping.clone());
    in_a_thread(move || {
        let (scan, _, columns) = open(&path)?;
        if mapping.columns != columns {
            return Err(ImportProblem::OtherFile);
        }
        Ok(orders(&path, &scan, &mapping)?.unclear)
    })
    .await
}

/// A row that was read: somebody, or why not.
#[derive(Debug)]
pub(super) struct Read {
    pub line: u64,
    /// For the error file; empty when nothing is to tell.
    pub cells: Vec<String>,
    pub result: Result<ParsedRow, ()>,
    pub told: Option<RowIssue>,
}

/// The batches of a file, in order.
pub(super) type Batches = mpsc::Receiver<Result<Vec<Read>, ImportProblem>>;

/// What a file says before its first row.
#[derive(Debug)]
pub(super) struct Head {
    pub mapping: Mapping,
    pub sha256: String,
}

/// Reads in a thread of its own, at most two batches ahead. Nothing is applied while something of
/// the file is unclear.
pub(super) async fn start(job: &Job, store: &Store, now: DateTime<Utc>) -> Result<(Head, Batches), ImportProblem> {
    let (path, chosen, mode) = (job.path.clone(), job.mapping.clone(), job.mode);
    let begin = move || {
        let (scan, rows, columns) = open(&path)?;
        let mapping = match chosen {
            Some(mapping) if mapping.columns != columns => return Err(ImportProblem::OtherFile),
            Some(mapping) => mapping,
            None => Mapping::of_headers(&columns),
        };
        mapping.check()?;
        if mode == Mode::Apply && !mapping.undecided.is_empty() {
            return Err(ImportProblem::Undecided(mapping.undecided_names().join(", ")));
        }
        let orders = orders(&path, &scan, &mapping)?;
        if mode == Mode::Apply && !orders.unclear.is_empty() {
            return Err(ImportProblem::UnclearDays(orders.unclear.join(", ")));
        }
        Ok((scan, rows, mapping, orders.orders))
    };
    let (scan, mut rows, mapping, orders) = in_a_thread(begin).await?;
    let reading = Reading {
        mapping: mapping.clone(),
        file_name: job.file_name.clone(),
        country: store.country.clone(),
        zone: store.zone(),
        orders,
        this_year: i64::from(now.year()),
    };
    let (to, batches) = mpsc::channel(2);
    tokio::task::spawn_blocking(move || {
        loop {
            let mut batch = Vec::with_capacity(BATCH);
            let mut failed = None;
            while batch.len() < BATCH {
                match rows.next() {
                    Ok(Some(row)) => batch.extend(read(&reading, row)),
                    Ok(None) => break,
                    Err(error) => {
                        failed = Some(error);
                        break;
                    }
                }
            }
            // Nobody listens any more: the run was dropped.
            if !batch.is_empty() && to.blocking_send(Ok(batch)).is_err() {
                return;
            }
            match failed {
                Some(error) => {
                    let _ = to.blocking_send(Err(error.into()));
                    return;
                }
                None if rows.is_done() => return,
                None => {}
            }
        }
    });
    let head = Head {
        mapping,
        sha256: scan.sha256,
    };
    Ok((head, batches))
}

/// A row as somebody or a remark. A row of empty cells is a blank line.
fn read(reading: &Reading, row: Row) -> Option<Read> {
    let line = row.line;
    let cells = match row.cells {
        Ok(cells) => cells,
        Err(broken) => {
            let cells = vec![broken.text];
            let told = RowIssue::new(line, RowIssueKind::Refused, "", broken.reason, &cells);
            return Some(Read {
                line,
                cells,
                result: Err(()),
                told: Some(told),
            });
        }
    };
    if cells.iter().all(|c| c.trim().is_empty()) {
        return None;
    }
    Some(match reading.candidate(line, &cells) {
        Ok((candidate, remark)) => Read {
            line,
            told: remark.map(|r| RowIssue::new(line, RowIssueKind::Noted, &r.column, &r.reason, &cells)),
            cells,
            result: Ok(candidate),
        },
        Err(remark) => Read {
            line,
            told: Some(RowIssue::new(
                line,
                RowIssueKind::Refused,
                &remark.column,
                &remark.reason,
                &cells,
            )),
            cells,
            result: Err(()),
        },
    })
}
