//! The secret key: given, or made and kept beside an SQLite file.

use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::{WrongSetting, wrong};

/// Fewest characters of a secret key.
const SHORTEST_KEY: usize = 32;

pub(super) fn secret_key(
    key: Option<String>,
    file: Option<PathBuf>,
    database_url: &str,
) -> Result<SecretString, WrongSetting> {
    if let Some(key) = key.filter(|k| !k.is_empty()) {
        return long_enough("LOUPE_SECRET_KEY", key);
    }
    if let Some(path) = file {
        let key = std::fs::read_to_string(&path).map_err(|e| {
            wrong(
                "LOUPE_SECRET_KEY_FILE",
                format!("{} can't be read: {e}", path.display()),
            )
        })?;
        return long_enough("LOUPE_SECRET_KEY_FILE", key.trim().to_owned());
    }
    let Some(data) = database_url.strip_prefix("sqlite://") else {
        return Err(wrong(
            "LOUPE_SECRET_KEY",
            "with PostgreSQL it must be given, the same for every instance",
        ));
    };
    let path = PathBuf::from(format!("{}.key", data.split('?').next().unwrap_or(data)));
    if let Ok(key) = std::fs::read_to_string(&path) {
        return long_enough("LOUPE_SECRET_KEY", key.trim().to_owned());
    }
    let key = crate::tokens::secret();
    keep_key(&path, &key)
        .map_err(|e| wrong("LOUPE_SECRET_KEY", format!("{} can't be written: {e}", path.display())))?;
    Ok(key.into())
}

/// Writes a new key that only its owner can read.
fn keep_key(path: &Path, key: &str) -> std::io::Result<()> {
    use std::io::Write;
    if let Some(folder) = path.parent().filter(|f| *f != Path::new("")) {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(key.as_bytes())?;
    file.sync_all()
}

fn long_enough(name: &'static str, key: String) -> Result<SecretString, WrongSetting> {
    if key.chars().count() < SHORTEST_KEY {
        return Err(wrong(name, format!("it must have at least {SHORTEST_KEY} characters")));
    }
    Ok(key.into())
}
