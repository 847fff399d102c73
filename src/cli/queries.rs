//! What `loupe doctor` asks the database.

use chrono::{DateTime, Utc};

use crate::{
    db::{Db, dialect},
    on_db,
};

/// The newest migration the database has had; none when it is empty.
pub(super) async fn newest_applied(db: &Db) -> sqlx::Result<Option<i64>> {
    let there: i64 = match db {
        Db::Sqlite(_) => on_db!(db, |pool| sqlx::query_scalar(
            "select count(*) from sqlite_master where name = '_sqlx_migrations'"
        )
        .fetch_one(pool)
        .await)?,
        Db::Postgres(pool) => {
            sqlx::query_scalar("select count(*) from pg_class where oid = to_regclass('_sqlx_migrations')")
                .fetch_one(pool)
                .await?
        }
    };
    if there == 0 {
        return Ok(None);
    }
    on_db!(db, |pool| sqlx::query_scalar(
        "select max(version) from _sqlx_migrations where success"
    )
    .fetch_one(pool)
    .await)
}

/// What of PostgreSQL's own settings would lose what it says is written; nothing on SQLite.
pub(super) async fn unsafe_settings(db: &Db) -> sqlx::Result<Vec<String>> {
    match db {
        Db::Sqlite(_) => Ok(Vec::new()),
        Db::Postgres(pool) => {
            sqlx::query_scalar(
                "select name || ' = ' || setting from pg_settings
                  where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off' order by name",
            )
            .fetch_all(pool)
            .await
        }
    }
}

/// What time the database thinks it is.
pub(super) async fn clock(db: &Db) -> sqlx::Result<DateTime<Utc>> {
    let now = dialect::database_now(db.backend());
    match db {
        Db::Sqlite(pools) => {
            sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select {now}")))
                .fetch_one(&pools.read)
                .await
        }
        Db::Postgres(pool) => {
            sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select {now}")))
                .fetch_one(pool)
                .await
        }
    }
}

/// When something was last written down: a clock that is behind it has been put back.
pub(super) async fn last_event(db: &Db) -> sqlx::Result<Option<DateTime<Utc>>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select max(happened_at) from audit_events"
    )
    .fetch_one(pool)
    .await)
}

/// A store, as far as the doctor looks at it.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Shop {
    pub slug: String,
    pub time_zone: String,
    pub from_email: String,
}

/// Every store of the database.
pub(super) async fn shops(db: &Db) -> sqlx::Result<Vec<Shop>> {
    on_db!(db, |pool| sqlx::query_as(
        "select slug, time_zone, from_email from stores order by id"
    )
    .fetch_all(pool)
    .await)
}
