//! The file of an SQLite database, told from one that is put in its place while it is open.
//!
//! Whoever moves another file over it leaves the connections with a file that has no name any more,
//! and their log beside a file that it does not belong to: a connection that is opened now would play
//! the one into the other. So from that moment on nothing is written, no connection is used that was
//! opened after it, and the log is put aside.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

/// How often it is looked at when nobody writes.
const LOOK: Duration = Duration::from_secs(1);
/// What SQLite keeps beside its file.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// The open file.
#[derive(Debug)]
pub struct DataFile {
    path: PathBuf,
    /// Nothing where files cannot be told from each other: in memory, and on systems without numbers.
    opened: Option<Identity>,
    is_replaced: AtomicBool,
    noticed: Notify,
}

/// The number of a file, and of its disk.
type Identity = (u64, u64);

impl DataFile {
    /// The file at this path, which has just been opened.
    pub(super) fn of(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            opened: identity(path),
            is_replaced: AtomicBool::new(false),
            noticed: Notify::new(),
        }
    }

    /// Refuses to go on once there is another file, or none, at its path. Cheap enough for every
    /// transaction: the system is asked for the number of a file.
    pub(super) fn still_there(&self) -> sqlx::Result<()> {
        if self.is_in_place() {
            return Ok(());
        }
        self.noticed.notify_one();
        Err(sqlx::Error::PoolClosed)
    }

    fn is_in_place(&self) -> bool {
        if self.is_replaced.load(Ordering::Acquire) {
            return false;
        }
        let is_same = self.opened.is_none() || identity(&self.path) == self.opened;
        if !is_same {
            // Also when it is moved back: what was written in between is in neither.
            self.is_replaced.store(true, Ordering::Release);
        }
        is_same
    }

    /// Waits until there is another file at its path.
    pub(super) async fn until_replaced(&self) {
        while self.is_in_place() {
            tokio::select! {
                () = self.noticed.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Takes the log away from the file that was put in place: it belongs to the former one, and would
    /// be played into this one by whoever opens it next. Nothing is removed.
    pub(super) fn put_log_aside(&self, now: DateTime<Utc>) -> io::Result<()> {
        let stamp = now.format("%Y%m%dT%H%M%SZ");
        for ending in COMPANIONS {
            let aside = self.beside(&format!(".replaced-{stamp}{ending}"));
            match std::fs::rename(self.beside(ending), aside) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn beside(&self, ending: &str) -> OsString {
        let mut name = self.path.as_os_str().to_owned();
        name.push(ending);
        name
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Path) -> Option<Identity> {
    None
}
