//! What backups ask of an SQLite file. They open it by themselves: the program may be running.

use std::{collections::BTreeMap, path::Path};

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};

/// Opens a file that nobody else uses, to look at it.
pub(super) async fn open_to_look(path: &Path) -> sqlx::Result<SqliteConnection> {
    SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .immutable(true)
        .connect()
        .await
}

/// Writes a whole copy of a database, which may be in use, into a new file.
pub(super) async fn copy(from: &Path, to: &Path) -> sqlx::Result<()> {
    let mut source = SqliteConnectOptions::new().filename(from).connect().await?;
    sqlx::query("vacuum into $1")
        .bind(to.to_string_lossy().into_owned())
        .execute(&mut source)
        .await?;
    source.close().await
}

/// Writes what lies beside a file that nobody uses into the file itself.
pub(super) async fn fold(path: &Path) -> sqlx::Result<()> {
    let mut file = SqliteConnectOptions::new().filename(path).connect().await?;
    sqlx::query("pragma wal_checkpoint(truncate)")
        .execute(&mut file)
        .await?;
    file.close().await
}

/// What is wrong inside a file; nothing when it is whole.
pub async fn faults(file: &mut SqliteConnection) -> sqlx::Result<Option<String>> {
    let found: Vec<String> = sqlx::query_scalar("pragma integrity_check(10)")
        .fetch_all(&mut *file)
        .await?;
    if found != ["ok"] {
        return Ok(Some(found.join("; ")));
    }
    let astray: Option<(String,)> = sqlx::query_as("select \"table\" from pragma_foreign_key_check limit 1")
        .fetch_optional(&mut *file)
        .await?;
    Ok(astray.map(|(table,)| format!("a row of {table} refers to nothing")))
}

/// The newest migration of a file.
pub(super) async fn migration(file: &mut SqliteConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar("select coalesce(max(version), 0) from _sqlx_migrations where success")
        .fetch_one(file)
        .await
}

/// Rows by table.
pub(super) async fn rows(file: &mut SqliteConnection) -> sqlx::Result<BTreeMap<String, i64>> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select name from sqlite_master where type = 'table' and name not like 'sqlite%' and name <> '_sqlx_migrations'
          order by name",
    )
    .fetch_all(&mut *file)
    .await?;
    let mut rows = BTreeMap::new();
    for table in tables {
        let sql = format!("select count(*) from \"{}\"", table.replace('"', "\"\""));
        let n = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *file).await?;
        rows.insert(table, n);
    }
    Ok(rows)
}

/// Marks a file as put back: it starts passive.
pub(super) async fn mark_restored(path: &Path, now: DateTime<Utc>) -> sqlx::Result<()> {
    let mut file = SqliteConnectOptions::new().filename(path).connect().await?;
    sqlx::query(
        "insert into instance (key, value) values ('restored', $1) on conflict (key) do update set value = excluded.value",
    )
    .bind(now.to_rfc3339())
    .execute(&mut file)
    .await?;
    file.close().await
}
