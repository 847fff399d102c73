//! The database: SQLite embedded by default, PostgreSQL for several instances. SQL is written
//! once; [`on_db!`](crate::on_db) and [`on_tx!`](crate::on_tx) type-check it for both drivers.
//!
//! Reads go through a [`Db`]; every write goes through a [`Tx`], so that on SQLite there is one
//! writer at a time and no transaction ever has to be upgraded from reading to writing (SQLite
//! answers that with `SQLITE_BUSY_SNAPSHOT` at once, which the busy time-out does not retry).

mod batch;
pub mod binds;
mod connect;
mod data_file;
pub mod dialect;
mod outage;
mod real_file;
mod retry;
pub mod search;
mod timeout;
mod writer;

pub use batch::Bound;
pub use connect::{
    Backend, ConnectError, OnTimeline, connect, connect_telling, lock_data_file, migrate, newest_migration,
};
pub use outage::outage;
pub use real_file::real_address;
pub use retry::{in_tx, is_serialization_failure};
pub use timeout::with_timeout;
pub use writer::{WriteGuard, Writer};

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use sqlx::{PgPool, Postgres, SqlitePool, Transaction};

use data_file::DataFile;

/// How long reads that are running may take when the database is given up.
const FAREWELL: Duration = Duration::from_secs(5);

/// The open database.
#[derive(Clone, Debug)]
pub enum Db {
    Sqlite(SqlitePools),
    Postgres(PgPool),
}

/// SQLite has one writer beside a pool of readers.
#[derive(Clone, Debug)]
pub struct SqlitePools {
    pub read: SqlitePool,
    pub write: Writer,
    file: Arc<DataFile>,
}

/// An open write transaction. Dropped without [`Tx::commit`], it is rolled back.
#[derive(Debug)]
pub enum Tx {
    Sqlite(WriteGuard),
    Postgres(Transaction<'static, Postgres>),
}

impl Db {
    /// Which of the two databases this is.
    pub fn backend(&self) -> Backend {
        match self {
            Db::Sqlite(_) => Backend::Sqlite,
            Db::Postgres(_) => Backend::Postgres,
        }
    }

    /// Opens a write transaction. On SQLite it takes the write lock at once.
    pub async fn begin(&self) -> sqlx::Result<Tx> {
        Ok(match self {
            Db::Sqlite(pools) => Tx::Sqlite(pools.write.turn().await?.begin().await?),
            Db::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Looks at the customer book anew, so that statements are planned for what is there. For after
    /// an import; the databases do it by themselves, but later. Takes part of a second at 100,000
    /// customers; not inside a transaction.
    pub async fn refresh_statistics(&self) -> sqlx::Result<()> {
        match self {
            Db::Sqlite(pools) => sqlx::raw_sql("pragma analysis_limit = 2000; analyze;")
                .execute(&mut *pools.write.turn().await?)
                .await
                .map(|_| ()),
            // Index-only reads need to know which rows everybody can see, too.
            Db::Postgres(pool) => sqlx::raw_sql("vacuum (analyze) customers, customer_tags, tag_set_tags")
                .execute(pool)
                .await
                .map(|_| ()),
        }
    }

    /// Waits until another file is put in the place of an SQLite database; for ever on PostgreSQL.
    pub async fn until_replaced(&self) {
        match self {
            Db::Sqlite(pools) => pools.file.until_replaced().await,
            Db::Postgres(_) => std::future::pending().await,
        }
    }

    /// Gives up an SQLite database whose file was replaced: nothing is written any more, not even on
    /// closing, and the file that was put there stays as it is.
    pub async fn give_up(&self, now: DateTime<Utc>) {
        let Db::Sqlite(pools) = self else { return };
        if let Err(error) = pools.file.put_log_aside(now) {
            tracing::error!(error = %error, "the log of the replaced database could not be put aside");
        }
        let closing = async {
            pools.write.drop_connection().await;
            pools.read.close().await;
        };
        if tokio::time::timeout(FAREWELL, closing).await.is_err() {
            tracing::warn!("connections to the replaced database are still in use");
        }
    }

    /// Closes every connection, after what is running has finished.
    pub async fn close(&self) {
        match self {
            Db::Sqlite(pools) => {
                pools.read.close().await;
                pools.write.close().await;
            }
            Db::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    /// Which of the two databases this is.
    pub fn backend(&self) -> Backend {
        match self {
            Tx::Sqlite(_) => Backend::Sqlite,
            Tx::Postgres(_) => Backend::Postgres,
        }
    }

    /// Makes everything done in this transaction durable.
    pub async fn commit(self) -> sqlx::Result<()> {
        match self {
            Tx::Sqlite(tx) => tx.commit().await,
            Tx::Postgres(tx) => tx.commit().await,
        }
    }
}

/// Runs a read on whichever database is open: `on_db!(db, |pool| sqlx::query…fetch_all(pool).await)`.
#[macro_export]
macro_rules! on_db {
    ($db:expr, |$pool:ident| $body:expr) => {
        match $db {
            $crate::db::Db::Sqlite(pools) => {
                let $pool = &pools.read;
                $body
            }
            $crate::db::Db::Postgres($pool) => $body,
        }
    };
}

/// Runs a statement inside a transaction: `on_tx!(tx, |conn| sqlx::query…execute(&mut *conn).await)`.
#[macro_export]
macro_rules! on_tx {
    ($tx:expr, |$conn:ident| $body:expr) => {
        match $tx {
            $crate::db::Tx::Sqlite(tx) => {
                let $conn = &mut **tx;
                $body
            }
            $crate::db::Tx::Postgres(tx) => {
                let $conn = &mut **tx;
                $body
            }
        }
    };
}
