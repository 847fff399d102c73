//! The table `instance`: a few named values.

use crate::{auth::tokens, db::Db, on_db, on_tx};

/// A name for this database, made once: tells its Message-IDs from another installation's.
pub async fn id(db: &Db) -> sqlx::Result<String> {
    let known: Option<String> = on_db!(db, |pool| sqlx::query_scalar(
        "select value from instance where key = 'id'"
    )
    .fetch_optional(pool)
    .await)?;
    if let Some(id) = known {
        return Ok(id);
    }
    let mut tx = db.begin().await?;
    on_tx!(&mut tx, |conn| sqlx::query(
        "insert into instance (key, value) values ('id', $1) on conflict do nothing"
    )
    .bind(tokens::short())
    .execute(&mut *conn)
    .await
    .map(|_| ()))?;
    let id = on_tx!(&mut tx, |conn| sqlx::query_scalar(
        "select value from instance where key = 'id'"
    )
    .fetch_one(&mut *conn)
    .await)?;
    tx.commit().await?;
    Ok(id)
}
