//! A whole run over a file: read, decide, write, report, a batch at a time.

use std::{
    collections::{HashMap, HashSet, hash_map::DefaultHasher},
    fs::File,
    hash::{Hash, Hasher},
    io::{BufReader, Write},
    path::{Path, PathBuf},
};

use tokio::sync::mpsc;

use super::{
    ImportProblem,
    apply::{self, Applied},
    book::Outcome,
    candidate::{Candidate, Reading},
    mapping::Mapping,
    reader::{Row, Rows},
    report::{Counts, ErrorFile, Report, Told, ToldKind},
    scan::{Scan, scan},
    store,
    upload::LARGEST_FILE,
};
use crate::{
    audit::{self, Entry},
    db::Db,
    stores::model::Store,
    time::Clock,
};

/// Rows of one transaction.
const BATCH: usize = 500;
/// Rows to look at that a report carries itself; the error file has all.
const TOLD: usize = 100;
/// Tries of a batch that another transaction got in the way of.
const TRIES: u32 = 3;

/// Whether a run changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    DryRun,
    Apply,
}

/// What to import.
#[derive(Clone, Debug)]
pub struct Job {
    pub path: PathBuf,
    /// As its owner calls it: it stands in the evidence.
    pub file_name: String,
    /// Nothing: as the headers say.
    pub mapping: Option<Mapping>,
    pub mode: Mode,
    /// Who does it.
    pub actor: String,
}

/// How far a run is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Nothing for a dry run.
    pub import_id: Option<i64>,
    pub counts: Counts,
}

/// What a file looks like.
#[derive(Clone, Debug)]
pub struct Preview {
    pub mapping: Mapping,
    /// The first rows that can be read.
    pub rows: Vec<Vec<String>>,
    /// Size in bytes.
    pub bytes: u64,
}

type Reader = Rows<BufReader<File>>;

fn open(path: &Path) -> Result<(Scan, Reader, Vec<String>), ImportProblem> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() > LARGEST_FILE {
        return Err(ImportProblem::TooLarge);
    }
    let scan = scan(&mut file)?;
    let mut rows = Rows::new(BufReader::with_capacity(256 * 1024, file), &scan);
    let header = rows.next()?.ok_or(ImportProblem::Empty)?;
    let columns: Vec<String> = header
        .cells
        .map_err(|_| ImportProblem::NoHeader)?
        .iter()
        .map(|c| crate::customers::names::clean(c).chars().take(100).collect())
        .collect();
    if columns.iter().all(String::is_empty) {
        return Err(ImportProblem::NoHeader);
    }
    Ok((scan, rows, columns))
}

/// Looks at a file: its columns, what they seem to be, its first rows.
pub async fn preview(path: &Path) -> Result<Preview, ImportProblem> {
    let path = path.to_owned();
    let look = move || {
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
    };
    tokio::task::spawn_blocking(look)
        .await
        .map_err(|e| ImportProblem::Unreadable(std::io::Error::other(e)))?
}

/// A row that was read: somebody, or why not.
#[derive(Debug)]
struct Read {
    line: u64,
    /// For the error file; empty when nothing is to tell.
    cells: Vec<String>,
    result: Result<Candidate, ()>,
    told: Option<Told>,
}

