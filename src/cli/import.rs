//! `loupe import`: a file of customers into a store's book.

use std::{
    fs::File,
    io::{IsTerminal, Write},
    path::PathBuf,
};

use clap::{Args, ValueEnum};

use super::{Failure, open, say};
use crate::{
    context::Settings,
    customers::{
        dates::DayOrder,
        import::{self, Choice, Counts, Field, Job, MOST_TOLD, Mapping, Mode, Progress, RowIssue},
    },
    stores,
    text::grouped,
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
    /// What a column is, such as "GDPR=email_consent" or "GDPR=skip"; once for each column
    #[arg(long = "column", value_name = "HEADER=WHAT")]
    columns: Vec<String>,
    /// What comes first in days such as 3/4/1980, where the column does not show it
    #[arg(long, value_enum)]
    dates: Option<Dates>,
    /// Everybody in the file has unsubscribed: a withdrawal for every address
    #[arg(long)]
    unsubscribed: bool,
}

/// The order of day, month and year.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Dates {
    Dmy,
    Mdy,
}

pub(super) async fn run(settings: &Settings, args: ImportArgs) -> Result<(), Failure> {
    let db = open(settings).await?;
    let shop = stores::queries::by_slug(&db, &args.store)
        .await?
        .ok_or_else(|| Failure::said(format!("There is no store {:?}.", args.store)))?;
    let errors = args.errors.as_ref().map(File::create).transpose().map_err(|e| {
        let path = args.errors.as_deref().unwrap_or(&args.file).display();
        Failure::said(format!("--errors: {path} can't be written: {e}"))
    })?;
    let mapping = mapping(&args).await?;
    let name = args.file.file_name().unwrap_or(args.file.as_os_str());
    let job = Job {
        path: args.file.clone(),
        file_name: name.to_string_lossy().into_owned(),
        mapping: Some(mapping),
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
    if report.counts.beyond_kept() {
        say(&format!(
            "The first {} of them are kept.",
            grouped(i64::try_from(MOST_TOLD).unwrap_or_default())
        ));
    }
    if report.counts.to_look_at() > 0 {
        say(&match args.errors {
            Some(path) => format!("All rows to look at are in {}.", path.display()),
            None => "With --errors FILE all rows to look at are written to a file.".to_owned(),
        });
    }
    Ok(())
}

/// What the columns are, from the headers and what was said. Says what there is to know before
/// anything is imported.
async fn mapping(args: &ImportArgs) -> Result<Mapping, Failure> {
    let of_file = |e: import::ImportProblem| Failure::said(format!("{}: {e}", args.file.display()));
    let mut mapping = import::preview(&args.file).await.map_err(of_file)?.mapping;
    for said in &args.columns {
        choose(&mut mapping, said)?;
    }
    mapping.unsubscribed = args.unsubscribed;
    mapping.day_order = args.dates.map(|dates| match dates {
        Dates::Dmy => DayOrder::DayFirst,
        Dates::Mdy => DayOrder::MonthFirst,
    });
    mapping.check().map_err(of_file)?;
    if let Some(warning) = mapping.warning() {
        say(warning);
    }
    let mut questions: Vec<String> = mapping
        .undecided_names()
        .into_iter()
        .map(|column| {
            format!(
                "The column {column} may say who wants no email. Say what it is: --column \"{column}=email_opt_out\" \
                 if a yes there means unsubscribed, --column \"{column}=email_consent\" if a yes means agreed, \
                 --column \"{column}=skip\" to leave it out."
            )
        })
        .collect();
    let unclear = import::unclear_days(&args.file, &mapping).await.map_err(of_file)?;
    if !unclear.is_empty() {
        questions.push(format!(
            "In {} nothing says whether the day or the month comes first. Say it with --dates dmy or --dates mdy.",
            unclear.join(", ")
        ));
    }
    if args.dry_run {
        questions.iter().for_each(|question| say(question));
        return Ok(mapping);
    }
    match questions.is_empty() {
        true => Ok(mapping),
        false => Err(Failure::said(format!(
            "{}: nothing was imported.\n{}",
            args.file.display(),
            questions.join("\n")
        ))),
    }
}

/// Takes what was said of one column.
fn choose(mapping: &mut Mapping, said: &str) -> Result<(), Failure> {
    let refused = |words: String| Failure::said(format!("--column {said:?}: {words}"));
    let (header, what) = said
        .rsplit_once('=')
        .ok_or_else(|| refused("write it as HEADER=WHAT".to_owned()))?;
    let choice = match (Field::from_key(what.trim()), what.trim()) {
        (Some(field), _) => Choice::Field(field),
        (None, "skip") => Choice::LeftOut,
        (None, other) => {
            let known: Vec<&str> = Field::ALL.into_iter().map(Field::key).collect();
            let known = known.join(", ");
            return Err(refused(format!("{other:?} is none of skip, {known}")));
        }
    };
    let same = |column: &String| column.trim().eq_ignore_ascii_case(header.trim());
    let places: Vec<usize> = (0..mapping.columns.len())
        .filter(|at| mapping.columns.get(*at).is_some_and(same))
        .collect();
    if places.is_empty() {
        return Err(refused("the file has no such column".to_owned()));
    }
    places.into_iter().for_each(|at| mapping.choose(at, choice));
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
        words.push_str(&format!(" {} with something to look at.", grouped(counts.noted)));
    }
    if counts.kept_back > 0 {
        words.push_str(&format!(
            " {} whose consent was not taken from the file, because of what they did before.",
            grouped(counts.kept_back)
        ));
    }
    words
}

fn line(told: &RowIssue) -> String {
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
