//! The people of a send as a CSV file, read and written in pieces: the whole of it is never in
//! memory.

use chrono_tz::Tz;
use futures::{Stream, StreamExt, stream};

use super::store::{self, RecipientRow};
use crate::{audit::export::cell, auth::model::StoreId, db::Db};

/// Lines read at once.
const PIECE: i64 = 500;

/// Everybody of a send with what came of it. Times are the store's; the header names their zone.
pub fn csv(
    db: Db,
    store_id: StoreId,
    send: i64,
    zone: Tz,
) -> impl Stream<Item = sqlx::Result<String>> + Send + 'static {
    let head = format!("Customer,Email,Status,Why,Sent ({})\r\n", zone.name());
    stream::unfold(Some((0, head)), move |next| {
        let db = db.clone();
        async move {
            let (after, head) = next?;
            match store::people_after(&db, store_id, send, after, PIECE).await {
                Ok(rows) => {
                    let last = rows
                        .last()
                        .filter(|_| rows.len() as i64 == PIECE)
                        .map(|row| row.message_id);
                    let text = rows.iter().fold(head, |text, row| text + &line(row, zone));
                    Some((Ok(text), last.map(|id| (id, String::new()))))
                }
                Err(error) => Some((Err(error), None)),
            }
        }
    })
    // The compression layer asks once more after the end.
    .fuse()
}

fn line(row: &RecipientRow, zone: Tz) -> String {
    let at = row
        .settled_at
        .map(|at| at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %z").to_string())
        .unwrap_or_default();
    let cells = [
        row.name.as_str(),
        row.address.as_deref().unwrap_or_default(),
        row.state.label(),
        &row.why(),
        &at,
    ];
    let mut text = cells.map(cell).join(",");
    text.push_str("\r\n");
    text
}
