//! `Leptos.toml` of the working folder: the same settings as a file, all but secrets.

use std::path::PathBuf;

use serde::Deserialize;

use super::{WrongSetting, wrong};

/// The settings file: the same keys, all but secrets and provider addresses.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub site: FileSite,
    #[serde(default)]
    pub database: FileDatabase,
    #[serde(default)]
    pub dispatch: FileDispatch,
    #[serde(default)]
    pub log: FileLog,
    /// For cargo-leptos; not ours.
    #[serde(default)]
    #[expect(dead_code, reason = "named so that the file may hold it")]
    package: Option<toml::Value>,
}

impl File {
    /// Reads the file's text; what is not a setting is refused.
    pub fn read(text: &str) -> Result<Self, WrongSetting> {
        toml::from_str(text).map_err(|e| wrong("Leptos.toml", e.message().to_owned()))
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileSite {
    pub addr: Option<String>,
    pub base_url: Option<String>,
    pub root: Option<PathBuf>,
    pub demo_public: Option<String>,
    pub metrics_addr: Option<String>,
    pub trusted_proxies: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileDatabase {
    url: Option<String>,
}

impl FileDatabase {
    /// The database's address, which may name a user but no password.
    pub fn address(self) -> Result<Option<String>, WrongSetting> {
        let user = |url: &str| {
            let (_, rest) = url.split_once("://")?;
            let authority = rest.split(['/', '?']).next()?;
            authority.rsplit_once('@').map(|(user, _)| user.to_owned())
        };
        match self.url {
            Some(url) if user(&url).is_some_and(|user| user.contains(':')) || url.contains("password=") => Err(wrong(
                "Leptos.toml",
                "a password doesn't belong in the file: set LOUPE_DATABASE_URL in the environment",
            )),
            other => Ok(other),
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileDispatch {
    pub run: Option<String>,
    pub undo_seconds: Option<String>,
    pub lease_seconds: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileLog {
    pub level: Option<String>,
}
