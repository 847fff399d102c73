//! Numbers about an audience that only the builder asks for.

use chrono::{DateTime, Duration, Utc};

use crate::{
    bound,
    db::Db,
    on_db,
    recipients::{
        filter_queries::{AudienceSql, Picked, Scope},
        model::RecipientFilter,
    },
    segments::{self, model::SystemSegment},
};

/// Of those who will get it, how many have no first name, no last name, no anniversary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Gaps {
    pub first_name: i64,
    pub last_name: i64,
    pub next_anniversary: i64,
}

/// Counts the gaps of an audience.
pub async fn gaps(db: &Db, scope: &Scope, filter: &RecipientFilter) -> sqlx::Result<Gaps> {
    let segment = segment_of(db, scope, filter).await?;
    let sql = AudienceSql::of(db.backend(), scope, &Picked::new(filter, segment));
    let statement = format!(
        "select count(*) filter (where c.first_name = '') as first_name,
                count(*) filter (where c.last_name = '') as last_name,
                count(*) filter (where c.anniversary_month is null) as next_anniversary
           from customers c
          where (c.first_name = '' or c.last_name = '' or c.anniversary_month is null)
            and {} and {} = 0",
        sql.matched, sql.reason
    );
    on_db!(db, |pool| bound!(
        sqlx::query_as(sqlx::AssertSqlSafe(statement)),
        sql.binds
    )
    .fetch_one(pool)
    .await)
}

/// How long the same message to the same person counts as a repetition.
const REPEATED_WITHIN: Duration = Duration::hours(24);

/// How many of those who will get this message were sent the very same one within a day, or are
/// about to be, and when the last of those sends began.
pub async fn repetition(
    db: &Db,
    scope: &Scope,
    filter: &RecipientFilter,
    subject: &str,
    body: &str,
) -> sqlx::Result<Option<(i64, DateTime<Utc>)>> {
    let latest: Option<DateTime<Utc>> = on_db!(db, |pool| sqlx::query_scalar(
        "select started_at from sends
          where store_id = $1 and subject = $2 and body = $3 and started_at >= $4
          order by started_at desc limit 1"
    )
    .bind(scope.store)
    .bind(subject)
    .bind(body)
    .bind(scope.now - REPEATED_WITHIN)
    .fetch_optional(pool)
    .await)?;
    let Some(latest) = latest else { return Ok(None) };
    let segment = segment_of(db, scope, filter).await?;
    let mut sql = AudienceSql::of(db.backend(), scope, &Picked::new(filter, segment));
    let statement = format!(
        "select count(*) from customers c
          where {} and {} = 0 and exists (
                select 1 from messages m join sends s on s.id = m.send_id
                 where m.customer_id = c.id and m.state not in ('skipped', 'cancelled', 'rejected', 'failed') and s.store_id = {}
                   and s.subject = {} and s.body = {} and s.started_at >= {})",
        sql.matched,
        sql.reason,
        sql.binds.add(scope.store.0),
        sql.binds.add(subject.to_owned()),
        sql.binds.add(body.to_owned()),
        sql.binds.add(scope.now - REPEATED_WITHIN),
    );
    let n: i64 = on_db!(db, |pool| bound!(
        sqlx::query_scalar(sqlx::AssertSqlSafe(statement)),
        sql.binds
    )
    .fetch_one(pool)
    .await)?;
    Ok((n > 0).then_some((n, latest)))
}

async fn segment_of(db: &Db, scope: &Scope, filter: &RecipientFilter) -> sqlx::Result<Option<SystemSegment>> {
    let RecipientFilter::Segment(id) = filter else {
        return Ok(None);
    };
    Ok(segments::queries::find(db, scope.store, *id)
        .await?
        .and_then(|s| s.system()))
}

/// How many customers a segment has, whatever stands in the way of writing to them.
pub async fn segment_size(db: &Db, scope: &Scope, segment: &segments::queries::Segment) -> sqlx::Result<i64> {
    let picked = Picked::new(&RecipientFilter::Segment(segment.id), segment.system());
    let sql = AudienceSql::of(db.backend(), scope, &picked);
    let statement = format!("select count(*) from customers c where {}", sql.matched);
    on_db!(db, |pool| bound!(
        sqlx::query_scalar(sqlx::AssertSqlSafe(statement)),
        sql.binds
    )
    .fetch_one(pool)
    .await)
}
