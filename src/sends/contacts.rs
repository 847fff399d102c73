//! When customers were last written to: segments ask for it. It is noted on them when their send has
//! ended, a piece at a time, so that whoever saves something meanwhile does not wait for a million.
//!
//! The first piece is noted in the transaction that ends the send; mostly it is all. Else the send
//! remembers how far it is, and whoever tidies up goes on from there, whatever happens in between.

use sqlx::AssertSqlSafe;

use crate::{
    db::{
        Db, Tx,
        dialect::{json_ids, row_lock},
        in_tx,
    },
    failpoints::{Point, hit},
    messages::outcome_is,
    on_db, on_tx,
};

/// Messages of a piece, at most. Few in builds that are tested, so that somebody dies between two.
pub const PIECE: i64 = if cfg!(debug_assertions) { 25 } else { 2_000 };

/// Sends looked at in one go.
const BATCH: i64 = 4;

/// Notes the first piece of a send's people; the send remembers the rest.
pub(crate) async fn begin(tx: &mut Tx, send: i64) -> sqlx::Result<()> {
    note_piece(tx, send, 0).await.map(|_| ())
}

/// Notes those of these messages that were accepted: late answers, of which there are few.
pub(crate) async fn note(tx: &mut Tx, messages: &[i64]) -> sqlx::Result<()> {
    let ids = serde_json::json!(messages).to_string();
    let sql = noting(&format!("id in {}", json_ids(tx.backend(), "$1")));
    on_tx!(tx, |conn| sqlx::query(AssertSqlSafe(sql))
        .bind(ids)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}

/// Notes one more piece of each send that has some left. True when there is more.
pub async fn go_on(db: &Db) -> sqlx::Result<bool> {
    let sends: Vec<i64> = on_db!(db, |pool| sqlx::query_scalar(
        "select id from sends where contacts_after is not null order by id limit $1"
    )
    .bind(BATCH)
    .fetch_all(pool)
    .await)?;
    let mut is_more = false;
    for send in sends {
        hit(Point::BeforeContacts);
        let (tx, rest) = in_tx(db, async |mut tx| {
            let Some(after) = take(&mut tx, send).await? else {
                return Ok((tx, None));
            };
            let rest = note_piece(&mut tx, send, after).await?;
            Ok((tx, rest))
        })
        .await?;
        hit(Point::ContactsWritten);
        tx.commit().await?;
        hit(Point::AfterContacts);
        is_more |= rest.is_some();
    }
    Ok(is_more)
}

/// Where a send's next piece begins, for this transaction alone; none when somebody else has noted the
/// last one.
async fn take(tx: &mut Tx, send: i64) -> sqlx::Result<Option<i64>> {
    let sql = format!(
        "select contacts_after from sends where id = $1 and contacts_after is not null {}",
        row_lock(tx.backend(), "for update")
    );
    on_tx!(tx, |conn| sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(send)
        .fetch_optional(&mut *conn)
        .await)
}

/// Notes a piece, those after this message, and on the send where the rest begins, if there may be one.
async fn note_piece(tx: &mut Tx, send: i64, after: i64) -> sqlx::Result<Option<i64>> {
    let (people, last): (i64, Option<i64>) = on_tx!(tx, |conn| sqlx::query_as(concat!(
        "select count(*), max(p.id) from (select id from messages where send_id = $1 and id > $2 and ",
        outcome_is!("accepted"),
        " order by id limit $3) p",
    ))
    .bind(send)
    .bind(after)
    .bind(PIECE)
    .fetch_one(&mut *conn)
    .await)?;
    if last.is_some() {
        let sql = noting("send_id = $1 and id > $2 and id <= $3");
        on_tx!(tx, |conn| sqlx::query(AssertSqlSafe(sql))
            .bind(send)
            .bind(after)
            .bind(last)
            .execute(&mut *conn)
            .await
            .map(|_| ()))?;
    }
    let rest = last.filter(|_| people == PIECE);
    on_tx!(tx, |conn| sqlx::query(
        "update sends set contacts_after = $2 where id = $1"
    )
    .bind(send)
    .bind(rest)
    .execute(&mut *conn)
    .await
    .map(|_| ()))?;
    Ok(rest)
}

/// It never goes back: another send may have reached somebody since.
fn noting(which: &str) -> String {
    format!(
        "update customers set last_contacted_at = m.settled_at
           from (select customer_id, settled_at from messages where {which} and {accepted}) m
          where customers.id = m.customer_id
            and (customers.last_contacted_at is null or customers.last_contacted_at < m.settled_at)",
        accepted = outcome_is!("accepted"),
    )
}
