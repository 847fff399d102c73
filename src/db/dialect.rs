//! The few places where the two databases need different words. Nowhere else may the code ask
//! which database it runs on.

use super::Backend;

/// What follows a select that claims rows: other claimers skip the rows instead of waiting.
/// SQLite has one writer and needs nothing.
pub fn skip_locked(backend: Backend) -> &'static str {
    match backend {
        Backend::Sqlite => "",
        Backend::Postgres => "for update skip locked",
    }
}

/// A list of whole numbers bound as one JSON text, as rows with one column `value`. Bound lists
/// of values end at 65,535 (PostgreSQL) and 32,766 (SQLite); a text does not.
pub fn json_ids(backend: Backend, placeholder: &str) -> String {
    match backend {
        Backend::Sqlite => format!("(select cast(value as integer) as value from json_each({placeholder}))"),
        Backend::Postgres => {
            format!(
                "(select cast(value as bigint) as value from jsonb_array_elements_text(cast({placeholder} as jsonb)))"
            )
        }
    }
}

/// A list of texts bound as one JSON text, as rows with one column `value`.
pub fn json_texts(backend: Backend, placeholder: &str) -> String {
    match backend {
        Backend::Sqlite => format!("(select value from json_each({placeholder}))"),
        Backend::Postgres => {
            format!("(select value from jsonb_array_elements_text(cast({placeholder} as jsonb)))")
        }
    }
}

/// The database's own clock, for lease expiry and token buckets only: instances may disagree
/// about the time, their database does not.
pub fn database_now(backend: Backend) -> &'static str {
    match backend {
        Backend::Sqlite => "strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now')",
        Backend::Postgres => "now()",
    }
}
