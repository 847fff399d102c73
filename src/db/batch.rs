//! Changes as one transaction in one trip to the database: where thousands are written in a second,
//! what five trips cost is more than what they write.

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
    /// Makes changes of which no two touch the same rows: all of them or none. Answers how many rows
    /// each changed.
    pub async fn execute_batch(&self, changes: &[String], bound: Bound<'_>) -> sqlx::Result<Vec<u64>> {
        match self {
            // The driver runs statements of one text one after another, and each has its own count.
            Db::Sqlite(pools) => {
                let sql = format!("begin immediate; {}; commit", changes.join("; "));
                let mut turn = pools.write.turn().await?;
                turn.expect_a_transaction();
                let query = sqlx::query(AssertSqlSafe(sql))
                    .bind(bound.one)
                    .bind(bound.now)
                    .bind(bound.other);
                let mut counts = Vec::with_capacity(changes.len() + 2);
                {
                    let mut results = turn.fetch_many(query);
                    while let Some(result) = results.try_next().await? {
                        if let Either::Left(done) = result {
                            counts.push(done.rows_affected());
                        }
                    }
                }
                turn.has_ended();
                match &counts[..] {
                    [_, changed @ .., _] if changed.len() == changes.len() => Ok(changed.to_vec()),
                    _ => Err(sqlx::Error::Protocol("a change was not answered".to_owned())),
                }
            }
            Db::Postgres(pool) => {
                let list = |each: &dyn Fn(usize, &String) -> String| {
                    let all: Vec<String> = changes.iter().enumerate().map(|(n, change)| each(n, change)).collect();
                    all.join(", ")
                };
                let sql = format!(
                    "with {} select array[{}]",
                    list(&|n, change| format!("change{n} as ({change} returning 1)")),
                    list(&|n, _| format!("(select count(*) from change{n})")),
                );
                let counts: Vec<i64> = sqlx::query_scalar(AssertSqlSafe(sql))
                    .bind(bound.one)
                    .bind(bound.now)
                    .bind(bound.other)
                    .fetch_one(pool)
                    .await?;
                Ok(counts.into_iter().map(|n| u64::try_from(n).unwrap_or(0)).collect())
            }
        }
    }
}
