//! The outbox in the database.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;

use crate::{
    db::{Db, Tx, search::containing},
    ids::StoreId,
    on_db, on_tx,
};

/// A message to keep.
#[derive(Clone, Debug)]
pub struct Keep {
    pub store_id: StoreId,
    /// The row of the send it belongs to; none for a message that is no send's.
    pub message_id: Option<i64>,
    pub recipient: String,
    pub subject: String,
    /// Exactly what a mail server would have been given.
    pub source: String,
    pub accepted_at: DateTime<Utc>,
}

/// A kept message.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Kept {
    pub id: i64,
    pub message_id: Option<i64>,
    pub recipient: String,
    pub subject: String,
    pub source: String,
    pub accepted_at: DateTime<Utc>,
    /// What the link in it acts with, for its customer.
    pub token: Option<String>,
}

/// A kept message in a list.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct KeptLine {
    pub id: i64,
    pub recipient: String,
    pub subject: String,
    pub accepted_at: DateTime<Utc>,
}

/// Rows of one statement.
const AT_ONCE: usize = 100;
const COLUMNS: usize = 6;

/// Keeps messages. One that is kept already (by its `message_id`) stays as it is: keeping the same
/// message twice is keeping it once. Answers how many were new.
pub async fn keep_many(tx: &mut Tx, rows: &[Keep]) -> sqlx::Result<u64> {
    let mut new = 0;
    for some in rows.chunks(AT_ONCE) {
        let sql = insert(some.len());
        new += on_tx!(tx, |conn| {
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for row in some {
                query = query
                    .bind(row.store_id)
                    .bind(row.message_id)
                    .bind(&row.recipient)
                    .bind(&row.subject)
                    .bind(&row.source)
                    .bind(row.accepted_at);
            }
            query.execute(&mut *conn).await.map(|r| r.rows_affected())
        })?;
    }
    Ok(new)
}

fn insert(rows: usize) -> String {
    let mut sql =
        "insert into outbox (store_id, message_id, recipient, subject, source, accepted_at) values ".to_owned();
    for row in 0..rows {
        let separator = if row == 0 { "(" } else { ", (" };
        sql.push_str(separator);
        for column in 1..=COLUMNS {
            let comma = if column == 1 { "" } else { ", " };
            // Writing to a String does not fail.
            let _ = write!(sql, "{comma}${}", row * COLUMNS + column);
        }
        sql.push(')');
    }
    sql.push_str(" on conflict (message_id) do nothing");
    sql
}

/// A page of what is kept, newest first; `recipient` is part of an address, or empty.
pub async fn page(db: &Db, store: StoreId, recipient: &str, limit: i64, offset: i64) -> sqlx::Result<Vec<KeptLine>> {
    on_db!(db, |pool| sqlx::query_as(
        "select id, recipient, subject, accepted_at from outbox
          where store_id = $1 and ($2 = '' or lower(recipient) like $3 escape '!')
          order by id desc limit $4 offset $5"
    )
    .bind(store)
    .bind(recipient)
    .bind(containing(&recipient.to_lowercase()))
    .bind(limit)
    .bind(offset)
    .fetch_all(pool)
    .await)
}

/// How many are kept.
pub async fn count(db: &Db, store: StoreId, recipient: &str) -> sqlx::Result<i64> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select count(*) from outbox where store_id = $1 and ($2 = '' or lower(recipient) like $3 escape '!')"
    )
    .bind(store)
    .bind(recipient)
    .bind(containing(&recipient.to_lowercase()))
    .fetch_one(pool)
    .await)
}

/// One kept message, whole.
pub async fn find(db: &Db, store: StoreId, id: i64) -> sqlx::Result<Option<Kept>> {
    on_db!(db, |pool| sqlx::query_as(
        "select o.id, o.message_id, o.recipient, o.subject, o.source, o.accepted_at, m.unsubscribe_token as token
           from outbox o left join messages m on m.id = o.message_id
          where o.store_id = $1 and o.id = $2"
    )
    .bind(store)
    .bind(id)
    .fetch_optional(pool)
    .await)
}
