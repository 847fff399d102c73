//! The log as a CSV file.

use chrono_tz::Tz;
use futures::Stream;

use super::{
    queries::{self, Line, Wanted},
    reading,
};
use crate::{
    db::Db,
    export::{self, PIECE},
    ids::StoreId,
};

/// The file, oldest line first. Times are the store's; the header names their zone.
pub fn csv(
    db: Db,
    store_id: StoreId,
    wanted: Wanted,
    zone: Tz,
) -> impl Stream<Item = sqlx::Result<String>> + Send + 'static {
    let head = format!("When ({}),Who,Action,What,Before,After\r\n", zone.name());
    let read = move |after| {
        let (db, wanted) = (db.clone(), wanted.clone());
        async move { queries::after(&db, store_id, &wanted, after, PIECE).await }
    };
    export::in_pieces(head, read, move |line| (line.id, row(line, zone)))
}

fn row(line: &Line, zone: Tz) -> String {
    let when = line.happened_at.with_timezone(&zone);
    export::line([
        &when.format("%Y-%m-%d %H:%M:%S %z").to_string(),
        &line.actor,
        &reading::action_words(&line.action),
        &line.summary,
        line.before.as_deref().unwrap_or_default(),
        line.after.as_deref().unwrap_or_default(),
    ])
}
