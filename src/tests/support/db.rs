//! A fresh database for each test: a file of its own on SQLite, a schema of its own on
//! PostgreSQL.

use loupe::{
    db::{self, Backend, Db},
    tokens,
};

/// Opens an empty, migrated database. `folder` keeps the SQLite file.
pub async fn fresh(backend: Backend, folder: &std::path::Path) -> (Db, String) {
    let (db, url) = empty(backend, folder).await;
    db::migrate(&db).await.expect("the migrations run");
    (db, url)
}

/// The same without any tables.
pub async fn empty(backend: Backend, folder: &std::path::Path) -> (Db, String) {
    let url = match backend {
        Backend::Sqlite => format!("sqlite://{}", folder.join("loupe.db").display()),
        Backend::Postgres => schema().await,
    };
    let db = db::connect(&url).await.expect("the test database opens");
    (db, url)
}

#[expect(clippy::disallowed_methods, reason = "tests have no settings")]
async fn schema() -> String {
    let server = std::env::var("TEST_POSTGRES_URL")
        .expect("TEST_POSTGRES_URL names a PostgreSQL to make schemas in; `make test` starts one");
    let name = format!("t{}{}", tokens::short(), tokens::short());
    let Db::Postgres(pool) = db::connect(&server).await.expect("PostgreSQL answers") else {
        panic!("TEST_POSTGRES_URL is not PostgreSQL");
    };
    sqlx::query(sqlx::AssertSqlSafe(format!("create schema {name}")))
        .execute(&pool)
        .await
        .expect("a schema");
    pool.close().await;
    let joint = if server.contains('?') { '&' } else { '?' };
    format!("{server}{joint}options[search_path]={name}")
}
