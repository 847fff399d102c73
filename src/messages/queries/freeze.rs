//! Writing an audience down: one row per person, before anything is sent.

use chrono::{DateTime, Utc};

use crate::{
    bound,
    db::{Backend, Tx},
    messages::{outcome_is, tallies},
    on_tx,
    recipients::{
        filter_queries::{AudienceSql, Picked, Scope, code, key_of},
        model::{Audience, RecipientFilter, SkipReason},
        queries::added_up,
    },
    segments,
};

/// Whoever is written already stays as they are.
const REFUSING: &str = "on conflict do nothing";

/// Writes a message for everybody the filter means: `queued` for those who will get it, `skipped`
/// with the reason for the others. Answers what was written, counted from the rows.
pub async fn freeze(
    tx: &mut Tx,
    scope: &Scope,
    filter: &RecipientFilter,
    send_id: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<Audience> {
    let segment = match filter {
        RecipientFilter::Segment(id) => segments::queries::find_in(tx, scope.store, *id).await?,
        _ => None,
    };
    let picked = Picked::new(filter, segment.and_then(|s| s.system()));
    let sql = AudienceSql::of(tx.backend(), scope, &picked);
    let written = write_at_once(tx, &sql, send_id, now).await?;
    if written == matched(tx, sql.clone()).await? {
        return counted(tx, send_id, written).await;
    }

    // The unique index on the address has the last word: whoever lost to it is a double, whatever
    // the evaluation thought.
    let duplicate = code(SkipReason::DuplicateAddress);
    let mut lost = sql;
    lost.reason = format!("case {0} when 0 then {duplicate} else {0} end", lost.reason);
    let send = lost.binds.add(send_id);
    lost.matched += &format!(
        " and c.id not in (select w.customer_id from messages w where w.send_id = {send})
          and c.email_norm in (select w.addr_norm from messages w where w.send_id = {send} and w.skip_reason is null)"
    );
    let missed = write(tx, lost, send_id, now, REFUSING).await?;
    counted(tx, send_id, written + missed).await
}

/// Writes everybody. PostgreSQL asks three indexes about each row that may be refused: it is told that
/// there is none, and if there is, all of it is written anew.
async fn write_at_once(tx: &mut Tx, sql: &AudienceSql, send_id: i64, now: DateTime<Utc>) -> sqlx::Result<u64> {
    if tx.backend() == Backend::Sqlite {
        return write(tx, sql.clone(), send_id, now, REFUSING).await;
    }
    run(tx, "savepoint written").await?;
    match write(tx, sql.clone(), send_id, now, "").await {
        Ok(written) => {
            run(tx, "release savepoint written").await?;
            Ok(written)
        }
        Err(error) if error.as_database_error().is_some_and(|e| e.is_unique_violation()) => {
            run(tx, "rollback to savepoint written").await?;
            write(tx, sql.clone(), send_id, now, REFUSING).await
        }
        Err(error) => Err(error),
    }
}

async fn run(tx: &mut Tx, statement: &'static str) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(statement).execute(&mut *conn).await.map(|_| ()))
}

async fn write(
    tx: &mut Tx,
    mut sql: AudienceSql,
    send_id: i64,
    now: DateTime<Utc>,
    refusing: &str,
) -> sqlx::Result<u64> {
    let (send, at) = (sql.binds.add(send_id), sql.binds.add(now));
    let statement = format!(
        "insert into messages (store_id, send_id, customer_id, channel, state, skip_reason, name, first_name, last_name,
                               anniversary_month, anniversary_day, address, addr_norm, unsubscribe_token, next_at, settled_at, created_at)
         select a.store_id, {send}, a.id, 'email', case when a.reason = 0 then 'queued' else 'skipped' end, {key},
                a.name, a.first_name, a.last_name, a.anniversary_month, a.anniversary_day, a.email, a.email_norm,
                a.unsubscribe_token, case when a.reason = 0 then {at} end, case when a.reason <> 0 then {at} end, {at}
           from (select c.store_id, c.id, c.name, c.first_name, c.last_name, c.anniversary_month, c.anniversary_day,
                        c.email, c.email_norm, c.unsubscribe_token, {reason} as reason
                   from customers c where {matched}) a
          where true order by a.id {refusing}",
        key = key_of("a.reason"),
        reason = sql.reason,
        matched = sql.matched,
    );
    on_tx!(tx, |conn| bound!(
        sqlx::query(sqlx::AssertSqlSafe(statement)),
        sql.binds
    )
    .execute(&mut *conn)
    .await
    .map(|done| done.rows_affected()))
}

/// How many the filter means. Far quicker than looking for whoever is missing.
async fn matched(tx: &mut Tx, sql: AudienceSql) -> sqlx::Result<u64> {
    let statement = format!("select count(*) as meant from customers c where {}", sql.matched);
    let n: i64 = on_tx!(tx, |conn| bound!(
        sqlx::query_scalar(sqlx::AssertSqlSafe(statement)),
        sql.binds
    )
    // The same text may come with more values or fewer: those of the reasons are not in it.
    .persistent(false)
    .fetch_one(&mut *conn)
    .await)?;
    Ok(u64::try_from(n).unwrap_or(0))
}

/// Whoever is not skipped will get it; that is what the send is written down with.
async fn counted(tx: &mut Tx, send_id: i64, written: u64) -> sqlx::Result<Audience> {
    let rows: Vec<(Option<String>, i64)> = on_tx!(tx, |conn| sqlx::query_as(concat!(
        "select skip_reason, count(*) from messages where send_id = $1 and ",
        outcome_is!("skipped"),
        " group by skip_reason",
    ))
    .bind(send_id)
    .fetch_all(&mut *conn)
    .await)?;
    let written = i64::try_from(written).unwrap_or(i64::MAX);
    let skipped: i64 = rows.iter().map(|(_, n)| n).sum();
    let already = SkipReason::AlreadyReceived.key();
    let already = rows
        .iter()
        .filter(|(key, _)| key.as_deref() == Some(already))
        .map(|(_, n)| n)
        .sum();
    tallies::begin(tx, send_id, written, skipped, already).await?;
    let number = |key: Option<String>| key.as_deref().and_then(SkipReason::from_key).map_or(0, code);
    let mut counts: Vec<_> = rows.into_iter().map(|(key, n)| (number(key), n)).collect();
    counts.push((number(None), written - skipped));
    Ok(added_up(counts))
}
