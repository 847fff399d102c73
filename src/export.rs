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

/// What no spreadsheet program takes for a formula: what would be one gets an apostrophe first. Some
/// separate cells at a semicolon or a tab, and end a row at any line end, so that each of those may
/// begin a cell too.
pub fn no_formula(text: &str) -> Cow<'_, str> {
    let starts: Vec<usize> = std::iter::once(0)
        .chain(
            text.match_indices([';', '\t', '\n', '\r'])
                .map(|(at, found)| at + found.len()),
        )
        .filter(|at| text.get(*at..).is_some_and(begins_formula))
        .collect();
    if starts.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + starts.len());
    let mut written = 0;
    for at in starts {
        safe.push_str(text.get(written..at).unwrap_or_default());
        safe.push('\'');
        written = at;
    }
    safe.push_str(text.get(written..).unwrap_or_default());
    Cow::Owned(safe)
}

/// Also behind what can't be seen, and in the wide letters of East Asian keyboards.
fn begins_formula(cell: &str) -> bool {
    let visible = cell.trim_start_matches(is_unseen);
    visible.starts_with([
        '=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}', '\u{fe66}', '\u{fe62}', '\u{fe63}',
        '\u{fe6b}', '\u{2212}',
    ]) || cell.starts_with(['\t', '\r'])
}

/// Control characters, spaces but for the usual one, and what only joins or turns other characters.
fn is_unseen(c: char) -> bool {
    let is_space = c.is_whitespace() && c != ' ';
    is_space
        || c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        )
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
            ("\t=1", "\"'\t'=1\""),
            ("\r=1", "\"'\r'=1\""),
            ("a, \"b\"", "\"a, \"\"b\"\"\""),
            ("a = b", "a = b"),
            ("a; b", "a; b"),
            ("a-b;c+d", "a-b;c+d"),
            ("\u{ff1d}1+1", "\"'\u{ff1d}1+1\""),
            ("\u{ff0b}1", "\"'\u{ff0b}1\""),
            ("\u{ff0d}1", "\"'\u{ff0d}1\""),
            ("\u{ff20}A1", "\"'\u{ff20}A1\""),
            ("\u{200b}=1", "\"'\u{200b}=1\""),
            ("\u{feff}\u{202e}\0 =1", "\u{feff}\u{202e}\0 =1"),
            ("\u{feff}\u{202e}\0=1", "\"'\u{feff}\u{202e}\0=1\""),
            ("\u{a0}@x", "\"'\u{a0}@x\""),
            ("A;=1+1", "\"A;'=1+1\""),
            ("A;\u{200d}\u{ff1d}1;-2;b", "\"A;'\u{200d}\u{ff1d}1;'-2;b\""),
            ("A\n=1", "\"A\n'=1\""),
            ("A\t+1", "\"A\t'+1\""),
        ] {
            assert_eq!(cell(raw), safe);
        }
    }
}
