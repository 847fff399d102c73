//! The demo store.

use chrono::{DateTime, Utc};

use crate::{db::Db, error::AppError, server::Settings};

/// What was made.
#[derive(Debug)]
pub struct Summary;

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Made the demo store.")
    }
}

/// Fills it.
pub async fn fill(_db: &Db, _settings: &Settings, _now: DateTime<Utc>) -> Result<Option<Summary>, AppError> {
    Ok(Some(Summary))
}

/// How to get in.
pub fn sign_ins() -> String {
    String::new()
}
