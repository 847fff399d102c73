//! Two changes as one transaction in one trip to the database: where thousands are written in a
//! second, what five trips cost is more than what they write.

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, Either, Executor};

use super::Db;

/// What the statements bind: `$1`, `$2` and `$3`.
#[derive(Clone, Copy, Debug)]
pub struct Bound<'a> {
    pub one: &'a str,
    pub now: DateTime<Utc>,
    pub other: &'a str,
}

impl Db {
    /// Makes two changes that do not touch the same rows, both or neither. Answers how many rows
    /// each changed.
    pub async fn change_at_once(&self, one: &str, other: &str, bound: Bound<'_>) -> sqlx::Result<[u64; 2]> {
        match self {
            // The driver runs statements of one text one after another, and each has its own count.
            Db::Sqlite(pools) => {
                let sql = format!("begin immediate; {one}; {other}; commit");
                let mut turn = pools.write.turn().await?;
                turn.expect_a_transaction();
                let query = sqlx::query(AssertSqlSafe(sql))
                    .bind(bound.one)
                    .bind(bound.now)
                    .bind(bound.other);
                let mut counts = Vec::with_capacity(4);
                {
                    let mut results = turn.fetch_many(query);
                    while let Some(result) = results.try_next().await? {
                        if let Either::Left(done) = result {
                            counts.push(done.rows_affected());
                        }
                    }
                }
                turn.has_ended();
                match counts[..] {
                    [_, one, other, _] => Ok([one, other]),
                    _ => Err(sqlx::Error::Protocol("a change was not answered".to_owned())),
                }
            }
            Db::Postgres(pool) => {
                let sql = format!(
                    "with one as ({one} returning 1), other as ({other} returning 1)
                     select (select count(*) from one), (select count(*) from other)"
                );
                let (one, other): (i64, i64) = sqlx::query_as(AssertSqlSafe(sql))
                    .bind(bound.one)
                    .bind(bound.now)
                    .bind(bound.other)
                    .fetch_one(pool)
                    .await?;
                Ok([one, other].map(|n| u64::try_from(n).unwrap_or(0)))
            }
        }
    }
}
