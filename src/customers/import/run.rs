//! A whole run over a file: read, decide, write, report, a batch at a time.

use std::{
    collections::{HashMap, HashSet},
    io::Write,
    path::PathBuf,
};

use super::{
    ImportProblem,
    apply::{self, Applied},
    batches::{self, Batches, Head, Read},
    dry_run::WouldAdd,
    mapping::Mapping,
    merge::Outcome,
    parsed_row::ParsedRow,
    people_queries, queries,
    report::{Counts, ErrorFile, MOST_TOLD, Report, RowIssue, RowIssueKind},
};
use crate::{
    audit::{self, Entry},
    db::{Db, is_serialization_failure},
    stores::model::Store,
    time::Clock,
};

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
    let (head, mut batches) = batches::start(job, store, clock.now()).await?;
    let mut errors = match errors {
        Some(out) => Some(ErrorFile::new(out, &head.mapping.columns).map_err(ImportProblem::ErrorFile)?),
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
        would_add: WouldAdd::default(),
        told: Vec::new(),
        kept: 0,
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
        errors.finish().map_err(ImportProblem::ErrorFile)?;
    }
    run.end(done.as_ref().err()).await?;
    done?;
    Ok(Report {
        import_id: run.import_id,
        counts: run.counts,
        told: run.told,
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
    would_add: WouldAdd,
    told: Vec<RowIssue>,
    /// How many rows to look at were kept.
    kept: usize,
}

impl Run<'_> {
    async fn begin(&mut self, head: &Head) -> Result<(), ImportProblem> {
        let mapping = serde_json::to_string(&head.mapping).map_err(std::io::Error::other)?;
        let (job, now) = (self.job, self.clock.now());
        let mut tx = self.db.begin().await?;
        let id = queries::begin(
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
        batches: &mut Batches,
        errors: &mut Option<ErrorFile<Box<dyn Write + Send>>>,
        progress: &mut (impl FnMut(Progress) + Send),
    ) -> Result<(), ImportProblem> {
        while let Some(batch) = batches.recv().await {
            let told = self.batch(batch?).await?;
            if let Some(errors) = errors {
                for told in told.iter().filter(|t| t.kind != RowIssueKind::ConsentRejected) {
                    errors.add(told).map_err(ImportProblem::ErrorFile)?;
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
    async fn batch(&mut self, batch: Vec<Read>) -> Result<Vec<RowIssue>, ImportProblem> {
        let mut candidates = Vec::with_capacity(batch.len());
        let mut told = Vec::new();
        let mut cells_by_line = HashMap::new();
        let mut counts = self.counts;
        counts.rows_read += i64::try_from(batch.len()).unwrap_or_default();
        for row in batch {
            match row.result {
                Ok(candidate) => {
                    cells_by_line.insert(row.line, row.cells);
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
                Err(error) if tries < TRIES && is_serialization_failure(&error) => tries += 1,
                done => break done?,
            }
        };
        self.touched.extend(applied.touched);
        self.counts = counts;
        self.kept += told.len();
        Ok(told)
    }

    async fn transaction(
        &mut self,
        candidates: &[ParsedRow],
        cells: &HashMap<u64, Vec<String>>,
        mut counts: Counts,
        mut told: Vec<RowIssue>,
    ) -> sqlx::Result<(Applied, Counts, Vec<RowIssue>)> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        if self.job.mode == Mode::Apply {
            people_queries::one_at_a_time(&mut tx, self.store.id).await?;
            apply::hold(&mut tx, self.store.id, candidates).await?;
        }
        let mut applied = apply::decide(&mut tx, self.store.id, candidates, &self.touched).await?;
        for (outcome, candidate) in applied.outcomes.iter().zip(candidates) {
            match self.outcome(*outcome, candidate) {
                Outcome::Added => counts.added += 1,
                Outcome::Updated => counts.updated += 1,
                Outcome::Unchanged => counts.unchanged += 1,
            }
        }
        for kept in &applied.plan.kept_back {
            counts.kept_back += 1;
            let cells = cells.get(&kept.line).map(Vec::as_slice).unwrap_or_default();
            told.push(RowIssue::new(
                kept.line,
                RowIssueKind::ConsentRejected,
                &kept.column,
                kept.reason,
                cells,
            ));
        }
        note_left_out(&applied, cells, &mut counts, &mut told);
        told.truncate(MOST_TOLD.saturating_sub(self.kept));
        if let Some(import) = self.import_id {
            let before = self.counts;
            apply::write(&mut tx, self.store.id, &mut applied, &self.job.actor, now).await?;
            queries::tell(&mut tx, import, &told).await?;
            queries::progress(&mut tx, import, &counts, now).await?;
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

    fn outcome(&mut self, outcome: Outcome, candidate: &ParsedRow) -> Outcome {
        match (self.job.mode, outcome) {
            (Mode::DryRun, Outcome::Added) => self.would_add.again(candidate),
            _ => outcome,
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
        queries::finish(&mut tx, import, words.as_deref(), self.clock.now()).await?;
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

/// Tells of tags that were too many, in the words about their row if there are some already.
fn note_left_out(applied: &Applied, cells: &HashMap<u64, Vec<String>>, counts: &mut Counts, told: &mut Vec<RowIssue>) {
    for (line, n) in &applied.plan.tags_left_out {
        let words = format!("The customer would have more than 50 tags; {n} left out");
        let same = |t: &&mut RowIssue| t.kind == RowIssueKind::Noted && u64::try_from(t.line) == Ok(*line);
        if let Some(told) = told.iter_mut().find(same) {
            told.reason = format!("{}. {words}", told.reason);
            continue;
        }
        counts.noted += 1;
        let cells = cells.get(line).map(Vec::as_slice).unwrap_or_default();
        told.push(RowIssue::new(*line, RowIssueKind::Noted, "", &words, cells));
    }
}
