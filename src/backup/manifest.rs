//! What a backup says of itself, and what can be wrong with one.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    str::FromStr,
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::sqlite::SqliteConnectOptions;

/// The file beside a backup: JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version that made it.
    pub loupe: String,
    /// The newest migration of its tables.
    pub migration: i64,
    pub made_at: DateTime<Utc>,
    pub bytes: u64,
    /// Of the whole file, in hexadecimal digits.
    pub sha256: String,
    /// Rows by table.
    pub rows: BTreeMap<String, i64>,
}

/// Why a backup was not made, or not put back.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error("{0} isn't there")]
    Missing(PathBuf),
    #[error("{0} is there already; choose another name")]
    Exists(PathBuf),
    #[error("{0} holds a database already; with --replace it is put aside first")]
    InTheWay(PathBuf),
    #[error("{0} is not whole: {1}")]
    Damaged(PathBuf, String),
    #[error("it was made by a newer program (migration {made}, this one knows {known}): use that one")]
    TooNew { made: i64, known: i64 },
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the database can't be read: {0}")]
    Database(#[from] sqlx::Error),
}

impl Manifest {
    /// Where the manifest of a backup is.
    pub fn path(backup: &Path) -> PathBuf {
        beside(backup, ".json")
    }

    /// Reads the manifest of a backup.
    pub fn read(backup: &Path) -> Result<Self, Problem> {
        let path = Self::path(backup);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Problem::Missing(path)),
            Err(error) => return Err(error.into()),
        };
        serde_json::from_str(&text).map_err(|e| Problem::Damaged(path, e.to_string()))
    }
}

/// A file whose name is another's with something added.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// What SQLite keeps beside a file, and plays into whatever has that file's name when it is opened.
pub(super) const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Makes way for a file that is put together under this name: what is there was never finished.
pub(super) fn clear(partial: &Path) {
    let _ = std::fs::remove_file(partial);
    for ending in COMPANIONS {
        let _ = std::fs::remove_file(beside(partial, ending));
    }
}

/// The file of an SQLite address.
pub(super) fn data_file(url: &str) -> Result<PathBuf, Problem> {
    Ok(SqliteConnectOptions::from_str(url)?.get_filename().to_path_buf())
}

/// Size and fingerprint of a file.
pub(super) fn fingerprint(path: &Path) -> io::Result<(u64, String)> {
    let (mut file, mut hash, mut bytes) = (File::open(path)?, Sha256::new(), 0);
    let mut piece = vec![0; 256 * 1024];
    loop {
        let n = file.read(&mut piece)?;
        if n == 0 {
            return Ok((bytes, hex::encode(hash.finalize())));
        }
        hash.update(piece.get(..n).unwrap_or_default());
        bytes += n as u64;
    }
}

/// Makes a file and its name durable.
pub(super) fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    match path.parent().filter(|f| *f != Path::new("")) {
        Some(folder) => sync_folder(folder),
        None => sync_folder(Path::new(".")),
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
