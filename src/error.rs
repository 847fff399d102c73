//! The one error that crosses the wire. It carries codes and our own words, never a text from
//! the database, the mail provider or the framework.

use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};

/// Why something was not done, in words for the person who asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum AppError {
    #[error("Sign in to carry on.")]
    SignedOut,
    #[error("Only owners and managers can do this.")]
    Forbidden,
    #[error("This isn't here any more.")]
    NotFound,
    /// A sent or sending campaign is a record: it is duplicated, not edited.
    #[error("Cannot edit a sent or sending campaign")]
    Locked { campaign: i64 },
    /// Somebody else changed it first.
    #[error("Someone changed this meanwhile. Load the page again to see it.")]
    Conflict,
    #[error("{}", first_words(.problems))]
    Invalid {
        problems: Vec<Problem>,
        /// Where what was typed has been kept, if it was.
        kept_at: Option<String>,
    },
    #[error("{words}")]
    Refused { words: String, back_to: Option<String> },
    #[error("Too many tries. Try again in {minutes} minute{}.", if *.minutes == 1 { "" } else { "s" })]
    TooMany { minutes: i64 },
    #[error("Something went wrong on our side. Reference {reference}.")]
    Internal { reference: String },
    #[error("Couldn't reach Loupe.")]
    Offline,
    /// Nothing was found out about the request: the database can't be used.
    #[error("{why}")]
    Unavailable { why: Outage },
}

/// Why the database can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Outage {
    #[error("Loupe can't reach its database at the moment. Try again in a minute.")]
    Away,
    #[error("Another program holds Loupe's database, so nothing can be saved. Try again in a minute.")]
    Locked,
    #[error("Loupe's database can only be read at the moment, so nothing can be saved. Tell whoever runs it.")]
    ReadOnly,
    #[error("The disk of Loupe's database is full, so nothing can be saved. Tell whoever runs it.")]
    Full,
}

/// One thing to mend in a form: which field, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The id of the field in the page.
    pub field: String,
    pub words: String,
}

impl Problem {
    pub fn new(field: &str, words: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            words: words.into(),
        }
    }
}

fn first_words(problems: &[Problem]) -> String {
    problems
        .first()
        .map_or_else(|| "There is a problem".to_owned(), |p| p.words.clone())
}

impl AppError {
    /// The HTTP status that says the same.
    pub fn status(&self) -> u16 {
        match self {
            AppError::SignedOut => 401,
            AppError::Forbidden => 403,
            AppError::NotFound => 404,
            AppError::Locked { .. } | AppError::Conflict => 409,
            AppError::Invalid { .. } | AppError::Refused { .. } => 422,
            AppError::TooMany { .. } => 429,
            AppError::Internal { .. } => 500,
            AppError::Offline | AppError::Unavailable { .. } => 503,
        }
    }

    /// A form or a call that is not what the page sends.
    pub fn not_whole() -> Self {
        AppError::Refused {
            words: "The form didn't arrive whole. Load the page again.".to_owned(),
            back_to: None,
        }
    }

    /// One field, one thing to mend.
    pub fn invalid(field: &str, words: impl Into<String>) -> Self {
        AppError::Invalid {
            problems: vec![Problem::new(field, words)],
            kept_at: None,
        }
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        // In the browser: no answer came, or one that isn't Loupe's.
        if cfg!(not(feature = "ssr")) {
            return AppError::Offline;
        }
        match error {
            ServerFnErrorErr::Request(_) => AppError::Offline,
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                AppError::not_whole()
            }
            _ => AppError::Internal {
                reference: "network".to_owned(),
            },
        }
    }
}

#[cfg(feature = "ssr")]
mod server {
    use super::AppError;

    impl AppError {
        /// Something that should not happen: logged whole under a reference, shown as the
        /// reference alone.
        pub fn internal(error: &(dyn std::fmt::Display + Send + Sync)) -> Self {
            let reference = crate::tokens::short();
            tracing::error!(error.reference = %reference, error = %error, "request failed");
            AppError::Internal { reference }
        }
    }

    impl From<sqlx::Error> for AppError {
        fn from(error: sqlx::Error) -> Self {
            match error {
                sqlx::Error::RowNotFound => AppError::NotFound,
                other => match crate::db::outage(&other) {
                    Some(why) => {
                        tracing::warn!(error = %other, "the database can't be used");
                        AppError::Unavailable { why }
                    }
                    None => AppError::internal(&other),
                },
            }
        }
    }

    impl From<serde_json::Error> for AppError {
        fn from(error: serde_json::Error) -> Self {
            AppError::internal(&error)
        }
    }
}
