//! Bringing in a file of customers: a Shopify or Square customer export, or any CSV with a
//! header.
//!
//! What is promised:
//! - **A broken row never loses the others.** A row is refused, with its line, column and reason,
//!   when what it says can't be trusted: it has too many cells, a quotation mark is never closed,
//!   it isn't text, it names nobody, its name is too long, or its address can't be read and nothing
//!   else reaches the person. The file of refused rows can be mended and imported again.
//! - **A cell never costs the person.** A date, an amount, a yes or no, an address beside a phone
//!   number that can't be read is left out and told; a phone number is kept as typed.
//! - **Nothing is guessed.** A column that may say who wants no mail, and days that could be read
//!   both ways, are asked about before anything is imported.
//! - **The same person again updates.** Who is the same: the other program's id first, then
//!   email and name; without an address, name and phone. The same address with another name is a
//!   second customer; somebody without an address and with the same name and phone gets it.
//!   Nothing in the book is emptied by a file; tags and notes are added to.
//!   Within one file the first row about a person wins.
//! - **The same file again changes nothing.**
//! - **Consent**: a yes grants, a no withdraws, with the file, line, column and value as
//!   evidence; of several columns any no is a no, and a word we don't know is no yes. Nothing ever turns a withdrawal, a complaint or a bounce back into consent, not
//!   even for another customer with the same address; those rows are listed as kept back.
//! - **Nothing reported as done is lost**: every batch, its rows and its numbers are one
//!   transaction. A run that was cut off is finished by running the file again.
//! - **Constant memory**: the file is read as a stream; what grows with it is one number for each
//!   person touched.

mod address_cell;
mod apply;
mod batches;
mod cells;
mod consent_cells;
mod consent_words;
mod csv_reader;
mod date_order;
mod dry_run;
mod field;
mod headers;
mod mapping;
mod merge;
mod parsed_row;
mod people_queries;
pub mod queries;
mod report;
mod run;
mod sniff;
mod spool;
pub mod upload;
mod upload_queries;
mod utf16;

pub use batches::{Preview, preview, unclear_days};
pub use field::Field;
pub use mapping::{Choice, Kind, Mapping};
pub use report::{Counts, ErrorFile, MOST_TOLD, Report, RowIssue, RowIssueKind};
pub use run::{Job, Mode, Progress, run_file};
pub use spool::Spool;
pub use upload::LARGEST_FILE;

/// Why a whole file could not be imported, in words for the person who chose it.
#[derive(Debug, thiserror::Error)]
pub enum ImportProblem {
    #[error("The file can't be read: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error("The file for the rows to look at can't be written: {0}")]
    ErrorFile(std::io::Error),
    #[error("The file is empty.")]
    Empty,
    #[error("This is a spreadsheet, not a CSV file. Save it as CSV (UTF-8) and choose that.")]
    Spreadsheet,
    #[error("This file isn't in a form we can read. Save it as CSV (UTF-8) and choose that.")]
    NotText,
    #[error("The first line should name the columns, but it can't be read.")]
    NoHeader,
    #[error("None of the columns is a name or an email address. Choose what the columns are.")]
    NobodyNamed,
    #[error("Two columns are both chosen as \"{0}\". Choose one of them.")]
    Twice(&'static str),
    #[error("The file has more than 1,000 columns. Leave some out and import the others.")]
    TooManyColumns,
    #[error("The column {0} may say who wants no email. Say what it is before importing.")]
    Undecided(String),
    #[error("In {0} nothing says whether the day or the month comes first. Say it before importing.")]
    UnclearDays(String),
    #[error("The file is larger than 64 MB. Split it and import the parts.")]
    TooLarge,
    #[error("The columns chosen don't fit the file. Choose it again.")]
    OtherFile,
    #[error("The database didn't take it: {0}")]
    Database(#[from] sqlx::Error),
}
