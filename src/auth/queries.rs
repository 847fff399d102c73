//! Staff and sessions in the database.

use chrono::{DateTime, Duration, Utc};

use crate::{
    context::{actor::Role, response::Device},
    db::{Db, Tx},
    ids::StoreId,
    on_db, on_tx,
};

/// A member of staff.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct User {
    pub id: i64,
    pub store_id: i64,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub password_hash: String,
    pub disabled_at: Option<DateTime<Utc>>,
}

/// A session that still holds, with the person it belongs to.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct SessionRow {
    pub session_id: i64,
    pub user_id: i64,
    pub store_id: i64,
    pub name: String,
    pub email: String,
    pub role: Role,
}

/// A session as its owner sees it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct SessionSeen {
    pub id: i64,
    pub created_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
}

/// Whether the database's server is there. Asking an embedded database would only cost time.
pub async fn database_answers(db: &Db) -> sqlx::Result<()> {
    match db {
        Db::Sqlite(_) => Ok(()),
        Db::Postgres(pool) => pool.acquire().await.map(drop),
    }
}

/// Who signs in with this address, in whichever store. Addresses are kept in lower case.
pub async fn user_by_email(db: &Db, email: &str) -> sqlx::Result<Option<User>> {
    on_db!(db, |pool| sqlx::query_as(
        "select id, store_id, email, name, role, password_hash, disabled_at from users where email = $1"
    )
    .bind(email)
    .fetch_optional(pool)
    .await)
}

/// One member of a store's staff.
pub async fn user(db: &Db, store: StoreId, id: i64) -> sqlx::Result<Option<User>> {
    on_db!(db, |pool| sqlx::query_as(
        "select id, store_id, email, name, role, password_hash, disabled_at from users where store_id = $1 and id = $2"
    )
    .bind(store)
    .bind(id)
    .fetch_optional(pool)
    .await)
}

/// The same, as the transaction sees it.
pub async fn user_in(tx: &mut Tx, store: StoreId, id: i64) -> sqlx::Result<Option<User>> {
    on_tx!(tx, |conn| sqlx::query_as(
        "select id, store_id, email, name, role, password_hash, disabled_at from users where store_id = $1 and id = $2"
    )
    .bind(store)
    .bind(id)
    .fetch_optional(&mut *conn)
    .await)
}

/// Everyone of a store, owners first.
pub async fn staff(db: &Db, store: StoreId) -> sqlx::Result<Vec<User>> {
    on_db!(db, |pool| sqlx::query_as(
        "select id, store_id, email, name, role, password_hash, disabled_at from users
          where store_id = $1
          order by case role when 'owner' then 0 when 'manager' then 1 else 2 end, name"
    )
    .bind(store)
    .fetch_all(pool)
    .await)
}

/// Adds a member of staff and answers their id.
pub async fn add_user(
    tx: &mut Tx,
    store: StoreId,
    email: &str,
    name: &str,
    role: Role,
    password_hash: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<i64> {
    on_tx!(tx, |conn| sqlx::query_scalar(
        "insert into users (store_id, email, name, role, password_hash, created_at)
         values ($1, $2, $3, $4, $5, $6) returning id"
    )
    .bind(store)
    .bind(email)
    .bind(name)
    .bind(role)
    .bind(password_hash)
    .bind(now)
    .fetch_one(&mut *conn)
    .await)
}

/// Sets a new password and ends every session of the person. False when the store has no such
/// person.
pub async fn set_password(tx: &mut Tx, store: StoreId, user: i64, password_hash: &str) -> sqlx::Result<bool> {
    let changed = on_tx!(tx, |conn| sqlx::query(
        "update users set password_hash = $3 where id = $2 and store_id = $1"
    )
    .bind(store)
    .bind(user)
    .bind(password_hash)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected()))?;
    ended(tx, user, changed).await
}

/// Sets a new role and ends every session of the person. False when the store has no such person.
pub async fn set_role(tx: &mut Tx, store: StoreId, user: i64, role: Role) -> sqlx::Result<bool> {
    let changed = on_tx!(tx, |conn| sqlx::query(
        "update users set role = $3 where id = $2 and store_id = $1"
    )
    .bind(store)
    .bind(user)
    .bind(role)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected()))?;
    ended(tx, user, changed).await
}

