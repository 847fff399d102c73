//! Databases and stores made for one measurement.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use loupe::{
    db::{self, Db},
    stores::{
        self,
        model::{NewStore, Store},
    },
};

use crate::Error;

/// A folder that goes away with this.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Result<Self, Error> {
        let name = format!("loupe-bench-{}", loupe::tokens::short());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The addresses of empty databases: SQLite in the folder, and a schema of its own in the PostgreSQL
/// if there is one.
pub async fn empty(folder: &Folder, postgres: Option<&str>) -> Result<Vec<String>, Error> {
    let mut urls = vec![format!("sqlite://{}", folder.path().join("bench.db").display())];
    if let Some(url) = postgres {
        urls.push(schema(url).await?);
    }
    Ok(urls)
}

/// The PostgreSQL at `url`.
pub async fn postgres(url: &str) -> Result<PgPool, Error> {
    match db::connect(url).await? {
        Db::Postgres(pool) => Ok(pool),
        Db::Sqlite(_) => Err("not PostgreSQL".into()),
    }
}

/// A schema of its own in the PostgreSQL at `url`, as an address.
pub async fn schema(url: &str) -> Result<String, Error> {
    let pool = postgres(url).await?;
    let name = format!("bench{}", loupe::tokens::short());
    sqlx::query(sqlx::AssertSqlSafe(format!("create schema {name}")))
        .execute(&pool)
        .await?;
    let joint = if url.contains('?') { '&' } else { '?' };
    Ok(format!("{url}{joint}options[search_path]={name}"))
}

/// A database of its own in the server of the PostgreSQL at `url`; it goes away with [`Own::drop`].
#[derive(Debug)]
pub struct Own {
    pub url: String,
    name: String,
    server: PgPool,
}

impl Own {
    pub async fn create(url: &str) -> Result<Self, Error> {
        let server = postgres(url).await?;
        let name = format!("bench{}", loupe::tokens::short());
        sqlx::query(sqlx::AssertSqlSafe(format!("create database {name}")))
            .execute(&server)
            .await?;
        let (start, _) = url.rsplit_once('/').ok_or("an address without a database")?;
        Ok(Self {
            url: format!("{start}/{name}"),
            name,
            server,
        })
    }

    pub async fn drop(self) -> Result<(), Error> {
        let statement = format!("drop database {} with (force)", self.name);
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&self.server)
            .await?;
        Ok(())
    }
}

/// A store with nobody in it.
pub async fn open_store(db: &Db, slug: &str, now: DateTime<Utc>) -> Result<Store, Error> {
    let new = NewStore {
        slug: slug.to_owned(),
        name: "Aurelia".to_owned(),
        time_zone: "Australia/Sydney".to_owned(),
        country: "AU".to_owned(),
        currency: "AUD".to_owned(),
        from_name: "Aurelia".to_owned(),
        from_email: "hello@aurelia.example.com".to_owned(),
        footer: "1 George Street, Sydney".to_owned(),
        is_demo: false,
    };
    let mut tx = db.begin().await?;
    let id = stores::rules::open_store(&mut tx, &new, now).await?;
    tx.commit().await?;
    Ok(stores::queries::find(db, id).await?.ok_or("the store is gone")?)
}
