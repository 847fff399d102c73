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

/// The floors, from the ground up: an arrow points to an earlier name, or stays in its own module.
const FLOORS: &[&[&str]] = &[
    &[
        "tokens",
        "error",
        "time",
        "text",
        "ids",
        "paths",
        "failpoints",
        "export",
    ],
    &["rendering", "channels"],
    &["db", "context"],
    &["audit", "segments", "templates", "stores", "auth"],
    &["consent", "customers"],
    &["recipients", "messages", "mail_accounts"],
    &["sends", "campaigns"],
    &["dispatch", "scheduler"],
    &["instance", "backup", "health", "outbox", "demo"],
    &["ui", "server", "api", "app"],
    &["cli"],
];

/// Pages and the server that shows them know each other.
const PAGES: &[&str] = &["ui", "server", "api", "app"];

/// Arrows that still go up. This list may only shrink.
const STILL_UP: &[&str] = &[
    "context/ctx.rs -> stores",
    "error.rs -> db",
    "instance/clone_detection.rs -> backup",
    "messages/goes.rs -> sends",
    "messages/tallies.rs -> sends",
    "scheduler/heartbeat.rs -> instance",
];

/// Files that hold SQL and are no queries, and how many statements. This list may only shrink.
const STRAYS: &[(&str, usize)] = &[
    ("context/installation.rs", 5),
    ("dispatch/dispatcher/outbox_transport.rs", 1),
    ("messages/goes.rs", 5),
    ("messages/people.rs", 3),
    ("messages/readers.rs", 4),
    ("messages/tallies.rs", 8),
    ("messages/timeline.rs", 6),
    ("recipients/search.rs", 2),
    ("sends/attempts.rs", 1),
    ("sends/audience_snapshot.rs", 5),
    ("sends/contacts.rs", 6),
    ("sends/drift.rs", 1),
    ("sends/reconcile.rs", 2),
    ("sends/stalled.rs", 2),
    ("sends/unconfirmed.rs", 1),
];

/// Files that write messages and are not `messages/queries`. This list may only shrink.
const WRITERS: &[&str] = &["demo/queries.rs"];

/// Words that have a usual one in their place.
const RETIRED: &[&str] = &[
    "Pump",
    "Carriers",
    "Crew",
    "Shelf",
    "Holds",
    "Whose",
    "Presser",
    "Trouble",
    "Moments",
    "became",
    "anyone_waits",
    "anyone_goes",
    "fault_points",
    "loose_ends",
    "tie_up",
    "told_quiet",
    "takes_once",
    "shown_audiences",
    "runner_heartbeats",
    "in_time",
    "got_in_the_way",
    "change_at_once",
    "keep_carrying",
    "carry_run",
    "look_at_form",
    "MergeBook",
    "KeptBack",
    "unresolved",
];

/// Where files were called by other names than the usual ones.
const RENAMED_FOLDERS: &[&str] = &[
    "auth/",
    "campaigns/",
    "context/",
    "customers/",
    "db/",
    "dispatch/",
    "instance/",
    "mail_accounts/",
    "messages/",
    "scheduler/",
    "sends/",
    "server/",
    "ui/islands/",
];

/// The same for files: `store` is the shop.
const RETIRED_FILES: &[&str] = &[
    "pump",
    "carrier",
    "crew",
    "hand",
    "ledger",
    "trouble",
    "relief",
    "tenure",
    "keeper",
    "load",
    "moments",
    "pace",
    "runner",
    "fire",
    "told",
    "hook",
    "loose_ends",
    "asleep",
    "halting",
    "shown",
    "tries",
    "repeats",
    "planned",
    "unanswered",
    "look",
    "looked",
    "look_sql",
    "question",
    "pressing",
    "wording",
    "marks",
    "visit",
    "book",
    "candidate",
    "reading",
    "reader",
    "scan",
    "known",
    "seal",
    "copies",
    "home",
    "again",
    "in_time",
    "at_once",
    "store",
    "house",
    "deeds",
    "deck",
    "dice",
    "bystanders",
    "turned_back",
    "last_word",
    "in_the_way",
    "verdicts",
    "rest",
    "deaths",
];

/// The library's files, by their paths from `src`, without comments.
fn library() -> Vec<(String, String)> {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    assert!(files.len() > 100);
    let named = files.into_iter().map(|file| {
        let path = file
            .strip_prefix(root().join("src"))
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(&file).unwrap();
        let code = text.lines().filter(|l| !l.trim_start().starts_with("//"));
        (path, code.collect::<Vec<_>>().join("\n"))
    });
    let outside = ["tests", "bench", "chaos", "main.rs", "lib.rs"];
    named
        .filter(|(path, _)| !outside.contains(&path.split('/').next().unwrap_or(path)))
        .collect()
}

/// The words of a text.
fn words(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect()
}

#[test]
fn arrows_go_down() {
    let order: Vec<&str> = FLOORS.iter().copied().flatten().copied().collect();
    let place = |name: &str| order.iter().position(|floor| *floor == name);
    let mut up = BTreeSet::new();
    for (path, text) in library() {
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let own = path.split('/').next().unwrap_or(&path).trim_end_matches(".rs");
        let here = place(own).unwrap_or_else(|| panic!("{own} has no floor"));
        let known = known_to(text);
        let above = known.iter().filter(|m| place(m).is_some_and(|there| there > here));
        let above = above.filter(|m| !(PAGES.contains(&own) && PAGES.contains(&m.as_str())));
        up.extend(above.map(|m| format!("{path} -> {m}")));
    }
    let still: BTreeSet<String> = STILL_UP.iter().map(|s| (*s).to_owned()).collect();
    assert!(up.is_subset(&still), "{:#?}", up.difference(&still));
    assert!(still.is_subset(&up), "no longer needed: {:#?}", still.difference(&up));
}

#[test]
fn sql_stands_in_queries() {
    let mut strays = Vec::new();
    for (path, text) in library() {
        let is_place = path.starts_with("db/")
            || path
                .split('/')
                .any(|p| matches!(p.trim_end_matches(".rs").rsplit('_').next(), Some("queries")));
        let n = text.matches("sqlx::query").count();
        if n > 0 && !is_place {
            strays.push((path, n));
        }
    }
    strays.sort();
    let known: Vec<(String, usize)> = STRAYS.iter().map(|(p, n)| ((*p).to_owned(), *n)).collect();
    assert_eq!(strays, known);
}

#[test]
fn only_messages_queries_write_messages() {
    let mut writers: Vec<String> = library()
        .into_iter()
        .filter(|(path, text)| {
            let writes = ["insert into messages ", "update messages ", "delete from messages "];
            !path.starts_with("messages/queries") && writes.iter().any(|w| text.contains(w))
        })
        .map(|(path, _)| path)
        .collect();
    writers.sort();
    assert_eq!(writers, WRITERS);
}

#[test]
fn words_that_were_retired_stay_away() {
    let mut found = Vec::new();
    for (path, text) in library() {
        let name = path.rsplit('/').next().unwrap_or(&path).trim_end_matches(".rs");
        let is_renamed = RENAMED_FOLDERS.iter().any(|folder| path.starts_with(folder));
        if is_renamed && RETIRED_FILES.contains(&name) {
            found.push(path.clone());
        }
        let here = words(&text);
        found.extend(
            RETIRED
                .iter()
                .filter(|w| here.contains(**w))
                .map(|w| format!("{path}: {w}")),
        );
    }
    assert!(found.is_empty(), "{found:#?}");
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
    let settings = fs::read_to_string(root().join("src/context/settings/mod.rs")).unwrap();
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
