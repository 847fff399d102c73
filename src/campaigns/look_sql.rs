//! Numbers about an audience that only the builder asks for.

use crate::{
    bound,
    db::Db,
    on_db,
    recipients::{
        filter_sql::{AudienceSql, Picked, Scope},
        model::RecipientFilter,
    },
    segments,
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
    let segment = match filter {
        RecipientFilter::Segment(id) => segments::store::find(db, scope.store, *id).await?,
        _ => None,
    };
    let sql = AudienceSql::of(
        db.backend(),
        scope,
        &Picked::new(filter, segment.and_then(|s| s.system())),
    );
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

/// How many customers a segment has, whatever stands in the way of writing to them.
pub async fn segment_size(db: &Db, scope: &Scope, segment: &segments::store::Segment) -> sqlx::Result<i64> {
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
