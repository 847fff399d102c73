//! Uploaded files in the database.

use chrono::{DateTime, Utc};

use super::upload::About;
use crate::{
    db::{Db, Tx},
    ids::StoreId,
    on_db, on_tx,
};

/// What the pieces are pieces of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(super) enum Part {
    /// The file itself.
    File,
    /// The rows of it that a check found to be mended.
    Errors,
}

/// Removes the oldest files of a store but for so many.
pub(super) async fn make_room(tx: &mut Tx, of: StoreId, but: i64) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "delete from uploads where store_id = $1 and token not in
            (select token from uploads where store_id = $1 order by created_at desc, token limit $2)"
    )
    .bind(of)
    .bind(but)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}

/// Begins a file, of which nothing is there yet.
pub(super) async fn begin(tx: &mut Tx, token: &str, about: &About, now: DateTime<Utc>) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "insert into uploads (token, store_id, file_name, created_at) values ($1, $2, $3, $4)"
    )
    .bind(token)
    .bind(about.store)
    .bind(&about.file_name)
    .bind(now)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}

/// Adds a piece.
pub(super) async fn add_piece(tx: &mut Tx, token: &str, part: Part, place: i64, bytes: Vec<u8>) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "insert into upload_pieces (token, part, place, bytes) values ($1, $2, $3, $4)"
    )
    .bind(token)
    .bind(part)
    .bind(place)
    .bind(bytes)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}

/// Says that all of a file is there.
pub(super) async fn is_whole(tx: &mut Tx, token: &str) -> sqlx::Result<()> {
    let found = on_tx!(tx, |conn| sqlx::query(
        "update uploads set is_whole = true where token = $1"
    )
    .bind(token)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected()))?;
    if found == 0 {
        Err(sqlx::Error::RowNotFound)
    } else {
        Ok(())
    }
}

/// The name of a whole file that was brought since.
pub(super) async fn find(db: &Db, of: StoreId, token: &str, since: DateTime<Utc>) -> sqlx::Result<Option<String>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select file_name from uploads where token = $1 and store_id = $2 and is_whole and created_at > $3"
    )
    .bind(token)
    .bind(of)
    .bind(since)
    .fetch_optional(pool)
    .await)
}

/// A piece, if there are so many.
pub(super) async fn piece(db: &Db, token: &str, part: Part, place: i64) -> sqlx::Result<Option<Vec<u8>>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select bytes from upload_pieces where token = $1 and part = $2 and place = $3"
    )
    .bind(token)
    .bind(part)
    .bind(place)
    .fetch_optional(pool)
    .await)
}

/// Removes all pieces of a part.
pub(super) async fn drop_part(tx: &mut Tx, token: &str, part: Part) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "delete from upload_pieces where token = $1 and part = $2"
    )
    .bind(token)
    .bind(part)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}

/// Removes a file with all of its pieces. False when it was not there.
pub(super) async fn remove(tx: &mut Tx, token: &str) -> sqlx::Result<bool> {
    on_tx!(tx, |conn| sqlx::query("delete from uploads where token = $1")
        .bind(token)
        .execute(&mut *conn)
        .await
        .map(|r| r.rows_affected() > 0))
}

/// Removes what was brought before this moment.
pub(super) async fn forget(tx: &mut Tx, before: DateTime<Utc>) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query("delete from uploads where created_at <= $1")
        .bind(before)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}
