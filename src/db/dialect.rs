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

/// What follows a select that keeps its rows from changing until the transaction ends: `for share`
/// or `for update`. SQLite has one writer and needs nothing.
pub fn row_lock(backend: Backend, how: &'static str) -> &'static str {
    match backend {
        Backend::Sqlite => "",
        Backend::Postgres => how,
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

/// A list of objects bound as one JSON text, as rows with these columns.
pub fn json_rows(backend: Backend, placeholder: &str, columns: &[(&str, Column)]) -> String {
    let list = |each: &dyn Fn(&str, Column) -> String| {
        columns
            .iter()
            .map(|(name, kind)| each(name, *kind))
            .collect::<Vec<_>>()
            .join(", ")
    };
    match backend {
        Backend::Sqlite => {
            let columns = list(&|name, _| format!("json_extract(value, '$.{name}') as {name}"));
            format!("(select {columns} from json_each({placeholder}))")
        }
        Backend::Postgres => {
            let names = list(&|name, _| name.to_owned());
            let columns = list(&|name, kind| format!("{name} {}", kind.postgres()));
            format!("(select {names} from jsonb_to_recordset(cast({placeholder} as jsonb)) as r({columns}))")
        }
    }
}

/// What a column of [`json_rows`] holds.
#[derive(Clone, Copy, Debug)]
pub enum Column {
    Number,
    Text,
    /// RFC 3339 text.
    Moment,
}

impl Column {
    fn postgres(self) -> &'static str {
        match self {
            Column::Number => "bigint",
            Column::Text => "text",
            Column::Moment => "timestamptz",
        }
    }
}

/// The database's own clock, this many seconds on.
pub fn database_now_plus(backend: Backend, seconds: i64) -> String {
    match backend {
        Backend::Sqlite => format!("strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now', '+{seconds} seconds')"),
        Backend::Postgres => format!("now() + interval '{seconds} seconds'"),
    }
}

/// A moment inside a bound JSON text, written exactly as a bound moment is: on SQLite two ways
/// of writing one moment are not equal.
pub fn moment_text(at: chrono::DateTime<chrono::Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, false)
}