/// Imports a file into a store's book, or says what importing it would do. The error file gets
/// every row to look at but those kept back. Dropping the future between batches leaves whole
/// batches behind; running the file again does the rest.
pub async fn run_file(
    db: &Db,
    store: &Store,
    job: &Job,
    clock: &Clock,
    errors: Option<Box<dyn Write + Send>>,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<Report, ImportProblem> {
    let (head, mut batches) = start_reading(job, store).await?;
    let mut errors = match errors {
        Some(out) => Some(ErrorFile::new(out, &head.mapping.columns)?),
        None => None,
    };
    let mut run = Run {
        db,
        store,
        job,
        clock,
        import_id: None,
        counts: Counts::default(),
        touched: HashSet::new(),
        would_add: HashMap::new(),
        told: Vec::new(),
    };
    if job.mode == Mode::Apply {
        run.begin(&head).await?;
        progress(Progress {
            import_id: run.import_id,
            counts: run.counts,
        });
    }
    let done = run.work(&mut batches, &mut errors, &mut progress).await;
    if let Some(errors) = errors {
        errors.finish()?;
    }
    run.end(done.as_ref().err()).await?;
    done?;
    Ok(Report {
        import_id: run.import_id,
        counts: run.counts,
        told: run.told,
    })
}

struct Head {
    mapping: Mapping,
    sha256: String,
}

/// Reads in a thread of its own, at most two batches ahead.
async fn start_reading(
    job: &Job,
    store: &Store,
) -> Result<(Head, mpsc::Receiver<Result<Vec<Read>, ImportProblem>>), ImportProblem> {
    let path = job.path.clone();
    let (scan, mut rows, columns) = tokio::task::spawn_blocking(move || open(&path))
        .await
        .map_err(|e| ImportProblem::Unreadable(std::io::Error::other(e)))??;
    let mapping = match &job.mapping {
        Some(mapping) if mapping.columns != columns => return Err(ImportProblem::OtherFile),
        Some(mapping) => mapping.clone(),
        None => Mapping::of_headers(&columns),
    };
    mapping.check()?;
    let reading = Reading {
        mapping: mapping.clone(),
        file_name: job.file_name.clone(),
        country: store.country.clone(),
        zone: store.zone(),
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
            let told = Told::new(line, ToldKind::Refused, "", broken.reason, &cells);
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
            told: remark.map(|r| Told::new(line, ToldKind::Noted, &r.column, &r.reason, &cells)),
            cells,
            result: Ok(candidate),
        },
        Err(remark) => Read {
            line,
            told: Some(Told::new(
                line,
                ToldKind::Refused,
                &remark.column,
                &remark.reason,
                &cells,
            )),
            cells,
            result: Err(()),
        },
    })
}

struct Run<'a> {
    db: &'a Db,
    store: &'a Store,
    job: &'a Job,
    clock: &'a Clock,
    import_id: Option<i64>,
    counts: Counts,
    /// Whom earlier batches were about.
    touched: HashSet<i64>,
    /// Of a dry run: fingerprints of the people it would have added, with those of their rows.
    would_add: HashMap<u64, u64>,
    told: Vec<Told>,
}

