//! `loupe backup` and `loupe restore`.

use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;

use super::{Failure, say, sole_owner};
use crate::{
    backup::{self, Manifest, Problem},
    context::Settings,
    text::grouped,
    time::Clock,
};

/// Options of `loupe backup`.
#[derive(Clone, Debug, clap::Args)]
pub struct BackupArgs {
    /// The new file; its manifest is written beside it, with .json at the end
    file: PathBuf,
}

/// Options of `loupe restore`.
#[derive(Clone, Debug, clap::Args)]
pub struct RestoreArgs {
    /// The backup; its manifest must be beside it
    file: PathBuf,
    /// Put a database that is there aside and take its place
    #[arg(long)]
    replace: bool,
}

fn is_sqlite(settings: &Settings) -> bool {
    settings.database_url.expose_secret().starts_with("sqlite:")
}

fn failed(problem: Problem) -> Failure {
    Failure::said(format!("Nothing was changed: {problem}."))
}

pub(super) async fn back_up(settings: &Settings, args: &BackupArgs) -> Result<(), Failure> {
    if !is_sqlite(settings) {
        return Err(Failure::said(format!(
            "PostgreSQL has its own way, which also works while Loupe runs:\n  \
             pg_dump --format=custom --file={} \"$LOUPE_DATABASE_URL\"\nNothing was written.",
            args.file.display()
        )));
    }
    let url = settings.database_url.expose_secret();
    let manifest = backup::make(url, &args.file, Clock::System.now())
        .await
        .map_err(failed)?;
    say(&format!(
        "Backed up to {} and checked: {}.",
        args.file.display(),
        contents(&manifest)
    ));
    say(&format!("Its manifest is {}.", Manifest::path(&args.file).display()));
    say("Passwords also need the secret key: keep a copy of it in another place.");
    Ok(())
}

pub(super) async fn restore(settings: &Settings, args: &RestoreArgs) -> Result<(), Failure> {
    if !is_sqlite(settings) {
        return Err(Failure::said(format!(
            "PostgreSQL has its own way. Stop every Loupe, make an empty database, then:\n  \
             pg_restore --no-owner --dbname=\"$LOUPE_DATABASE_URL\" {}\n\
             Loupe notices that it is a copy: nothing is sent until an owner confirms. Nothing was changed.",
            args.file.display()
        )));
    }
    let _lock = sole_owner(settings)?;
    let url = settings.database_url.expose_secret();
    let done = backup::put_back(url, &args.file, args.replace, Clock::System.now())
        .await
        .map_err(failed)?;
    say(&format!(
        "Put back into {}: {}.",
        done.to.display(),
        contents(&done.manifest)
    ));
    if let Some(aside) = done.aside {
        say(&format!("What was there before is now {}.", aside.display()));
    }
    if !has_key(&done.to) {
        say("There is no secret key beside it: put the one it was used with there, or nobody can sign in.");
    }
    say("Nothing is sent until an owner signs in and confirms.");
    Ok(())
}

/// Whether the key that was made with an SQLite file lies beside it.
fn has_key(data: &Path) -> bool {
    let mut name = data.as_os_str().to_owned();
    name.push(".key");
    Path::new(&name).exists()
}

fn contents(manifest: &Manifest) -> String {
    let rows = |table: &str| grouped(manifest.rows.get(table).copied().unwrap_or_default());
    format!(
        "{} customers, {} campaigns, {} messages, {} MB",
        rows("customers"),
        rows("campaigns"),
        rows("messages"),
        grouped(i64::try_from(manifest.bytes / 1_000_000).unwrap_or_default())
    )
}
