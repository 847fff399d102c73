//! SQLite's one writer. Whoever comes first has the first turn; a pool of one connection would do the
//! same, but asks after each turn whether the connection is still there, which takes as long as a
//! small transaction.

use std::{
    mem,
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::{
    runtime::Handle,
    sync::{Mutex, OwnedMutexGuard},
    time::timeout,
};

use super::{connect::prepare_to_write, data_file::DataFile};

/// A turn is waited for so long.
const WRITER_TIMEOUT: Duration = Duration::from_secs(30);

/// The connection that writes.
#[derive(Clone, Debug)]
pub struct Writer {
    options: Arc<SqliteConnectOptions>,
    file: Arc<DataFile>,
    slot: Arc<Mutex<Slot>>,
}

#[derive(Debug)]
enum Slot {
    Idle(SqliteConnection),
    /// In a turn, or lost in one: the next turn opens another.
    Away,
    Closed,
}

/// The connection, while it is somebody's. What was begun and not ended is taken back.
#[derive(Debug)]
pub struct WriteGuard {
    // Both are there until it is dropped.
    connection: Option<SqliteConnection>,
    slot: Option<OwnedMutexGuard<Slot>>,
    is_begun: bool,
}

impl Writer {
    /// Opens the connection.
    pub(super) async fn open(options: SqliteConnectOptions) -> sqlx::Result<Self> {
        let mut connection = options.connect().await?;
        let file = Arc::new(DataFile::of(options.get_filename()));
        prepare_to_write(&mut connection).await?;
        Ok(Self {
            options: Arc::new(options),
            file,
            slot: Arc::new(Mutex::new(Slot::Idle(connection))),
        })
    }

    /// How it was opened.
    pub(super) fn options(&self) -> &SqliteConnectOptions {
        &self.options
    }

    /// The file it writes to.
    pub(super) fn file(&self) -> Arc<DataFile> {
        Arc::clone(&self.file)
    }

    /// Waits for a turn; for half a minute at most.
    pub async fn turn(&self) -> sqlx::Result<WriteGuard> {
        let slot = timeout(WRITER_TIMEOUT, Arc::clone(&self.slot).lock_owned()).await;
        let mut slot = slot.map_err(|_| sqlx::Error::PoolTimedOut)?;
        // What would be written now would be gone.
        self.file.still_there()?;
        let connection = match mem::replace(&mut *slot, Slot::Away) {
            Slot::Idle(connection) => connection,
            Slot::Away => self.another().await?,
            Slot::Closed => {
                *slot = Slot::Closed;
                return Err(sqlx::Error::PoolClosed);
            }
        };
        Ok(WriteGuard {
            connection: Some(connection),
            slot: Some(slot),
            is_begun: false,
        })
    }

    async fn another(&self) -> sqlx::Result<SqliteConnection> {
        let mut connection = self.options.connect().await?;
        // Another file may have been put there just before: it must not even be read.
        self.file.still_there()?;
        prepare_to_write(&mut connection).await?;
        Ok(connection)
    }

    /// Lets go of the connection when the last turn has ended, without a last word to the file.
    pub(super) async fn drop_connection(&self) {
        *self.slot.lock().await = Slot::Closed;
    }

    /// Closes the connection when the last turn has ended; there are none afterwards.
    pub(super) async fn close(&self) {
        let last = mem::replace(&mut *self.slot.lock().await, Slot::Closed);
        if let Slot::Idle(connection) = last
            && let Err(error) = connection.close().await
        {
            tracing::warn!(error = %error, "the database was not closed in order");
        }
    }
}

impl WriteGuard {
    /// Begins a transaction: takes the lock of the file at once.
    pub(super) async fn begin(mut self) -> sqlx::Result<Self> {
        self.expect_a_transaction();
        sqlx::query("begin immediate").execute(&mut *self).await?;
        Ok(self)
    }

    /// Makes everything since the beginning durable.
    pub(super) async fn commit(mut self) -> sqlx::Result<()> {
        sqlx::query("commit").execute(&mut *self).await?;
        self.is_begun = false;
        Ok(())
    }

    /// A statement is about to begin a transaction, and to end it too.
    pub(super) fn expect_a_transaction(&mut self) {
        self.is_begun = true;
    }

    /// It has ended it.
    pub(super) fn has_ended(&mut self) {
        self.is_begun = false;
    }
}

#[expect(clippy::expect_used, reason = "only `drop` takes the connection")]
impl Deref for WriteGuard {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.connection.as_ref().expect("a turn has the connection")
    }
}

#[expect(clippy::expect_used, reason = "only `drop` takes the connection")]
impl DerefMut for WriteGuard {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect("a turn has the connection")
    }
}

impl Drop for WriteGuard {
    fn drop(&mut self) {
        let (Some(mut connection), Some(mut slot)) = (self.connection.take(), self.slot.take()) else {
            return;
        };
        if !self.is_begun {
            *slot = Slot::Idle(connection);
        } else if let Ok(runtime) = Handle::try_current() {
            // A full disk makes SQLite take it back by itself, and then there is nothing to take back:
            // in doubt another connection is opened. Closing this one takes everything back too.
            runtime.spawn(async move {
                if sqlx::query("rollback").execute(&mut connection).await.is_ok() {
                    *slot = Slot::Idle(connection);
                }
            });
        }
    }
}
