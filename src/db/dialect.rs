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

/// Whether `column` is one of the texts bound as [`text_list`]. Unlike a subquery over
/// [`json_texts`], PostgreSQL can tell beforehand how many rows that will be.
pub fn one_of_texts(backend: Backend, column: &str, placeholder: &str) -> String {
    match backend {
        Backend::Sqlite => format!("{column} in (select value from json_each({placeholder}))"),
        Backend::Postgres => format!("{column} = any(cast({placeholder} as text[]))"),
    }
}

/// A list of texts as the one text that [`one_of_texts`] reads.
pub fn text_list(backend: Backend, texts: &[String]) -> String {
    match backend {
        Backend::Sqlite => serde_json::Value::from(texts).to_string(),
        Backend::Postgres => {
            let quoted: Vec<String> = texts
                .iter()
                .map(|text| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
                .collect();
            format!("{{{}}}", quoted.join(","))
        }
    }
}

/// The statements before and after a change of the tags of the customers whose ids `placeholder` lists.
/// SQLite's triggers know single rows only and would look for a set of tags after each; PostgreSQL's
/// know the whole change.
pub fn around_tags(backend: Backend, placeholder: &str) -> Option<[String; 2]> {
    let ids = json_ids(backend, placeholder);
    match backend {
        Backend::Sqlite => Some([
            format!(
                "insert into tags_changing (customer_id) select value from {ids} v where true on conflict do nothing"
            ),
            format!("delete from tags_changing where customer_id in (select value from {ids} v)"),
        ]),
        Backend::Postgres => None,
    }
}

/// Keeps every change of a table away until the transaction ends, or fails at once while somebody
/// is changing it. SQLite has one writer and needs nothing.
pub fn alone_or_not_at_all(backend: Backend, table: &str) -> Option<String> {
    match backend {
        Backend::Sqlite => None,
        Backend::Postgres => Some(format!("lock table {table} in share row exclusive mode nowait")),
    }
}

/// The text, kept from being looked up in an index: where rows are known by their ids, both
/// databases sometimes prefer to go through everything in that state, the dead rows included.
pub fn not_looked_up(backend: Backend, expression: &str) -> String {
    match backend {
        Backend::Sqlite => format!("+{expression}"),
        Backend::Postgres => format!("({expression} || '')"),
    }
}

/// What follows a table that is to be read by this index and no other. SQLite takes an index of few
/// rows for no better than one of all, because it looks at a sample of each; PostgreSQL knows.
pub fn by_index(backend: Backend, index: &str) -> String {
    match backend {
        Backend::Sqlite => format!("indexed by {index}"),
        Backend::Postgres => String::new(),
    }
}

/// How often `expression` is each of `values` among the rows of `from` (a table and a condition),
/// as rows (value, count). SQLite sorts to group unless an index has the rows in the order of the
/// column `in_order_of` and then of the expression, and without one is quicker with a counter per
/// value; in the order of the expression itself, with a count per value. PostgreSQL hashes, and is
/// slower with counters.
pub fn tally(backend: Backend, expression: &str, values: &[i64], from: &str, in_order_of: Option<&str>) -> String {
    match (backend, in_order_of) {
        (Backend::Sqlite, Some(column)) if column == expression => {
            let counts: Vec<String> = values
                .iter()
                .map(|value| format!("select {value} as part, count(*) as n from {from} and {expression} = {value}"))
                .collect();
            counts.join(" union all ")
        }
        (Backend::Sqlite, Some(column)) => format!(
            "select part, sum(n) as n from (
                select {expression} as part, count(*) as n from {from} group by {column}, {expression}) runs
              group by part"
        ),
        (Backend::Sqlite, None) => {
            let counters: Vec<String> = values
                .iter()
                .map(|value| format!("count(*) filter (where {expression} = {value}) as n{value}"))
                .collect();
            let rows: Vec<String> = values
                .iter()
                .map(|value| format!("select {value} as part, n{value} as n from tally"))
                .collect();
            format!(
                "select part, n from (with tally as materialized (select {} from {from}) {})",
                counters.join(", "),
                rows.join(" union all ")
            )
        }
        (Backend::Postgres, _) => format!("select {expression}, count(*) from {from} group by {expression}"),
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

/// The database's own clock in microseconds since 1970, for the rate of a mail account. The
/// moment of asking, not of the transaction's beginning.
pub fn database_micros(backend: Backend) -> &'static str {
    match backend {
        Backend::Sqlite => "cast(unixepoch('now', 'subsec') * 1000000 as integer)",
        Backend::Postgres => "cast(extract(epoch from clock_timestamp()) * 1000000 as bigint)",
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
            // Binary: read once, not once for each column.
            format!("(select {columns} from jsonb_each({placeholder}))")
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
    Flag,
    /// RFC 3339 text, with `+00:00` as both drivers write it.
    Moment,
}

impl Column {
    fn postgres(self) -> &'static str {
        match self {
            Column::Number => "bigint",
            Column::Text => "text",
            Column::Flag => "boolean",
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

/// What follows a select of rows that are about to be changed: nobody else changes them before.
/// SQLite has one writer and needs nothing.
pub fn for_change(backend: Backend) -> &'static str {
    match backend {
        Backend::Sqlite => "",
        Backend::Postgres => "for no key update",
    }
}

/// A list as the one text its statement takes.
pub(crate) fn json<T: serde::Serialize>(rows: &[T]) -> sqlx::Result<String> {
    serde_json::to_string(rows).map_err(|error| sqlx::Error::Encode(Box::new(error)))
}
