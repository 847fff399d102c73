//! The table `instance`: a few named values of this installation, its own name among them.

use crate::{
    db::{Db, Tx},
    on_db, on_tx, tokens,
};

/// The installation's name for itself: part of every id that leaves it.
pub(crate) const ID: &str = "id";

/// The id of this installation: tells its Message-IDs from those of another, and of a copy of itself.
/// Made at the first need, and anew whenever a copy is confirmed.
pub async fn id(db: &Db) -> sqlx::Result<String> {
    if let Some(id) = get(db, ID).await? {
        return Ok(id);
    }
    let mut tx = db.begin().await?;
    put_first(&mut tx, ID, &tokens::short()).await?;
    let id = on_tx!(&mut tx, |conn| sqlx::query_scalar(
        "select value from instance where key = 'id'"
    )
    .fetch_one(&mut *conn)
    .await)?;
    tx.commit().await?;
    Ok(id)
}

/// A named value.
pub async fn get(db: &Db, key: &str) -> sqlx::Result<Option<String>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select value from instance where key = $1"
    )
    .bind(key)
    .fetch_optional(pool)
    .await)
}

/// Sets a named value.
pub async fn put(tx: &mut Tx, key: &str, value: &str) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "insert into instance (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value"
    )
    .bind(key)
    .bind(value)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}

/// Sets a named value unless it has one.
pub async fn put_first(tx: &mut Tx, key: &str, value: &str) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "insert into instance (key, value) values ($1, $2) on conflict do nothing"
    )
    .bind(key)
    .bind(value)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}

/// Forgets a named value.
pub async fn remove(tx: &mut Tx, key: &str) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query("delete from instance where key = $1")
        .bind(key)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}