impl Run<'_> {
    async fn begin(&mut self, head: &Head) -> Result<(), ImportProblem> {
        let mapping = serde_json::to_string(&head.mapping).map_err(std::io::Error::other)?;
        let (job, now) = (self.job, self.clock.now());
        let mut tx = self.db.begin().await?;
        let id = store::begin(
            &mut tx,
            self.store.id,
            &job.file_name,
            &head.sha256,
            &mapping,
            &job.actor,
            now,
        )
        .await?;
        tx.commit().await?;
        self.import_id = Some(id);
        Ok(())
    }

    async fn work(
        &mut self,
        batches: &mut mpsc::Receiver<Result<Vec<Read>, ImportProblem>>,
        errors: &mut Option<ErrorFile<Box<dyn Write + Send>>>,
        progress: &mut (impl FnMut(Progress) + Send),
    ) -> Result<(), ImportProblem> {
        while let Some(batch) = batches.recv().await {
            let told = self.batch(batch?).await?;
            if let Some(errors) = errors {
                for told in told.iter().filter(|t| t.kind != ToldKind::KeptBack) {
                    errors.add(told)?;
                }
            }
            let room = TOLD.saturating_sub(self.told.len());
            self.told.extend(told.into_iter().take(room));
            progress(Progress {
                import_id: self.import_id,
                counts: self.counts,
            });
        }
        Ok(())
    }

    /// One batch in one transaction; what it counted counts only once it is committed.
    async fn batch(&mut self, batch: Vec<Read>) -> Result<Vec<Told>, ImportProblem> {
        let mut candidates = Vec::with_capacity(batch.len());
        let mut told = Vec::new();
        let mut cells_by_line = HashMap::new();
        let mut counts = self.counts;
        counts.rows_read += i64::try_from(batch.len()).unwrap_or_default();
        for row in batch {
            match row.result {
                Ok(candidate) => {
                    if candidate.email_consent.is_some() || candidate.whatsapp_consent.is_some() {
                        cells_by_line.insert(row.line, row.cells);
                    }
                    candidates.push(candidate);
                    counts.noted += i64::from(row.told.is_some());
                }
                Err(()) => counts.refused += 1,
            }
            told.extend(row.told);
        }
        let mut tries = 1;
        let (applied, counts, told) = loop {
            match self
                .transaction(&candidates, &cells_by_line, counts, told.clone())
                .await
            {
                Err(error) if tries < TRIES && got_in_the_way(&error) => tries += 1,
                done => break done?,
            }
        };
        self.touched.extend(applied.touched);
        self.counts = counts;
        Ok(told)
    }

    async fn transaction(
        &mut self,
        candidates: &[Candidate],
        cells: &HashMap<u64, Vec<String>>,
        mut counts: Counts,
        mut told: Vec<Told>,
    ) -> sqlx::Result<(Applied, Counts, Vec<Told>)> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        if self.job.mode == Mode::Apply {
            store::one_at_a_time(&mut tx, self.store.id).await?;
        }
        let mut applied = apply::decide(&mut tx, self.store.id, candidates, &self.touched).await?;
        for (outcome, candidate) in applied.outcomes.iter().zip(candidates) {
            match self.seen(*outcome, candidate) {
                Outcome::Added => counts.added += 1,
                Outcome::Updated => counts.updated += 1,
                Outcome::Unchanged => counts.unchanged += 1,
            }
        }
        for kept in &applied.book.kept_back {
            counts.kept_back += 1;
            let cells = cells.get(&kept.line).map(Vec::as_slice).unwrap_or_default();
            told.push(Told::new(
                kept.line,
                ToldKind::KeptBack,
                &kept.column,
                kept.reason,
                cells,
            ));
        }
        if let Some(import) = self.import_id {
            let before = self.counts;
            apply::write(&mut tx, self.store.id, &mut applied, &self.job.actor, now).await?;
            store::tell(&mut tx, import, &told).await?;
            store::progress(&mut tx, import, &counts, now).await?;
            let first = before.added + before.updated == 0 && counts.added + counts.updated > 0;
            if first {
                let summary = format!("Began to import {}", self.job.file_name);
                self.record(&mut tx, "customers.import_began", import, summary, None)
                    .await?;
            }
            tx.commit().await?;
        }
        Ok((applied, counts, told))
    }

    /// A dry run adds nobody, so the next batch does not find them: it remembers.
    fn seen(&mut self, outcome: Outcome, candidate: &Candidate) -> Outcome {
        if self.job.mode == Mode::Apply || outcome != Outcome::Added {
            return outcome;
        }
        let print = |of: &dyn Fn(&mut DefaultHasher)| {
            let mut hasher = DefaultHasher::new();
            of(&mut hasher);
            hasher.finish()
        };
        let who = print(&|h| match &candidate.external_id {
            Some(id) => id.hash(h),
            None => {
                let name = candidate
                    .name
                    .as_ref()
                    .map(|n| crate::customers::names::name_key(&n.full));
                let email = candidate.email.as_ref().map(|e| e.norm.clone());
                let phone = candidate
                    .phone
                    .as_ref()
                    .filter(|_| email.is_none())
                    .map(|p| p.typed.clone());
                (name, email, phone).hash(h);
            }
        });
        let what = print(&|h| {
            let mut same = candidate.clone();
            same.line = 0;
            same.email_consent = None;
            same.whatsapp_consent = None;
            format!("{same:?}").hash(h);
        });
        match self.would_add.insert(who, what) {
            None => Outcome::Added,
            Some(before) if before == what => Outcome::Unchanged,
            Some(_) => Outcome::Updated,
        }
    }

    /// Closes the run's row, and tells the log of a run that changed something.
    async fn end(&self, problem: Option<&ImportProblem>) -> Result<(), ImportProblem> {
        let Some(import) = self.import_id else {
            return Ok(());
        };
        let counts = self.counts;
        let mut tx = self.db.begin().await?;
        let words = problem.map(|p| match p {
            ImportProblem::Database(_) => "The database didn't take it.".to_owned(),
            other => other.to_string(),
        });
        store::finish(&mut tx, import, words.as_deref(), self.clock.now()).await?;
        if counts.added + counts.updated > 0 {
            let summary = format!(
                "Imported {}: {} added, {} updated, {} refused",
                self.job.file_name, counts.added, counts.updated, counts.refused
            );
            let after = serde_json::to_value(counts).ok();
            self.record(&mut tx, "customers.imported", import, summary, after)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    async fn record(
        &self,
        tx: &mut crate::db::Tx,
        action: &'static str,
        import: i64,
        summary: String,
        after: Option<serde_json::Value>,
    ) -> sqlx::Result<()> {
        let entry = Entry {
            actor: &self.job.actor,
            action,
            subject: "import",
            subject_id: Some(import),
            summary,
            before: None,
            after,
        };
        audit::record(tx, self.store.id, entry, self.clock.now()).await
    }
}

/// A deadlock or a serialisation failure: the same again may well work.
fn got_in_the_way(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(|e| e.code())
        .is_some_and(|code| code == "40P01" || code == "40001")
}
