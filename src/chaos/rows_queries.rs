//! What the rows say while it is going on.

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;

use loupe::{
    db::{Db, dialect::database_now},
    ids::StoreId,
    on_db,
};

/// Messages this sender is attempting.
pub async fn attempting(db: &Db, owner: &str) -> sqlx::Result<u64> {
    let n: i64 = on_db!(db, |pool| sqlx::query_scalar(
        "select count(*) from messages where state = 'attempting' and lease_owner = $1"
    )
    .bind(owner)
    .fetch_one(pool)
    .await)?;
    Ok(n.unsigned_abs())
}

/// The senders that are attempting something.
pub async fn busy_owners(db: &Db) -> sqlx::Result<Vec<String>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select distinct lease_owner from messages where state = 'attempting' and lease_owner is not null"
    )
    .fetch_all(pool)
    .await)
}

/// Some customers whose messages wait.
pub async fn waiting_customers(db: &Db, most: i64) -> sqlx::Result<Vec<i64>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select distinct customer_id from messages where state in ('queued', 'leased')
          order by customer_id desc limit $1"
    )
    .bind(most)
    .fetch_all(pool)
    .await)
}

/// The messages to one customer that are in this state.
pub async fn messages_to(db: &Db, customer: i64, state: &str) -> sqlx::Result<Vec<i64>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select id from messages where customer_id = $1 and state = $2"
    )
    .bind(customer)
    .bind(state)
    .fetch_all(pool)
    .await)
}

/// The state of one message.
pub async fn state_of(db: &Db, message: i64) -> sqlx::Result<String> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select state from messages where id = $1"
    )
    .bind(message)
    .fetch_one(pool)
    .await)
}

/// Messages somebody has leased or is attempting, or was.
pub async fn in_hand(db: &Db) -> sqlx::Result<i64> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select count(*) from messages where state in ('leased', 'attempting')"
    )
    .fetch_one(pool)
    .await)
}

/// Whether some customers do not say yet when they were written to.
pub async fn any_to_note(db: &Db) -> sqlx::Result<bool> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select exists (select 1 from sends where contacts_after is not null)"
    )
    .fetch_one(pool)
    .await)
}

/// Messages this sender has leased or is attempting.
pub async fn held(db: &Db, owner: &str) -> sqlx::Result<i64> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select count(*) from messages where state in ('leased', 'attempting') and lease_owner = $1"
    )
    .bind(owner)
    .fetch_one(pool)
    .await)
}

/// Campaigns by status: of those, how many there are.
pub async fn campaigns(db: &Db, store: StoreId, status: &str) -> sqlx::Result<Vec<i64>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select id from campaigns where store_id = $1 and status = $2 order by id"
    )
    .bind(store)
    .bind(status)
    .fetch_all(pool)
    .await)
}

/// What the messages of a store are doing, for the words of a failure.
pub async fn states(db: &Db, store: StoreId) -> sqlx::Result<Vec<(i64, String, i64)>> {
    on_db!(db, |pool| sqlx::query_as(
        "select send_id, state, count(*) from messages where store_id = $1 group by send_id, state order by 1, 2"
    )
    .bind(store)
    .fetch_all(pool)
    .await)
}

/// Sends that go on, that nobody works on, and that have something to do now.
pub async fn idle_sends(db: &Db, store: StoreId, now: DateTime<Utc>) -> sqlx::Result<Vec<i64>> {
    let sql = format!(
        "select s.id from sends s
          where s.store_id = $1 and s.state = 'sending' and s.paused_at is null
            and not exists (select 1 from messages m where m.send_id = s.id and m.state in ('leased', 'attempting')
                               and m.lease_until >= {now})
            and (exists (select 1 from messages m where m.send_id = s.id and m.state = 'queued' and m.next_at <= $2)
                 or exists (select 1 from messages m where m.send_id = s.id and m.state in ('leased', 'attempting'))
                 or not exists (select 1 from messages m where m.send_id = s.id
                                   and m.state in ('queued', 'leased', 'attempting')))
          order by s.id",
        now = database_now(db.backend())
    );
    on_db!(db, |pool| sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(store)
        .bind(now)
        .fetch_all(pool)
        .await)
}

/// Breaks some of the database connections of the workers; answers how many.
pub async fn terminate_some(db: &Db) -> sqlx::Result<i64> {
    let Db::Postgres(pool) = db else { return Ok(0) };
    sqlx::query_scalar(
        "select count(pg_terminate_backend(pid)) from
           (select pid from pg_stat_activity
             where application_name = 'loupe' and datname = current_database() and pid <> pg_backend_pid()
             order by random() limit 4) backends",
    )
    .fetch_one(pool)
    .await
}

/// The version of a campaign, as its page has it.
pub async fn version(db: &Db, campaign: i64) -> sqlx::Result<i64> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select version from campaigns where id = $1"
    )
    .bind(campaign)
    .fetch_one(pool)
    .await)
}

/// Sends with people who were never answered and whom nobody has settled.
pub async fn unanswered(db: &Db, store: StoreId) -> sqlx::Result<Vec<i64>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select distinct send_id from messages
          where store_id = $1 and state = 'unconfirmed' and resolution is null order by send_id"
    )
    .bind(store)
    .fetch_all(pool)
    .await)
}

/// How many of a send count as sent because somebody said so.
pub async fn treated(db: &Db, send: i64) -> sqlx::Result<i64> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select count(*) from messages where send_id = $1 and resolution = 'treated_as_sent'"
    )
    .bind(send)
    .fetch_one(pool)
    .await)
}

/// How many of a send have been on the wire.
pub async fn gone_out(db: &Db, send: i64) -> sqlx::Result<i64> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select count(*) from messages where send_id = $1 and state not in ('queued', 'skipped', 'cancelled')"
    )
    .bind(send)
    .fetch_one(pool)
    .await)
}

/// Sends that are not over, with a campaign or without.
pub async fn open_sends(db: &Db, store: StoreId) -> sqlx::Result<i64> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select count(*) from sends where store_id = $1 and state in ('holding', 'sending')"
    )
    .bind(store)
    .fetch_one(pool)
    .await)
}
