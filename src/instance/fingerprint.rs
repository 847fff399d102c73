//! Where a database lives: what tells it from its copies.

use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::queries;
use crate::db::{Db, Tx};

/// A place, as it is remembered in the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "on", rename_all = "snake_case")]
pub(crate) enum Fingerprint {
    Sqlite(Disk),
    Postgres(Server),
}

/// Where a file lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Disk {
    path: String,
    machine: String,
    /// The file's own number on its disk.
    file: Option<u64>,
    /// When that file was made there: copying makes a new one.
    born: Option<DateTime<Utc>>,
}

/// A database of a server. Which machine asks does not matter: several may. Nor does the server's
/// address: a container has a new one after every start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Server {
    /// The number the server was given when it was set up. Its copies have it too.
    pub server: Option<String>,
    pub database: String,
    pub schema: String,
    /// The number of the table this is kept in: a dump that is read in again makes a new one.
    pub table: Option<String>,
    pub port: Option<String>,
    /// Where the server keeps its files, if it tells us.
    pub folder: Option<String>,
    /// Grows when a replica takes over, and when a server goes back to a moment.
    pub timeline: Option<String>,
}

impl Fingerprint {
    /// Where the open database lives.
    pub(crate) async fn of(db: &Db) -> sqlx::Result<Self> {
        match db {
            Db::Sqlite(_) => Ok(Fingerprint::Sqlite(Disk::of(&queries::data_file(db).await?))),
            Db::Postgres(pool) => Ok(Fingerprint::Postgres(queries::server(pool).await?)),
        }
    }

    /// Whether two records mean the same place. What one of them does not tell is no difference:
    /// records of former versions tell less.
    pub(crate) fn is_same_place(&self, other: &Fingerprint) -> bool {
        match (self, other) {
            (Fingerprint::Sqlite(one), Fingerprint::Sqlite(other)) => one.is_same(other),
            (Fingerprint::Postgres(one), Fingerprint::Postgres(other)) => one.is_same(other),
            _ => false,
        }
    }
}

impl Disk {
    fn of(path: &Path) -> Self {
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        Self {
            machine: machine(),
            file: number(&path),
            born: birth(&path),
            path: path.to_string_lossy().into_owned(),
        }
    }

    /// A container gets a new machine name with every update and keeps its file; a disk may
    /// renumber its files and keeps its machine's name. A copy elsewhere has neither, or was made
    /// at another time.
    fn is_same(&self, other: &Self) -> bool {
        self.path == other.path
            && agree(&self.born, &other.born)
            && (self.machine == other.machine || (self.file.is_some() && self.file == other.file))
    }
}

impl Server {
    fn is_same(&self, other: &Self) -> bool {
        (&self.server, &self.database, &self.schema) == (&other.server, &other.database, &other.schema)
            && agree(&self.table, &other.table)
            && agree(&self.port, &other.port)
            && agree(&self.folder, &other.folder)
            && agree(&self.timeline, &other.timeline)
    }
}

/// Whether two answers differ in nothing that both tell.
fn agree<T: PartialEq>(one: &Option<T>, other: &Option<T>) -> bool {
    one.is_none() || other.is_none() || one == other
}

fn machine() -> String {
    // As it was written down by every version: a machine without a name is its loopback address.
    let name = hostname::get().ok().and_then(|name| name.into_string().ok());
    name.unwrap_or_else(|| "[127.0.0.1]".to_owned())
}

#[cfg(unix)]
fn number(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|m| m.ino())
}

#[cfg(not(unix))]
fn number(_: &Path) -> Option<u64> {
    None
}

/// To the nanosecond; disks that do not know say nothing, or the beginning of all time.
fn birth(path: &Path) -> Option<DateTime<Utc>> {
    let born = DateTime::from(std::fs::metadata(path).ok()?.created().ok()?);
    (born > DateTime::UNIX_EPOCH).then_some(born)
}

/// The file beside an SQLite database that says when it was last in use here.
fn life_file(data: &Path) -> PathBuf {
    let mut name = data.as_os_str().to_owned();
    name.push(".alive");
    PathBuf::from(name)
}

/// A sign of life, to be kept outside the database once it is inside: an older state of the file
/// that is put back later does not know of it.
#[derive(Debug)]
#[must_use]
pub struct LifeNote(String);

/// Writes a sign of life into the database. Keep the answer after the commit.
pub async fn note_life(tx: &mut Tx, now: DateTime<Utc>) -> sqlx::Result<LifeNote> {
    let text = now.to_rfc3339_opts(SecondsFormat::Micros, true);
    crate::context::installation::put(tx, queries::ALIVE, &text).await?;
    Ok(LifeNote(text))
}

