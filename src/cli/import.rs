//! `loupe import`: a file of customers into a store's book.

use std::{
    fs::File,
    io::{IsTerminal, Write},
    path::PathBuf,
};

use clap::Args;

use super::{Failure, open, say};
use crate::{
    customers::import::{self, Counts, Job, Mode, Progress, Told},
    recipients::model::grouped,
    server::Settings,
    stores,
    time::Clock,
};

/// Rows to look at that are shown here; the error file has all.
const SHOWN: usize = 10;

/// What is imported where.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// A CSV file: a Shopify or Square customer export, or any with a header line
    file: PathBuf,
    /// The store's short name
    #[arg(long)]
    store: String,
    /// Say what would happen and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Write the rows to look at here: line, what became of it, column and reason, then the row
    #[arg(long)]
    errors: Option<PathBuf>,
}

pub(super) async fn run(settings: &Settings, args: ImportArgs) -> Result<(), Failure> {
    let db = open(settings).await?;
    let shop = stores::store::by_slug(&db, &args.store)
        .await?
        .ok_or_else(|| Failure::said(format!("There is no store {:?}.", args.store)))?;
    let errors = args.errors.as_ref().map(File::create).transpose().map_err(|e| {
        let path = args.errors.as_deref().unwrap_or(&args.file).display();
        Failure::said(format!("--errors: {path} can't be written: {e}"))
    })?;
    let name = args.file.file_name().unwrap_or(args.file.as_os_str());
    let job = Job {
        path: args.file.clone(),
        file_name: name.to_string_lossy().into_owned(),
        mapping: None,
        mode: if args.dry_run { Mode::DryRun } else { Mode::Apply },
        actor: "Command line".to_owned(),
    };
    let errors = errors.map(|file| Box::new(std::io::BufWriter::new(file)) as Box<dyn Write + Send>);
    let report = import::run_file(&db, &shop, &job, &Clock::System, errors, show_progress).await;
    if std::io::stderr().is_terminal() {
        eprintln!();
    }
    let report = report.map_err(|e| Failure::said(format!("{}: {e}", args.file.display())))?;
    db.close().await;
    say(&summary(&report.counts, args.dry_run));
    for told in report.told.iter().take(SHOWN) {
        say(&line(told));
    }
    let more = report.counts.refused + report.counts.noted + report.counts.kept_back;
    if more > 0 {
        say(&match args.errors {
            Some(path) => format!("All rows to look at are in {}.", path.display()),
            None => "With --errors FILE all rows to look at are written to a file.".to_owned(),
        });
    }
    Ok(())
}

fn show_progress(progress: Progress) {
    let mut err = std::io::stderr();
    if err.is_terminal() {
        let _ = write!(err, "\r{} rows", grouped(progress.counts.rows_read));
    }
}

fn summary(counts: &Counts, dry_run: bool) -> String {
    let title = if dry_run {
        "Nothing was changed. It would be"
    } else {
        "Imported"
    };
    let mut words = format!(
        "{title}: {} rows read, {} added, {} updated, {} unchanged, {} refused.",
        grouped(counts.rows_read),
        grouped(counts.added),
        grouped(counts.updated),
        grouped(counts.unchanged),
        grouped(counts.refused)
    );
    if counts.noted > 0 {
        words.push_str(&format!(" {} with a value kept as typed.", grouped(counts.noted)));
    }
    if counts.kept_back > 0 {
        words.push_str(&format!(
            " {} whose consent was not taken from the file, because of what they did before.",
            grouped(counts.kept_back)
        ));
    }
    words
}

fn line(told: &Told) -> String {
    let column = match told.column.as_str() {
        "" => String::new(),
        column => format!(", {column}"),
    };
    format!(
        "  line {}{column}: {} ({})",
        told.line,
        told.reason,
        told.kind.outcome()
    )
}
