//! What the health checks ask the database.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use crate::{db::Db, on_db};

/// The newest migration the database has had.
pub(super) async fn newest_applied(db: &Db) -> sqlx::Result<Option<i64>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select max(version) from _sqlx_migrations where success"
    )
    .fetch_one(pool)
    .await)
}

/// The folder of an SQLite database.
pub(super) async fn data_folder(db: &Db) -> sqlx::Result<Option<PathBuf>> {
    let Db::Sqlite(pools) = db else { return Ok(None) };
    let file: Option<String> = sqlx::query_scalar("select file from pragma_database_list where name = 'main'")
        .fetch_optional(&pools.read)
        .await?;
    Ok(file.and_then(|f| PathBuf::from(f).parent().map(PathBuf::from)))
}

/// Messages by state, of every store.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    states: Vec<(String, i64)>,
    pub open_sends: i64,
    /// Since when the oldest message that may go out has been due. What a person has paused may not.
    pub oldest_due: Option<DateTime<Utc>>,
}

impl Counts {
    pub(super) fn of(&self, state: &str) -> i64 {
        self.states.iter().find(|(s, _)| s == state).map_or(0, |(_, n)| *n)
    }

    pub(super) fn accepted(&self) -> i64 {
        self.of("accepted")
    }
}

// Who is on the wire is few and counted; the outcomes have been added up, and whoever has neither
// is queued.
const STATES: &str =
    "with leased as (select state, count(*) as people from messages where lease_until is not null group by state),
    settled as (select outcome, cast(sum(people) as bigint) as people from send_tallies group by outcome)
    select state, people from leased
     union all select outcome, people from settled
     union all select 'queued', cast((select coalesce(sum(people), 0) from sends)
        - (select coalesce(sum(people), 0) from leased) - (select coalesce(sum(people), 0) from settled) as bigint)";

/// Counts the messages.
pub(super) async fn counts(db: &Db, now: DateTime<Utc>) -> sqlx::Result<Counts> {
    let states = on_db!(db, |pool| sqlx::query_as(STATES).fetch_all(pool).await)?;
    let open_sends = on_db!(db, |pool| sqlx::query_scalar(
        "select count(*) from sends where state in ('holding', 'sending')"
    )
    .fetch_one(pool)
    .await)?;
    let oldest_due = on_db!(db, |pool| sqlx::query_scalar(
        "select min(m.next_at) from sends s join messages m on m.send_id = s.id and m.next_at is not null
          where s.state = 'sending' and s.paused_by is null and m.next_at <= $1"
    )
    .bind(now)
    .fetch_one(pool)
    .await)?;
    Ok(Counts {
        states,
        open_sends,
        oldest_due,
    })
}
