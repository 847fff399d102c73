//! Where a database lives: what tells it from its copies.

use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::store;
use crate::db::{Db, Tx};

/// A place, as it is remembered in the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "on", rename_all = "snake_case")]
pub(super) enum Home {
    /// A file: its path, the machine's name, and the file's own number on its disk.
    Sqlite {
        path: String,
        machine: String,
        file: Option<u64>,
    },
    /// A database of a server. Which machine asks does not matter: several may.
    Postgres {
        server: Option<String>,
        database: String,
        schema: String,
    },
}

impl Home {
    /// Where the open database lives.
    pub(super) async fn of(db: &Db) -> sqlx::Result<Self> {
        match db {
            Db::Sqlite(_) => {
                let path = store::data_file(db).await?;
                let path = std::fs::canonicalize(&path).unwrap_or(path);
                Ok(Home::Sqlite {
                    machine: machine(),
                    file: number(&path),
                    path: path.to_string_lossy().into_owned(),
                })
            }
            Db::Postgres(pool) => {
                let (database, schema) = store::database_and_schema(pool).await?;
                Ok(Home::Postgres {
                    server: store::server(pool).await,
                    database,
                    schema,
                })
            }
        }
    }

    /// Whether two records mean the same place. A container gets a new machine name with every
    /// update and keeps its file; a disk may renumber its files and keeps its machine's name. A
    /// copy elsewhere has neither.
    pub(super) fn is_same_place(&self, other: &Home) -> bool {
        match (self, other) {
            (
                Home::Sqlite { path, machine, file },
                Home::Sqlite {
                    path: other_path,
                    machine: other_machine,
                    file: other_file,
                },
            ) => path == other_path && (machine == other_machine || (file.is_some() && file == other_file)),
            _ => self == other,
        }
    }
}

fn machine() -> String {
    lettre::transport::smtp::extension::ClientId::default().to_string()
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
    store::put(tx, store::ALIVE, &text).await?;
    Ok(LifeNote(text))
}

impl LifeNote {
    /// Keeps it beside an SQLite file. On PostgreSQL there is no such place.
    pub async fn keep(self, db: &Db) {
        if let Db::Sqlite(_) = db
            && let Ok(data) = store::data_file(db).await
            && let Err(error) = std::fs::write(life_file(&data), &self.0)
        {
            tracing::warn!(error = %error, "the note beside the database could not be written");
        }
    }
}

/// Whether a newer state of this database has run in this place.
pub(super) async fn is_older(db: &Db) -> sqlx::Result<bool> {
    let Db::Sqlite(_) = db else { return Ok(false) };
    let outside = std::fs::read_to_string(life_file(&store::data_file(db).await?)).ok();
    let inside = store::get(db, store::ALIVE).await?;
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

    fn file(path: &str, machine: &str, file: u64) -> Home {
        Home::Sqlite {
            path: path.to_owned(),
            machine: machine.to_owned(),
            file: Some(file),
        }
    }

    #[test]
    fn a_copy_is_told_from_an_update_and_from_a_renumbered_disk() {
        let home = file("/data/loupe.db", "till", 7);
        assert!(home.is_same_place(&file("/data/loupe.db", "till", 7)));
        assert!(home.is_same_place(&file("/data/loupe.db", "new-container", 7)));
        assert!(home.is_same_place(&file("/data/loupe.db", "till", 8)));
        assert!(
            !home.is_same_place(&file("/data/loupe.db", "laptop", 8)),
            "carried to another machine"
        );
        assert!(!home.is_same_place(&file("/copy/loupe.db", "till", 7)), "moved");
    }

    #[test]
    fn on_postgres_the_database_counts_and_not_the_machine() {
        let of = |server: &str, database: &str| Home::Postgres {
            server: Some(server.to_owned()),
            database: database.to_owned(),
            schema: "public".to_owned(),
        };
        assert!(of("1", "loupe").is_same_place(&of("1", "loupe")));
        assert!(!of("1", "loupe").is_same_place(&of("2", "loupe")));
        assert!(!of("1", "loupe").is_same_place(&of("1", "copy")));
    }
}
