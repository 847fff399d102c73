//! Files of many rows for spreadsheet programs, read and written in pieces: the whole of one is
//! never in memory.

use std::borrow::Cow;

use futures::{Stream, StreamExt, stream};

/// Rows read at once.
pub const PIECE: i64 = 500;

/// A file: the line of its head, then the rows. `read` answers up to [`PIECE`] rows that come after
/// the row with an id, `write` the id of a row and its line.
pub fn in_pieces<Row, Reading>(
    head: String,
    read: impl Fn(i64) -> Reading + Send + 'static,
    write: impl Fn(&Row) -> (i64, String) + Send + 'static,
) -> impl Stream<Item = sqlx::Result<String>> + Send + 'static
where
    Row: Send + 'static,
    Reading: Future<Output = sqlx::Result<Vec<Row>>> + Send + 'static,
{
    stream::unfold(Some((read, write, 0, head)), |next| async move {
        let (read, write, after, mut text) = next?;
        match read(after).await {
            Ok(rows) => {
                let mut last = after;
                for (id, line) in rows.iter().map(&write) {
                    text.push_str(&line);
                    last = id;
                }
                let more = i64::try_from(rows.len()).is_ok_and(|n| n == PIECE);
                Some((Ok(text), more.then(|| (read, write, last, String::new()))))
            }
            Err(error) => Some((Err(error), None)),
        }
    })
    // The compression layer asks once more after the end.
    .fuse()
}

/// The line of a row.
pub fn line<const N: usize>(cells: [&str; N]) -> String {
    cells.map(cell).join(",") + "\r\n"
}

/// One cell: quoted where CSV asks for it, and never a formula to a spreadsheet program, whatever
/// somebody called themselves.
fn cell(text: &str) -> String {
    let safe = no_formula(text);
    if safe.len() > text.len() || text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", safe.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// What no spreadsheet program takes for a formula: what would be one gets an apostrophe first.
pub fn no_formula(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn no_cell_is_a_formula() {
        for (raw, safe) in [
            ("Priya", "Priya"),
            ("=1+1", "\"'=1+1\""),
            ("+61", "\"'+61\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
            ("a, \"b\"", "\"a, \"\"b\"\"\""),
            ("a = b", "a = b"),
        ] {
            assert_eq!(cell(raw), safe);
        }
    }
}
