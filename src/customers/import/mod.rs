//! Bringing in a file of customers: a Shopify or Square customer export, or any CSV with a
//! header.
//!
//! What is promised:
//! - **A broken row never loses the others.** A row is refused, with its line, column and reason,
//!   when what it says can't be trusted: it is cut or has too many cells, a quotation mark is
//!   never closed, it isn't text, it names nobody, its address, a date, an amount or a yes/no
//!   can't be read, a value is too long. A phone number that can't be read is no reason: it is
//!   kept as typed and noted. The file of refused rows can be mended and imported again.
//! - **The same person again updates.** Who is the same: the other program's id first, then
//!   email and name; without an address, name and phone. The same address with another name is a
//!   second customer. Nothing in the book is emptied by a file; tags and notes are added to.
//!   Within one file the first row about a person wins.
//! - **The same file again changes nothing.**
//! - **Consent**: a yes grants, a no withdraws, with the file, line, column and value as
//!   evidence. Nothing ever turns a withdrawal, a complaint or a bounce back into consent, not
//!   even for another customer with the same address; those rows are listed as kept back.
//! - **Nothing reported as done is lost**: every batch, its rows and its numbers are one
//!   transaction. A run that was cut off is finished by running the file again.
//! - **Constant memory**: the file is read as a stream; what grows with it is one number for each
//!   person touched.

mod apply;
mod book;
mod candidate;
mod dry_run;
mod mapping;
mod people_sql;
mod reader;
mod reading;
mod report;
mod run;
mod scan;
mod spool;
pub mod store;
pub mod upload;
mod upload_store;

pub use mapping::{Field, Kind, Mapping};
pub use reading::{Preview, preview};
pub use report::{Counts, ErrorFile, Report, Told, ToldKind};
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
    #[error("The file is larger than 64 MB. Split it and import the parts.")]
    TooLarge,
    #[error("The columns chosen don't fit the file. Choose it again.")]
    OtherFile,
    #[error("The database didn't take it: {0}")]
    Database(#[from] sqlx::Error),
}
