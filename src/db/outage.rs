//! A database that can't be used, told apart from a mistake of ours.

use std::time::Duration;

use sqlx::{ConnectOptions, Connection, PgConnection, PgPool, postgres::PgDatabaseError, sqlite::SqliteError};
use tokio::time::timeout;

use super::{Db, SqlitePools};
use crate::error::Outage;

/// How long a look at the database waits for it, at each of its two steps.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Why the database can't be used, if that is what the error says.
pub fn outage(error: &sqlx::Error) -> Option<Outage> {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Some(Outage::Away),
        sqlx::Error::Database(error) => {
            if let Some(error) = error.try_downcast_ref::<SqliteError>() {
                of_sqlite(error)
            } else {
                let error = error.try_downcast_ref::<PgDatabaseError>()?;
                of_postgres(error.code())
            }
        }
        _ => None,
    }
}

fn of_sqlite(error: &SqliteError) -> Option<Outage> {
    use sqlx::error::DatabaseError;
    // The last byte is the kind, what is before it says more.
    let code: u32 = error.code()?.parse().ok()?;
    match code & 0xff {
        5 | 6 => Some(Outage::Locked),
        8 => Some(Outage::ReadOnly),
        13 => Some(Outage::Full),
        // It can't be opened, or the disk does not answer.
        10 | 14 => Some(Outage::Away),
        _ => None,
    }
}

fn of_postgres(code: &str) -> Option<Outage> {
    match code {
        "25006" => Some(Outage::ReadOnly),
        "53100" => Some(Outage::Full),
        "55P03" => Some(Outage::Locked),
        // Stopping, starting, no room for more connections; no such database, and not let in.
        "57P01" | "57P02" | "57P03" | "53300" | "3D000" | "28000" | "28P01" => Some(Outage::Away),
        other => other.starts_with("08").then_some(Outage::Away),
    }
}

impl Db {
    /// Whether it can be read and written now; if not, why. Never takes long.
    pub async fn look(&self) -> Result<(), Outage> {
        match self {
            Db::Sqlite(pools) => look_at_file(pools).await,
            Db::Postgres(pool) => match timeout(TIMEOUT, is_read_only(pool)).await {
                Ok(Ok(false)) => Ok(()),
                Ok(Ok(true)) => Err(Outage::ReadOnly),
                Ok(Err(error)) => Err(outage(&error).unwrap_or(Outage::Away)),
                Err(_) => Err(why(pool).await),
            },
        }
    }
}

/// Over a connection of its own: the one that writes may be busy with what is ours, and that is no
/// trouble unless it lasts.
async fn look_at_file(pools: &SqlitePools) -> Result<(), Outage> {
    let options = pools.write.options().clone();
    let options = options
        .create_if_missing(false)
        .optimize_on_close(false, None)
        .busy_timeout(TIMEOUT);
    let look = async {
        let mut connection = options.connect().await?;
        sqlx::query("begin immediate").execute(&mut connection).await?;
        // A file that can only be read says so at the first statement that writes, if it changes
        // anything or not.
        sqlx::query("delete from _sqlx_migrations where false")
            .execute(&mut connection)
            .await?;
        sqlx::query("rollback").execute(&mut connection).await?;
        connection.close().await
    };
    match look.await.map_err(|error| outage(&error)) {
        Err(Some(why)) => Err(why),
        // Tables that aren't there are told of elsewhere.
        Ok(()) | Err(None) => Ok(()),
    }
}

const READ_ONLY: &str = "select pg_is_in_recovery() or current_setting('transaction_read_only') = 'on'";

async fn is_read_only(pool: &PgPool) -> sqlx::Result<bool> {
    sqlx::query_scalar(READ_ONLY).fetch_one(pool).await
}

/// A pool only says that it waited in vain; one connection says why.
async fn why(pool: &PgPool) -> Outage {
    let options = pool.connect_options();
    let asked = timeout(TIMEOUT, async {
        let mut connection = PgConnection::connect_with(&options).await?;
        let read_only: bool = sqlx::query_scalar(READ_ONLY).fetch_one(&mut connection).await?;
        connection.close().await?;
        sqlx::Result::Ok(read_only)
    });
    match asked.await {
        Ok(Ok(true)) => Outage::ReadOnly,
        Ok(Err(error)) => outage(&error).unwrap_or(Outage::Away),
        Ok(Ok(false)) | Err(_) => Outage::Away,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_outage_is_a_mistake_of_ours() {
        for (code, why) in [
            ("25006", Some(Outage::ReadOnly)),
            ("57P01", Some(Outage::Away)),
            ("08006", Some(Outage::Away)),
            ("53100", Some(Outage::Full)),
            ("55P03", Some(Outage::Locked)),
            ("42P01", None),
            ("23505", None),
            ("22021", None),
        ] {
            assert_eq!(of_postgres(code), why, "{code}");
        }
        assert_eq!(outage(&sqlx::Error::PoolTimedOut), Some(Outage::Away));
        assert_eq!(outage(&sqlx::Error::Protocol("x".to_owned())), None);
        assert_eq!(outage(&sqlx::Error::RowNotFound), None);
    }
}
