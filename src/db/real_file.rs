//! One database file has one name, however many links lead to it: what lies beside it (the lock,
//! the key, the note of life) is found by that name.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

use sqlx::sqlite::SqliteConnectOptions;

/// Links that lead to links, at most; as many as the system follows.
const LINKS: usize = 40;

/// The database's address, with the file itself in place of a link to it. Other addresses stay as
/// they are; the scheme is in small letters.
pub fn real_address(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once(':') else {
        return url.to_owned();
    };
    let url = format!("{}:{rest}", scheme.to_ascii_lowercase());
    if !url.starts_with("sqlite:") {
        return url;
    }
    let Ok(options) = SqliteConnectOptions::from_str(&url) else {
        return url;
    };
    let named = options.get_filename();
    let real = real_file(named);
    if real == named {
        return url;
    }
    let path = real.to_string_lossy().replace('%', "%25").replace('?', "%3F");
    match url.split_once('?') {
        Some((_, parameters)) => format!("sqlite://{path}?{parameters}"),
        None => format!("sqlite://{path}"),
    }
}

/// What a path leads to when its last part is a link, also to a file that is still to be made.
pub(super) fn real_file(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let Ok(target) = std::fs::read_link(&path) else {
            break;
        };
        path = match path.parent() {
            Some(folder) => folder.join(target),
            None => target,
        };
    }
    path
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_is_called_what_it_leads_to() {
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        let at = |name: &str| folder.path().join(name);
        let address = |name: &str, rest: &str| format!("sqlite://{}{rest}", at(name).display());
        let link = |to: &Path, name: &str| symlink(to, at(name)).unwrap_or_else(|e| panic!("{e}"));
        link(Path::new("store.db"), "first.db");
        link(&at("first.db"), "second.db");
        // Whether the file is there already or not.
        for _ in 0..2 {
            for name in ["store.db", "first.db", "second.db"] {
                assert_eq!(real_address(&address(name, "")), address("store.db", ""));
                assert_eq!(
                    real_address(&address(name, "?mode=rwc")),
                    address("store.db", "?mode=rwc")
                );
            }
            std::fs::write(at("store.db"), "").unwrap_or_else(|e| panic!("{e}"));
        }
        let lock = |name: &str| crate::db::lock_data_file(&address(name, ""));
        let held = lock("second.db").unwrap_or_else(|e| panic!("{e}"));
        for name in ["store.db", "first.db", "second.db"] {
            assert!(lock(name).is_err(), "{name} is the same file");
        }
        drop(held);
        assert!(lock("store.db").is_ok());
        assert_eq!(real_address("SQLite://data/loupe.db"), "sqlite://data/loupe.db");
        assert_eq!(
            real_address("POSTGRES://db.example.com/Loupe"),
            "postgres://db.example.com/Loupe"
        );
    }
}
