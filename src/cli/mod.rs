//! The command line. `loupe --help` is the manual: every command and every setting is described
//! where it is defined.
//!
//! A command either does all of what it says or says why not, with exit code 1; a wrong setting
//! names its key and exits with 2.

mod backups;
mod columns;
mod doctor;
mod domains;
mod failure;
mod import;
mod log;
mod mail_server;
mod queries;
mod serve;
mod site;
mod stores;
mod users;

use std::{io::Write, path::Path, sync::Arc};

use clap::{CommandFactory, Parser, Subcommand};

pub use failure::Failure;

use crate::{
    context::{Settings, send_gate::SendGate, settings::Given},
    db::{self, Db, OnTimeline},
    instance,
    time::Clock,
};

/// Campaigns and bulk sends for jewellery stores: see exactly who gets a message before it goes.
///
/// Without a command it serves. Settings come from flags, then LOUPE_* in the environment, then
/// Leptos.toml in the working folder, then the defaults below.
#[derive(Debug, Parser)]
#[command(name = "loupe", version, max_term_width = 100)]
#[command(after_help = "All settings, with what they are when nothing is said: loupe --help")]
#[command(after_long_help = "")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub given: Given,
}

/// What can be asked of the program.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the pages and send what is due (the default)
    Serve,
    /// Send what is due without serving pages; PostgreSQL, beside other instances
    Worker,
    /// Bring the database's tables up to date and stop
    Migrate,
    /// Fill a demo store: Aurelia, Sydney, 1,240 invented customers
    Demo(DemoArgs),
    /// Bring a file of customers into a store's book
    Import(import::ImportArgs),
    /// Stores of this database
    Store {
        #[command(subcommand)]
        command: stores::StoreCommand,
    },
    /// Staff who sign in
    User {
        #[command(subcommand)]
        command: users::UserCommand,
    },
    /// Say, or set, how fast and over how many connections the mail server is used
    MailServer(mail_server::MailServerArgs),
    /// Check the database, the mail provider, the from-domains, the clock and the disk, and say what
    /// to mend
    Doctor,
    /// Write a checked copy of an SQLite database, also while Loupe runs
    Backup(backups::BackupArgs),
    /// Put a backup back; nothing is sent until an owner has confirmed it
    Restore(backups::RestoreArgs),
    /// Print what completes this command line in a shell: loupe completions bash
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Lay out the files browsers fetch; part of the build
    #[command(hide = true)]
    Site(site::SiteArgs),
}

/// Options of `loupe demo`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct DemoArgs {
    /// Do nothing when the database has any store already
    #[arg(long)]
    if_empty: bool,
}

/// Runs one command to its end.
pub async fn run(cli: Cli) -> Result<(), Failure> {
    let command = match cli.command.unwrap_or(Command::Serve) {
        // Needs no settings: it runs while there is nothing to set yet.
        Command::Site(args) => return site::lay_out(&args),
        Command::Completions { shell } => return completions(shell),
        other => other,
    };
    let settings = Settings::resolve(cli.given, settings_file()?.as_deref())?;
    log::start(&settings)?;
    match command {
        Command::Serve => Box::pin(serve::serve(settings)).await,
        Command::Worker => Box::pin(serve::work(settings)).await,
        Command::Migrate => migrate(&settings).await,
        Command::Demo(args) => demo(&settings, args).await,
        Command::Import(args) => Box::pin(import::run(&settings, args)).await,
        Command::Store { command } => stores::run(&settings, command).await,
        Command::User { command } => users::run(&settings, command).await,
        Command::MailServer(args) => mail_server::run(&settings, args).await,
        Command::Doctor => doctor::examine(&settings).await,
        Command::Backup(args) => backups::back_up(&settings, &args).await,
        Command::Restore(args) => backups::restore(&settings, &args).await,
        Command::Site(_) | Command::Completions { .. } => Ok(()),
    }
}

/// Written whole before it is printed: a shell that stops reading is no failure.
fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "loupe", &mut script);
    say(String::from_utf8_lossy(&script).trim_end());
    Ok(())
}

/// `Leptos.toml` of the working folder, when there is one.
fn settings_file() -> Result<Option<String>, Failure> {
    let path = Path::new("Leptos.toml");
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::setting("Leptos.toml", format!("it can't be read: {error}"))),
    }
}

/// Opens the database and brings its tables up to date.
async fn open(settings: &Settings) -> Result<Db, Failure> {
    use secrecy::ExposeSecret;
    let db = db::connect(settings.database_url.expose_secret()).await?;
    db::migrate(&db).await?;
    Ok(db)
}

/// The same for whoever sends: the guard hears of every connection, and a file that was put there by
/// something else is looked at before anything is written into it.
async fn open_guarded(settings: &Settings) -> Result<(Db, Arc<SendGate>), Failure> {
    use secrecy::ExposeSecret;
    let guard = Arc::new(SendGate::default());
    let told = Arc::clone(&guard);
    let told: OnTimeline = Arc::new(move |timeline| told.connected(timeline));
    let db = db::connect_telling(settings.database_url.expose_secret(), Some(told)).await?;
    if let Some(faults) = instance::damage(&db).await? {
        db.close().await;
        return Err(Failure::said(format!(
            "The database is not the one that was last used here, and it is not whole: {faults}.\n\
             Put a backup back with `loupe restore FILE --replace`: what is there now is put aside."
        )));
    }
    db::migrate(&db).await?;
    Ok((db, guard))
}

/// Refuses a second process on the same SQLite file. Keep the answer while working.
fn sole_owner(settings: &Settings) -> Result<Option<std::fs::File>, Failure> {
    use secrecy::ExposeSecret;
    Ok(db::lock_data_file(settings.database_url.expose_secret())?)
}

async fn migrate(settings: &Settings) -> Result<(), Failure> {
    let _lock = sole_owner(settings)?;
    let db = open(settings).await?;
    let at = db::newest_migration(db.backend());
    db.close().await;
    say(&format!("The database is up to date (migration {at})."));
    Ok(())
}

async fn demo(settings: &Settings, args: DemoArgs) -> Result<(), Failure> {
    let db = open(settings).await?;
    let (stores, _) = crate::stores::queries::census(&db).await?;
    if args.if_empty && stores > 0 {
        db.close().await;
        return Ok(());
    }
    let made = crate::demo::fill(&db, settings, Clock::System.now()).await?;
    db.close().await;
    match made {
        Some(summary) => say(&summary.to_string()),
        None => say("The demo store is there already; nothing was changed."),
    }
    say(&crate::demo::sign_ins());
    Ok(())
}

/// Prints a line for the person at the terminal. Nobody listening is no reason to fail.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