/// Keeps a person out from this moment, or (`None`) lets them in again. Ends every session of
/// theirs. False when the store has no such person.
pub async fn set_disabled(
    tx: &mut Tx,
    store: StoreId,
    user: i64,
    disabled_at: Option<DateTime<Utc>>,
) -> sqlx::Result<bool> {
    let changed = on_tx!(tx, |conn| sqlx::query(
        "update users set disabled_at = $3 where id = $2 and store_id = $1"
    )
    .bind(store)
    .bind(user)
    .bind(disabled_at)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected()))?;
    ended(tx, user, changed).await
}

async fn ended(tx: &mut Tx, user: i64, changed: u64) -> sqlx::Result<bool> {
    if changed == 1 {
        end_sessions(tx, user).await?;
    }
    Ok(changed == 1)
}

/// How many owners besides this person can sign in.
pub async fn other_owners(tx: &mut Tx, store: StoreId, user: i64) -> sqlx::Result<i64> {
    on_tx!(tx, |conn| sqlx::query_scalar(
        "select count(*) from users where store_id = $1 and id <> $2 and role = 'owner' and disabled_at is null"
    )
    .bind(store)
    .bind(user)
    .fetch_one(&mut *conn)
    .await)
}

/// Ends every session of a person.
pub async fn end_sessions(tx: &mut Tx, user: i64) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query("delete from sessions where user_id = $1")
        .bind(user)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}

/// Ends one session.
pub async fn end_session(tx: &mut Tx, session: i64) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query("delete from sessions where id = $1")
        .bind(session)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}

/// Ends all sessions of a person but one.
pub async fn end_other_sessions(tx: &mut Tx, user: i64, kept: i64) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "delete from sessions where user_id = $1 and id <> $2"
    )
    .bind(user)
    .bind(kept)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}

/// Forgets sessions that no longer hold.
pub async fn forget_dead_sessions(tx: &mut Tx, now: DateTime<Utc>, idle_since: DateTime<Utc>) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "delete from sessions where expires_at <= $1 or last_seen_at <= $2"
    )
    .bind(now)
    .bind(idle_since)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}

/// The sessions of a person that hold, last used first.
pub async fn sessions_of(
    db: &Db,
    user: i64,
    now: DateTime<Utc>,
    idle_since: DateTime<Utc>,
) -> sqlx::Result<Vec<SessionSeen>> {
    on_db!(db, |pool| sqlx::query_as(
        "select id, created_at, last_seen_at, ip, user_agent from sessions
          where user_id = $1 and expires_at > $2 and last_seen_at > $3
          order by last_seen_at desc, id desc"
    )
    .bind(user)
    .bind(now)
    .bind(idle_since)
    .fetch_all(pool)
    .await)
}

/// Begins a session.
pub async fn begin_session(
    tx: &mut Tx,
    user: i64,
    token_hash: &str,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    device: &Device,
) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "insert into sessions (token_hash, user_id, created_at, last_seen_at, expires_at, ip, user_agent)
         values ($1, $2, $3, $3, $4, $5, $6)"
    )
    .bind(token_hash)
    .bind(user)
    .bind(now)
    .bind(expires_at)
    .bind(&device.ip)
    .bind(&device.user_agent)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}

/// The session of a token hash, if it has neither expired nor been idle since `idle_since`.
pub async fn session(
    db: &Db,
    token_hash: &str,
    now: DateTime<Utc>,
    idle_since: DateTime<Utc>,
) -> sqlx::Result<Option<SessionRow>> {
    on_db!(db, |pool| sqlx::query_as(
        "select s.id as session_id, u.id as user_id, u.store_id, u.name, u.email, u.role
           from sessions s join users u on u.id = s.user_id
          where s.token_hash = $1 and s.expires_at > $2 and s.last_seen_at > $3 and u.disabled_at is null"
    )
    .bind(token_hash)
    .bind(now)
    .bind(idle_since)
    .fetch_optional(pool)
    .await)
}

/// Notes that a session was used: at most once in five minutes, so that reading stays reading.
pub async fn touch_session(db: &Db, session: i64, now: DateTime<Utc>) -> sqlx::Result<()> {
    let stale = now - Duration::minutes(5);
    let due: Option<i64> = on_db!(db, |pool| sqlx::query_scalar(
        "select id from sessions where id = $1 and last_seen_at < $2"
    )
    .bind(session)
    .bind(stale)
    .fetch_optional(pool)
    .await)?;
    if due.is_none() {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    on_tx!(&mut tx, |conn| sqlx::query(
        "update sessions set last_seen_at = $2 where id = $1"
    )
    .bind(session)
    .bind(now)
    .execute(&mut *conn)
    .await
    .map(|_| ()))?;
    tx.commit().await
}
