//! Importing files: what maps itself, what is refused, and that nothing is lost or done twice.

mod broken_rows;
mod consent;
mod crashes;
mod exports;
mod limits;
mod pages;
mod people;
mod questions;
mod real_files;
mod uploads;

use std::{collections::HashMap, path::PathBuf};

use loupe::{
    customers::{
        import::{Job, Mode, Report, run_file},
        queries::Customer,
    },
    db::Db,
    on_db,
    stores::model::Store,
};

use crate::support::app::TestApp;

const SQUARE: &str = include_str!("../fixtures/square_customers.csv");
const PLAIN: &str = include_str!("../fixtures/plain_customers.csv");

fn file(app: &TestApp, name: &str, content: &[u8]) -> PathBuf {
    let path = app.folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

fn job(path: PathBuf, mode: Mode) -> Job {
    Job {
        file_name: path.file_name().unwrap().to_string_lossy().into_owned(),
        path,
        mapping: None,
        mode,
        actor: "Priya Nair".into(),
    }
}

async fn import(app: &TestApp, content: &str) -> Report {
    let job = job(file(app, "book.csv", content.as_bytes()), Mode::Apply);
    run_file(app.db(), &app.store, &job, &app.clock, None, |_| {})
        .await
        .unwrap()
}

async fn everyone(db: &Db, store: &Store) -> Vec<Customer> {
    on_db!(db, |pool| sqlx::query_as(
        "select * from customers where store_id = $1 order by id"
    )
    .bind(store.id)
    .fetch_all(pool)
    .await)
    .unwrap()
}

/// Every row of every table an import could touch, but its own diary.
async fn digest(db: &Db) -> Vec<String> {
    let mut all = Vec::new();
    for table in [
        "customers",
        "customer_tags",
        "purchases",
        "repairs",
        "consent_events",
        "audit_events",
    ] {
        let columns: Vec<String> = match db {
            Db::Sqlite(pools) => sqlx::query_scalar("select name from pragma_table_info($1)")
                .bind(table)
                .fetch_all(&pools.read)
                .await
                .unwrap(),
            Db::Postgres(pool) => sqlx::query_scalar(
                "select cast(column_name as text) from information_schema.columns
                  where table_schema = current_schema() and table_name = $1",
            )
            .bind(table)
            .fetch_all(pool)
            .await
            .unwrap(),
        };
        let parts: Vec<String> = columns
            .iter()
            .map(|c| format!("coalesce(cast({c} as text), '')"))
            .collect();
        let sql = format!(
            "select {} as line from {table} order by line",
            parts.join(" || '|' || ")
        );
        let rows: Vec<String> = on_db!(db, |pool| sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_all(pool)
            .await)
        .unwrap();
        all.push(format!("{table}: {}", rows.len()));
        all.extend(rows);
    }
    all
}

/// What the book says, without ids, tokens and times.
async fn content(app: &TestApp) -> Vec<String> {
    let said = lines_of(
        app,
        "select customer_id, tag from customer_tags where store_id = $1
          union all
         select customer_id, channel || ' ' || change || ' ' || evidence from consent_events where store_id = $1
          order by 1, 2",
    )
    .await;
    let mut lines: Vec<_> = everyone(app.db(), &app.store)
        .await
        .iter()
        .map(|c| {
            let (who, details) = (&c.external_id, c.details());
            format!(
                "{who:?} {details:?} {} {} {:?}",
                c.spent_cents,
                c.notes,
                said.get(&c.id)
            )
        })
        .collect();
    lines.sort();
    lines
}

/// What a statement says of each customer of the store.
async fn lines_of(app: &TestApp, sql: &'static str) -> HashMap<i64, Vec<String>> {
    let rows: Vec<(i64, String)> = on_db!(app.db(), |pool| sqlx::query_as(sql)
        .bind(app.store.id)
        .fetch_all(pool)
        .await)
    .unwrap();
    let mut lines: HashMap<i64, Vec<String>> = HashMap::new();
    for (customer, line) in rows {
        lines.entry(customer).or_default().push(line);
    }
    lines
}
