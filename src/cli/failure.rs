//! Why a command did not do what it was asked.

use crate::{context::settings::WrongSetting, db::ConnectError, error::AppError};

/// Said on standard error, with the exit code that goes with it.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A setting that can't be used: exit code 2.
    #[error(transparent)]
    Setting(#[from] WrongSetting),
    #[error("{}", listed(.0))]
    App(AppError),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("The database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("{0}")]
    Said(String),
}

impl Failure {
    /// A setting that can't be used, by name.
    pub fn setting(key: &'static str, words: impl Into<String>) -> Self {
        Failure::Setting(WrongSetting {
            key,
            words: words.into(),
        })
    }

    /// In words.
    pub fn said(words: impl Into<String>) -> Self {
        Failure::Said(words.into())
    }

    /// What the shell is told.
    pub fn code(&self) -> u8 {
        match self {
            Failure::Setting(_) => 2,
            _ => 1,
        }
    }
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        Failure::App(error)
    }
}

/// Every problem on a line of its own, behind the flag it is about: the fields of the forms are
/// named like the flags.
fn listed(error: &AppError) -> String {
    match error {
        AppError::Invalid { problems, .. } => problems
            .iter()
            .map(|p| format!("--{}: {}", p.field, p.words))
            .collect::<Vec<_>>()
            .join("\n"),
        other => other.to_string(),
    }
}
