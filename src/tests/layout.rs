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

/// The modules of this crate that a file names: `crate::x`, and the outermost names of
/// `use crate::{…}`.
fn known_to(text: &str) -> BTreeSet<String> {
    let first = |path: &str| {
        path.trim()
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .next()
            .unwrap_or("")
            .to_owned()
    };
    let mut names = BTreeSet::new();
    for (at, found) in text.match_indices("crate::") {
        let rest = &text[at + found.len()..];
        let Some(list) = rest.strip_prefix('{') else {
            names.insert(first(rest));
            continue;
        };
        let (mut depth, mut start) = (0, 0);
        for (at, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                ',' | '}' if depth == 0 => {
                    names.insert(first(&list[start..at]));
                    start = at + 1;
                }
                _ => {}
            }
            if c == ';' {
                break;
            }
        }
    }
    names
}

/// What a file may not know, by where it stands: arrows go down.
fn above(path: &str) -> &'static [&'static str] {
    let name = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".rs");
    match path.split('/').next().unwrap_or(path) {
        "ui" | "app.rs" | "api.rs" | "lib.rs" | "main.rs" | "cli" | "tests" | "bench" => &[],
        "server" => &["cli", "demo", "dispatch"],
        _ if name == "model" => &["ui", "cli", "app", "server", "db", "audit", "dispatch", "demo"],
        _ if name == "store" || name.ends_with("_sql") => &["ui", "cli", "app", "server", "dispatch", "demo"],
        _ if name == "rules" => &["ui", "cli", "app", "demo"],
        "channels" => &[
            "ui",
            "cli",
            "app",
            "server",
            "db",
            "auth",
            "customers",
            "campaigns",
            "sends",
            "dispatch",
        ],
        _ => &["ui", "cli", "app", "demo"],
    }
}

#[test]
fn arrows_go_down() {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    assert!(files.len() > 100);
    let mut broken = Vec::new();
    for file in files {
        let path = file
            .strip_prefix(root().join("src"))
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(&file).unwrap();
        // Comments may point anywhere; how an address is spelled is nobody's secret.
        let text: String = text
            .lines()
            .filter(|l| !l.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n");
        let known = known_to(&text.replace("ui::links::", "links::"));
        broken.extend(
            above(&path)
                .iter()
                .filter(|m| known.contains(**m))
                .map(|m| format!("{path} knows {m}")),
        );
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn knowing_is_seen_in_every_spelling() {
    let text =
        "use crate::{\n    auth::{model::Role, store},\n    db::Tx,\n    on_tx, ui,\n};\nlet a = crate::time::day(x);";
    let known = known_to(text);
    for name in ["auth", "db", "on_tx", "ui", "time"] {
        assert!(known.contains(name), "{name} in {known:?}");
    }
    assert!(!known.contains("store") && !known.contains("model"), "{known:?}");
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
fn the_readme_names_tests_and_settings_that_exist() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let mut files = Vec::new();
    sources(&root().join("src/tests"), &mut files);
    let tests: String = files.iter().map(|f| fs::read_to_string(f).unwrap()).collect();
    let settings = fs::read_to_string(root().join("src/server/settings/mod.rs")).unwrap();
    let (_, promises) = readme.split_once("## Promises").unwrap();
    let (promises, _) = promises.split_once("\n## ").unwrap();
    let mut named = 0;
    for name in promises.split('`').skip(1).step_by(2) {
        let there = match name.ends_with(".ts") {
            true => root().join(name).exists(),
            false => tests.contains(name),
        };
        assert!(there, "{name}");
        named += 1;
    }
    assert!(named > 10);
    for row in readme.lines().filter(|l| l.starts_with("| `LOUPE_")) {
        for key in row
            .split('|')
            .nth(1)
            .unwrap()
            .split('`')
            .filter(|k| k.starts_with("LOUPE_"))
        {
            assert!(settings.contains(&format!("env = \"{key}\"")), "{key}");
        }
    }
    for key in settings.split("env = \"").skip(1).filter_map(|s| s.split('"').next()) {
        let hidden = settings
            .split(key)
            .nth(1)
            .is_some_and(|s| s.lines().next().unwrap_or("").contains("hide = true"));
        assert!(hidden || readme.contains(key), "{key} is not in the README");
    }
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
    let given = loupe::context::settings::Given {
        secret_key: Some("a secret key for tests, long enough".to_owned()),
        ..Default::default()
    };
    let settings = loupe::context::Settings::resolve(given, Some(&text)).unwrap();
    assert_eq!(settings.addr.port(), 3000);
    // Every optional line of it too.
    let all: String = text
        .lines()
        .map(|l| l.strip_prefix("# ").filter(|l| l.contains(" = \"")).unwrap_or(l))
        .fold(String::new(), |all, line| all + line + "\n");
    assert!(all.contains("\nundo_seconds = \"10\""));
    let given = loupe::context::settings::Given {
        secret_key: Some("a secret key for tests, long enough".to_owned()),
        ..Default::default()
    };
    let settings = loupe::context::Settings::resolve(given, Some(&all)).unwrap();
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
