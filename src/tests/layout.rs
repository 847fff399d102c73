//! The house keeps its shape: which module may know which, what lies at the top, and that two
//! files which say the same thing say the same thing.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use loupe::{
    db::{Backend, Db},
    on_db,
};

use crate::support::db;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Where a file stands: 0 is the ground. Arrows go down, or stay within a domain.
fn floor(path: &str) -> u8 {
    let name = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".rs");
    match path.split('/').next().unwrap_or(path) {
        "ui" | "app.rs" | "cli" | "main.rs" | "tests" | "bench" => 4,
        _ if name == "store" || name.ends_with("_sql") => 1,
        _ if name == "model" => 0,
        _ => 2,
    }
}

#[test]
fn arrows_go_down() {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let mut broken = Vec::new();
    for file in files {
        let path = file
            .strip_prefix(root().join("src"))
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(&file).unwrap();
        let names =
            |module: &str| text.contains(&format!("crate::{module}")) || text.contains(&format!("    {module}::"));
        let upward: &[&str] = match floor(&path) {
            4 => &[],
            2 => &["cli"],
            1 => &["ui", "cli", "api::", "app", "server"],
            _ => &["ui", "cli", "db", "server", "audit"],
        };
        broken.extend(upward.iter().filter(|m| names(m)).map(|m| format!("{path} knows {m}")));
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_top_level_is_short() {
    let listed = Command::new("git")
        .args(["ls-files"])
        .current_dir(root())
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let top: BTreeSet<&str> = listed
        .lines()
        .filter_map(|l| l.split('/').next())
        .filter(|n| !n.starts_with('.'))
        .collect();
    let allowed = [
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE",
        "Leptos.toml",
        "Makefile",
        "README.md",
        "end2end",
        "migrations",
        "public",
        "src",
        "style",
    ];
    assert_eq!(top, BTreeSet::from(allowed));
}

#[test]
fn both_settings_files_tell_the_framework_the_same() {
    let read = |name: &str| -> toml::Table { fs::read_to_string(root().join(name)).unwrap().parse().unwrap() };
    let leptos = |table: &toml::Table| table["package"]["metadata"]["leptos"].as_table().unwrap().clone();
    let (build, run) = (leptos(&read("Cargo.toml")), leptos(&read("Leptos.toml")));
    assert!(run.contains_key("output-name") && run.contains_key("site-root"));
    for (key, value) in run {
        assert_eq!(build.get(&key), Some(&value), "{key}");
    }
}

#[test]
fn the_shipped_settings_file_is_understood() {
    let text = fs::read_to_string(root().join("Leptos.toml")).unwrap();
    let given = loupe::server::settings::Given {
        secret_key: Some("a secret key for tests, long enough".to_owned()),
        ..Default::default()
    };
    let settings = loupe::server::Settings::resolve(given, Some(&text)).unwrap();
    assert_eq!(settings.addr.port(), 3000);
    // Every optional line of it too.
    let all: String = text
        .lines()
        .map(|l| l.strip_prefix("# ").filter(|l| l.contains(" = \"")).unwrap_or(l))
        .fold(String::new(), |all, line| all + line + "\n");
    assert!(all.contains("\nundo_seconds = \"10\""));
    let given = loupe::server::settings::Given {
        secret_key: Some("a secret key for tests, long enough".to_owned()),
        ..Default::default()
    };
    let settings = loupe::server::Settings::resolve(given, Some(&all)).unwrap();
    assert_eq!(
        (settings.base_url.as_str(), settings.undo_seconds),
        ("https://loupe.example.com", Some(10))
    );
}

/// `table.column` of every column, and the names of the numbered files.
async fn shape(backend: Backend) -> (BTreeSet<String>, BTreeSet<String>) {
    let folder = tempfile::tempdir().unwrap();
    let (db, _) = db::fresh(backend, folder.path()).await;
    let sql = match backend {
        Backend::Sqlite => {
            "select m.name || '.' || c.name from sqlite_master m join pragma_table_xinfo(m.name) c
              where m.type = 'table' and m.name not like 'sqlite_%' and m.name not like '\\_%' escape '\\'"
        }
        Backend::Postgres => {
            "select table_name || '.' || column_name from information_schema.columns
              where table_schema = current_schema() and table_name not like '\\_%'"
        }
    };
    let columns: Vec<String> = on_db!(&db, |pool| sqlx::query_scalar(sql).fetch_all(pool).await).unwrap();
    let name = match &db {
        Db::Sqlite(_) => "sqlite",
        Db::Postgres(_) => "postgres",
    };
    let files = fs::read_dir(root().join("migrations").join(name)).unwrap();
    let files = files
        .map(|f| f.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    (columns.into_iter().collect(), files)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_databases_have_the_same_tables_and_columns() {
    let (sqlite, sqlite_files) = shape(Backend::Sqlite).await;
    let (postgres, postgres_files) = shape(Backend::Postgres).await;
    assert!(sqlite.contains("customers.email_standing") && sqlite.len() > 100);
    let only_one: Vec<_> = sqlite.symmetric_difference(&postgres).collect();
    assert!(only_one.is_empty(), "{only_one:?}");
    assert_eq!(sqlite_files, postgres_files);
}
