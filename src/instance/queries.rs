//! The table `instance`: a few named values; and what the database says of itself.

use std::path::PathBuf;

use sqlx::PgPool;

use super::fingerprint::Server;
use crate::{
    context::installation::{ID, put},
    db::{Db, Tx},
    on_db, tokens,
};

/// Where it lives: JSON.
pub(crate) const HOME: &str = "home";
/// When it was put back from a backup, until an owner confirms.
pub(crate) const RESTORED: &str = "restored";
/// The last sign of life.
pub(crate) const ALIVE: &str = "alive";

/// Gives the installation a new id: what leaves from now on has nothing in common with what other lives
/// of this database send under the same row numbers.
pub(crate) async fn renew_id(tx: &mut Tx) -> sqlx::Result<()> {
    put(tx, ID, &tokens::short()).await
}

/// Whether an SQLite database has been in use.
pub(crate) async fn is_set_up(db: &Db) -> sqlx::Result<bool> {
    let Db::Sqlite(pools) = db else { return Ok(true) };
    sqlx::query_scalar("select exists (select 1 from sqlite_master where name = 'instance')")
        .fetch_one(&pools.read)
        .await
}

/// The file of an SQLite database; empty for one in memory and for PostgreSQL.
pub(crate) async fn data_file(db: &Db) -> sqlx::Result<PathBuf> {
    let Db::Sqlite(pools) = db else {
        return Ok(PathBuf::new());
    };
    let file: Option<String> = sqlx::query_scalar("select file from pragma_database_list where name = 'main'")
        .fetch_optional(&pools.read)
        .await?;
    Ok(PathBuf::from(file.unwrap_or_default()))
}

/// What tells a PostgreSQL database from its copies.
pub(crate) async fn server(pool: &PgPool) -> sqlx::Result<Server> {
    let (database, schema, table, port) = sqlx::query_as(
        "select cast(d.oid as text) || ' ' || cast(d.datname as text), coalesce(cast(current_schema() as text), ''),
                cast(cast(cast('instance' as regclass) as oid) as text), current_setting('port')
           from pg_database d where d.datname = current_database()",
    )
    .fetch_one(pool)
    .await?;
    Ok(Server {
        server: told(pool, "select cast(system_identifier as text) from pg_control_system()").await?,
        database,
        schema,
        table,
        port,
        folder: told(pool, "select current_setting('data_directory')").await?,
        timeline: told(pool, "select substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)").await?,
    })
}

/// The answer to a question that not every server allows, or can answer.
async fn told(pool: &PgPool, question: &'static str) -> sqlx::Result<Option<String>> {
    match sqlx::query_scalar(question).fetch_one(pool).await {
        Ok(answer) => Ok(answer),
        Err(sqlx::Error::Database(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Sends of every store that are not over.
pub(crate) async fn open_sends(db: &Db) -> sqlx::Result<Vec<(crate::ids::StoreId, i64)>> {
    on_db!(db, |pool| sqlx::query_as(
        "select store_id, id from sends where state in ('holding', 'sending') order by id"
    )
    .fetch_all(pool)
    .await)
}
