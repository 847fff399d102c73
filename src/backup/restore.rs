//! Putting a backup back.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use sqlx::Connection;

use super::{
    manifest::{COMPANIONS, Manifest, Problem, beside, clear, data_file, fingerprint, sync},
    queries,
};
use crate::db::{self, Backend};

/// What was done.
#[derive(Clone, Debug)]
pub struct PutBack {
    pub manifest: Manifest,
    /// Where the database now is.
    pub to: PathBuf,
    /// Where the one that was there before has gone.
    pub aside: Option<PathBuf>,
}

/// Checks a backup and puts it where `url` says. The caller holds the lock on the database: no
/// program may be using it. With `replace`, what is there is put aside, never removed.
pub async fn put_back(url: &str, from: &Path, replace: bool, now: DateTime<Utc>) -> Result<PutBack, Problem> {
    if !from.exists() {
        return Err(Problem::Missing(from.to_path_buf()));
    }
    let to = data_file(url)?;
    if to.exists() && !replace {
        return Err(Problem::InTheWay(to));
    }
    let manifest = checked(from).await?;
    if let Some(folder) = to.parent().filter(|f| *f != Path::new("")) {
        std::fs::create_dir_all(folder)?;
    }
    let partial = beside(&to, ".partial");
    clear(&partial);
    std::fs::copy(from, &partial)?;
    if fingerprint(&partial)?.1 != manifest.sha256 {
        clear(&partial);
        return Err(Problem::Damaged(partial, "it changed while it was copied".to_owned()));
    }
    queries::mark_restored(&partial, now).await?;
    sync(&partial)?;
    let aside = put_aside(&to, now).await?;
    std::fs::rename(&partial, &to)?;
    sync(&to)?;
    Ok(PutBack { manifest, to, aside })
}

/// Holds a backup against its manifest, byte by byte and row by row.
async fn checked(backup: &Path) -> Result<Manifest, Problem> {
    let damaged = |words: &str| Problem::Damaged(backup.to_path_buf(), words.to_owned());
    let manifest = Manifest::read(backup)?;
    let known = db::newest_migration(Backend::Sqlite);
    if manifest.migration > known {
        return Err(Problem::TooNew {
            made: manifest.migration,
            known,
        });
    }
    let (bytes, sha256) = fingerprint(backup)?;
    if bytes != manifest.bytes || sha256 != manifest.sha256 {
        return Err(damaged("it isn't what its manifest describes"));
    }
    let mut file = queries::open_to_look(backup).await?;
    if let Some(faults) = queries::faults(&mut file).await? {
        return Err(damaged(&faults));
    }
    if queries::rows(&mut file).await? != manifest.rows {
        return Err(damaged("its rows aren't those of its manifest"));
    }
    file.close().await?;
    Ok(manifest)
}

/// Renames what is there: the database, if there is one, and whatever SQLite keeps beside it.
/// Without the database too, for the next one of that name would have it played into it.
async fn put_aside(data: &Path, now: DateTime<Utc>) -> Result<Option<PathBuf>, Problem> {
    let aside = beside(data, &format!(".replaced-{}", now.format("%Y%m%dT%H%M%SZ")));
    let is_there = data.exists();
    if is_there {
        // In one piece it can't come apart on the way. What can't be read any more goes as it is.
        let _ = queries::fold(data).await;
    }
    for ending in COMPANIONS.into_iter().chain([""]) {
        let (part, kept) = (beside(data, ending), beside(&aside, ending));
        if kept.exists() {
            return Err(Problem::Exists(kept));
        }
        if part.exists() {
            std::fs::rename(&part, &kept)?;
        }
    }
    Ok(is_there.then_some(aside))
}