impl LifeNote {
    /// Keeps it beside an SQLite file. On PostgreSQL there is no such place.
    pub async fn keep(self, db: &Db) {
        if let Db::Sqlite(_) = db
            && let Ok(data) = queries::data_file(db).await
            && let Err(error) = write_whole(&life_file(&data), &self.0)
        {
            tracing::warn!(error = %error, "the note beside the database could not be written");
        }
    }
}

/// The former note is there until the new one is whole: half a note would look like a copy's.
fn write_whole(note: &Path, text: &str) -> std::io::Result<()> {
    let fresh = note.with_extension("alive.new");
    std::fs::write(&fresh, text)?;
    std::fs::File::open(&fresh)?.sync_all()?;
    std::fs::rename(fresh, note)
}

/// Whether a newer state of this database has run in this place.
pub(crate) async fn is_older(db: &Db) -> sqlx::Result<bool> {
    let Db::Sqlite(_) = db else { return Ok(false) };
    let outside = std::fs::read_to_string(life_file(&queries::data_file(db).await?)).ok();
    let inside = crate::context::installation::get(db, queries::ALIVE).await?;
    let moment = |text: &str| text.trim().parse::<DateTime<Utc>>().ok();
    Ok(
        match (outside.as_deref().and_then(moment), inside.as_deref().and_then(moment)) {
            (Some(outside), Some(inside)) => outside > inside,
            (Some(_), None) => true,
            // It has lived, and not here.
            (None, Some(_)) => true,
            (None, None) => false,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_never_half_written() {
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        let (note, former) = (folder.path().join("loupe.db.alive"), folder.path().join("former"));
        let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
        assert!(write_whole(&note, "one").is_ok());
        assert!(std::fs::hard_link(&note, &former).is_ok());
        assert!(write_whole(&note, "two").is_ok());
        assert_eq!((read(&note), read(&former)), ("two".to_owned(), "one".to_owned()));
    }

    fn file(path: &str, machine: &str, file: u64, born: i64) -> Fingerprint {
        Fingerprint::Sqlite(Disk {
            path: path.to_owned(),
            machine: machine.to_owned(),
            file: Some(file),
            born: DateTime::from_timestamp(born, 0),
        })
    }

    #[test]
    fn a_copy_is_told_from_an_update_and_from_a_renumbered_disk() {
        let home = file("/data/loupe.db", "till", 7, 1);
        for (same, place) in [
            ("as it was", file("/data/loupe.db", "till", 7, 1)),
            ("an update", file("/data/loupe.db", "new-container", 7, 1)),
            ("a renumbered disk", file("/data/loupe.db", "till", 8, 1)),
        ] {
            assert!(home.is_same_place(&place), "{same}");
        }
        for (other, place) in [
            ("carried to another machine", file("/data/loupe.db", "laptop", 8, 1)),
            ("moved", file("/copy/loupe.db", "till", 7, 1)),
            ("a machine of the same name", file("/data/loupe.db", "till", 7, 2)),
            (
                "a new disk that counts like the old",
                file("/data/loupe.db", "laptop", 7, 2),
            ),
        ] {
            assert!(!home.is_same_place(&place), "{other}");
        }
    }

    #[test]
    fn on_postgres_the_database_counts_and_not_the_machine() {
        let home = Server {
            server: Some("1".to_owned()),
            database: "7 loupe".to_owned(),
            schema: "public".to_owned(),
            table: Some("9".to_owned()),
            port: Some("5432".to_owned()),
            folder: Some("/var/lib/postgresql".to_owned()),
            timeline: Some("00000001".to_owned()),
        };
        let is_same = |change: fn(&mut Server)| {
            let mut other = home.clone();
            change(&mut other);
            Fingerprint::Postgres(home.clone()).is_same_place(&Fingerprint::Postgres(other))
        };
        assert!(is_same(|_| ()));
        assert!(is_same(|s| s.folder = None), "it may not be asked any more");
        assert!(
            !is_same(|s| s.server = Some("2".to_owned())),
            "read into another server"
        );
        assert!(
            !is_same(|s| s.database = "8 loupe".to_owned()),
            "read into a new database"
        );
        assert!(
            !is_same(|s| s.table = Some("10".to_owned())),
            "read into the same database"
        );
        assert!(!is_same(|s| s.port = Some("5433".to_owned())), "copied beside it");
        assert!(!is_same(|s| s.folder = Some("/copy".to_owned())), "copied beside it");
        assert!(
            !is_same(|s| s.timeline = Some("00000002".to_owned())),
            "a replica took over"
        );
    }
}
