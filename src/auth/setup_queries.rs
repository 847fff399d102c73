//! The one-time setup token in the database: its hash, beside other facts of the installation.

use chrono::{DateTime, Utc};

use crate::{
    db::{Db, Tx},
    on_db, on_tx,
};

/// Keeps a token's hash in place of the former one.
pub async fn keep_token(tx: &mut Tx, hash: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    for (key, value) in [
        ("setup_token", hash.to_owned()),
        ("setup_token_made_at", now.to_rfc3339()),
    ] {
        on_tx!(tx, |conn| sqlx::query(
            "insert into instance (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value"
        )
        .bind(key)
        .bind(&value)
        .execute(&mut *conn)
        .await
        .map(|_| ()))?;
    }
    Ok(())
}

/// The kept hash.
pub async fn token(db: &Db) -> sqlx::Result<Option<String>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select value from instance where key = 'setup_token'"
    )
    .fetch_optional(pool)
    .await)
}

/// Uses the token up. False when it is not the kept one, or there is a store by now.
pub async fn take_token(tx: &mut Tx, hash: &str) -> sqlx::Result<bool> {
    on_tx!(tx, |conn| sqlx::query(
        "delete from instance
          where key = 'setup_token' and value = $1 and not exists (select 1 from stores)"
    )
    .bind(hash)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected() == 1))
}
