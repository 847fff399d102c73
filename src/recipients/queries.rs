//! Counting and naming an audience.

use super::{
    filter_queries::{AudienceSql, Picked, Scope, code, reason_of},
    model::{Audience, Named, Person, RecipientFilter, SkipReason},
};
use crate::{bound, db::Db, on_db, segments};

pub use super::search::candidates;

/// How many people the filter means, how many of them will get it, and why the others will not.
pub async fn count(db: &Db, scope: &Scope, filter: &RecipientFilter) -> sqlx::Result<Audience> {
    let sql = sql_of(db, scope, filter).await?;
    // Planned afresh each time: a plan for any tag would walk the book for a rare one.
    let parts: Vec<(i64, i64)> = on_db!(db, |pool| bound!(
        sqlx::query_as(sqlx::AssertSqlSafe(sql.parts())).persistent(false),
        sql.binds
    )
    .fetch_all(pool)
    .await)?;
    Ok(added_up(sql.put_together(parts)))
}

/// Those skipped for `reason`, or without one those who will get it, by name.
pub async fn names(
    db: &Db,
    scope: &Scope,
    filter: &RecipientFilter,
    reason: Option<SkipReason>,
    limit: i64,
    offset: i64,
) -> sqlx::Result<Vec<Named>> {
    let mut sql = sql_of(db, scope, filter).await?;
    let reason_code = reason.map_or(0, code);
    let statement = format!(
        "select c.id, c.name from customers c where {} and {} = {reason_code} order by c.name_key, c.id limit {} offset {}",
        sql.matched,
        sql.reason,
        sql.binds.add(limit),
        sql.binds.add(offset)
    );
    let rows: Vec<(i64, String)> = on_db!(db, |pool| bound!(
        sqlx::query_as(sqlx::AssertSqlSafe(statement)),
        sql.binds
    )
    .fetch_all(pool)
    .await)?;
    Ok(rows.into_iter().map(|(id, name)| Named { id, name }).collect())
}

/// The ids of everybody a filter means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    pub getting: Vec<i64>,
    pub left_out: Vec<i64>,
}

/// Everybody the filter means; nothing when they are more than `most`.
pub async fn members(db: &Db, scope: &Scope, filter: &RecipientFilter, most: usize) -> sqlx::Result<Option<Members>> {
    let mut sql = sql_of(db, scope, filter).await?;
    let statement = format!(
        "select c.id, {} = 0 from customers c where {} limit {}",
        sql.reason,
        sql.matched,
        sql.binds.add(i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1))
    );
    let rows: Vec<(i64, bool)> = on_db!(db, |pool| bound!(
        sqlx::query_as(sqlx::AssertSqlSafe(statement)),
        sql.binds
    )
    .fetch_all(pool)
    .await)?;
    if rows.len() > most {
        return Ok(None);
    }
    let mut members = Members::default();
    for (id, gets_it) in rows {
        if gets_it {
            members.getting.push(id);
        } else {
            members.left_out.push(id);
        }
    }
    Ok(Some(members))
}

/// Up to three of those who will get it, each different: somebody typical, the longest name, and
/// whoever has most blanks. In this order.
pub async fn sample(db: &Db, scope: &Scope, filter: &RecipientFilter) -> sqlx::Result<Vec<Person>> {
    let mut chosen: Vec<Person> = Vec::new();
    const GAPS: &str = "(case when c.first_name = '' then 1 else 0 end + case when c.last_name = '' then 1 else 0 end
        + case when c.anniversary_month is null then 1 else 0 end)";
    let orders = [
        format!("{GAPS}, abs(length(c.name) - 14), c.id"),
        "length(c.name) desc, c.id".to_owned(),
        format!("{GAPS} desc, c.id"),
    ];
    for order in orders {
        let sql = sql_of(db, scope, filter).await?;
        let statement = format!(
            "select c.id, c.name, c.first_name, c.last_name, c.anniversary_month, c.anniversary_day, c.email
               from customers c where {} and {} = 0 order by {order} limit 3",
            sql.matched, sql.reason
        );
        let people: Vec<Person> = on_db!(db, |pool| bound!(
            sqlx::query_as(sqlx::AssertSqlSafe(statement)),
            sql.binds
        )
        .fetch_all(pool)
        .await)?;
        chosen.extend(people.into_iter().find(|p| chosen.iter().all(|c| c.id != p.id)));
    }
    Ok(chosen)
}

/// The first customer a filter means, whether they will get it or not.
pub async fn person(db: &Db, scope: &Scope, filter: &RecipientFilter) -> sqlx::Result<Option<Person>> {
    let sql = sql_of(db, scope, filter).await?;
    let statement = format!(
        "select c.id, c.name, c.first_name, c.last_name, c.anniversary_month, c.anniversary_day,
                coalesce(c.email, '') as email
           from customers c where {} order by c.id limit 1",
        sql.matched
    );
    on_db!(db, |pool| bound!(
        sqlx::query_as(sqlx::AssertSqlSafe(statement)),
        sql.binds
    )
    .fetch_optional(pool)
    .await)
}

async fn sql_of(db: &Db, scope: &Scope, filter: &RecipientFilter) -> sqlx::Result<AudienceSql> {
    let segment = match filter {
        RecipientFilter::Segment(id) => segments::queries::find(db, scope.store, *id).await?,
        _ => None,
    };
    let picked = Picked::new(filter, segment.and_then(|s| s.system()));
    Ok(AudienceSql::of(db.backend(), scope, &picked))
}

/// From (code, how many) to an audience.
pub(crate) fn added_up(rows: Vec<(i64, i64)>) -> Audience {
    let mut audience = Audience::default();
    for (number, n) in rows {
        audience.matched += n;
        match reason_of(number) {
            Some(reason) => audience.skipped.push((reason, n)),
            None => audience.will_send += n,
        }
    }
    audience.skipped.sort_unstable();
    audience
}
