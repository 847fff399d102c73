//! The log as a CSV file, read and written in pieces: the whole of it is never in memory.

use chrono_tz::Tz;
use futures::{Stream, StreamExt, stream};

use super::{
    reading,
    store::{self, Line, Wanted},
};
use crate::{auth::model::StoreId, db::Db};

/// Lines read at once.
const PIECE: i64 = 500;

/// The file, oldest line first. Times are the store's; the header names their zone.
pub fn csv(
    db: Db,
    store_id: StoreId,
    wanted: Wanted,
    zone: Tz,
) -> impl Stream<Item = sqlx::Result<String>> + Send + 'static {
    let head = format!("When ({}),Who,Action,What,Before,After\r\n", zone.name());
    stream::unfold(Some((0, head)), move |next| {
        let (db, wanted) = (db.clone(), wanted.clone());
        async move {
            let (after, head) = next?;
            match store::after(&db, store_id, &wanted, after, PIECE).await {
                Ok(lines) => {
                    let more = (lines.len() as i64 == PIECE).then(|| lines.last().map(|l| (l.id, String::new())));
                    let text = lines.iter().fold(head, |text, line| text + &row(line, zone));
                    Some((Ok(text), more.flatten()))
                }
                Err(error) => Some((Err(error), None)),
            }
        }
    })
    // The compression layer asks once more after the end.
    .fuse()
}

fn row(line: &Line, zone: Tz) -> String {
    let when = line
        .happened_at
        .with_timezone(&zone)
        .format("%Y-%m-%d %H:%M:%S %z")
        .to_string();
    let cells = [
        when.as_str(),
        &line.actor,
        &reading::action_words(&line.action),
        &line.summary,
        line.before.as_deref().unwrap_or_default(),
        line.after.as_deref().unwrap_or_default(),
    ];
    let mut text = cells.map(cell).join(",");
    text.push_str("\r\n");
    text
}

/// One cell: quoted where CSV asks for it, and never a formula to a spreadsheet program, whatever
/// somebody called themselves.
pub fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let mark = if formula { "'" } else { "" };
    if formula || text.contains(['"', ',', '\n', '\r']) {
        format!("\"{mark}{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
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
