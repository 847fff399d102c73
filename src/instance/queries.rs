//! The table `instance`: a few named values; and what the database says of itself.

use std::path::PathBuf;

use sqlx::PgPool;

use super::fingerprint::Server;
use crate::{
    auth::tokens,
    db::{Db, Tx},
    on_db, on_tx,
};

/// The installation's name for itself: part of every id that leaves it.
pub(super) const ID: &str = "id";
/// Where it lives: JSON.
pub(super) const HOME: &str = "home";
/// When it was put back from a backup, until an owner confirms.
pub(super) const RESTORED: &str = "restored";
/// The last sign of life.
pub(super) const ALIVE: &str = "alive";

/// The id of this installation: tells its Message-IDs from those of another, and of a copy of itself.
/// Made at the first need, and anew whenever a copy is confirmed.
pub async fn id(db: &Db) -> sqlx::Result<String> {
    if let Some(id) = get(db, ID).await? {
        return Ok(id);
    }
    let mut tx = db.begin().await?;
    put_first(&mut tx, ID, &tokens::short()).await?;
    let id = on_tx!(&mut tx, |conn| sqlx::query_scalar(
        "select value from instance where key = 'id'"
    )
    .fetch_one(&mut *conn)
    .await)?;
    tx.commit().await?;
    Ok(id)
}

/// Gives the installation a new id: what leaves from now on has nothing in common with what other lives
/// of this database send under the same row numbers.
pub(super) async fn renew_id(tx: &mut Tx) -> sqlx::Result<()> {
    put(tx, ID, &tokens::short()).await
}

/// A named value.
pub(super) async fn get(db: &Db, key: &str) -> sqlx::Result<Option<String>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select value from instance where key = $1"
    )
    .bind(key)
    .fetch_optional(pool)
    .await)
}

/// Sets a named value.
pub(super) async fn put(tx: &mut Tx, key: &str, value: &str) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "insert into instance (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value"
    )
    .bind(key)
    .bind(value)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}

/// Sets a named value unless it has one.
pub(super) async fn put_first(tx: &mut Tx, key: &str, value: &str) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "insert into instance (key, value) values ($1, $2) on conflict do nothing"
    )
    .bind(key)
    .bind(value)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}

/// Forgets a named value.
pub(super) async fn remove(tx: &mut Tx, key: &str) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query("delete from instance where key = $1")
        .bind(key)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}

/// Whether an SQLite database has been in use.
pub(super) async fn is_set_up(db: &Db) -> sqlx::Result<bool> {
    let Db::Sqlite(pools) = db else { return Ok(true) };
    sqlx::query_scalar("select exists (select 1 from sqlite_master where name = 'instance')")
        .fetch_one(&pools.read)
        .await
}

/// The file of an SQLite database; empty for one in memory and for PostgreSQL.
pub(super) async fn data_file(db: &Db) -> sqlx::Result<PathBuf> {
    let Db::Sqlite(pools) = db else {
        return Ok(PathBuf::new());
    };
    let file: Option<String> = sqlx::query_scalar("select file from pragma_database_list where name = 'main'")
        .fetch_optional(&pools.read)
        .await?;
    Ok(PathBuf::from(file.unwrap_or_default()))
}

/// What tells a PostgreSQL database from its copies.
pub(super) async fn server(pool: &PgPool) -> sqlx::Result<Server> {
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
pub(super) async fn open_sends(db: &Db) -> sqlx::Result<Vec<(crate::auth::model::StoreId, i64)>> {
    on_db!(db, |pool| sqlx::query_as(
        "select store_id, id from sends where state in ('holding', 'sending') order by id"
    )
    .fetch_all(pool)
    .await)
}
