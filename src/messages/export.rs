//! The people of a send, or of all goes of a campaign, as a CSV file.

use chrono_tz::Tz;
use futures::Stream;

use super::people::{self, RecipientRow};
use crate::{
    db::Db,
    export::{self, PIECE},
    ids::StoreId,
};

/// Everybody of these sends once, with the best that came of it. Times are the store's; the header names their zone.
pub fn csv(
    db: Db,
    store_id: StoreId,
    sends: Vec<i64>,
    zone: Tz,
) -> impl Stream<Item = sqlx::Result<String>> + Send + 'static {
    let head = format!("Customer,Email,Status,Why,Sent ({})\r\n", zone.name());
    let read = move |after| {
        let (db, sends) = (db.clone(), sends.clone());
        async move { people::after_one(&db, store_id, &sends, after, PIECE).await }
    };
    export::in_pieces(head, read, move |row| (row.message_id, line(row, zone)))
}

fn line(row: &RecipientRow, zone: Tz) -> String {
    let at = row
        .settled_at
        .map(|at| at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %z").to_string())
        .unwrap_or_default();
    export::line([
        &row.name,
        row.address.as_deref().unwrap_or_default(),
        row.state.label(),
        &row.why(),
        &at,
    ])
}
