//! Unconfirmed messages that get another try, and those whose second copy never went.

use chrono::{DateTime, Utc};

use crate::{db::Tx, ids::StoreId, messages::outcome_is, on_tx};

/// Whoever a second copy does not go out to after all can be settled like the others again, unless
/// another one went. `send` is the one that was to bring it; any other is left as it is.
pub async fn reopen(tx: &mut Tx, send: i64) -> sqlx::Result<()> {
    let first: Option<i64> = on_tx!(tx, |conn| sqlx::query_scalar(
        "select of_send from sends where id = $1 and kind = 'again' and of_send is not null"
    )
    .bind(send)
    .fetch_optional(&mut *conn)
    .await)?;
    let Some(first) = first else { return Ok(()) };
    // Else somebody who presses "Send again" at this moment would be overlooked.
    crate::messages::queries::locks::lock_send(tx, first).await?;
    on_tx!(tx, |conn| sqlx::query(concat!(
        "update messages set resolution = null
              where send_id = $1 and resolution = 'sent_again' and ",
        outcome_is!("unconfirmed"),
        " and customer_id not in (select m.customer_id from sends s join messages m on m.send_id = s.id
                                       where s.of_send = $1 and s.kind = 'again'
                                         and m.state not in ('cancelled', 'skipped'))",
    ))
    .bind(first)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}

/// The first copies stay unconfirmed: what came of them is still not known.
pub(crate) async fn take_for_another_try(
    tx: &mut Tx,
    (store, send): (StoreId, i64),
    message: Option<i64>,
) -> sqlx::Result<Vec<i64>> {
    on_tx!(tx, |conn| {
        sqlx::query_scalar(concat!(
            "update messages set resolution = 'sent_again'
              where store_id = $1 and send_id = $2 and ($3 is null or id = $3) and resolution is null and ",
            outcome_is!("unconfirmed"),
            " returning customer_id",
        ))
        .bind(store)
        .bind(send)
        .bind(message)
        .fetch_all(&mut *conn)
        .await
    })
}

/// Counts unconfirmed messages of a send as sent: all, or one, or those from before a moment.
pub(crate) async fn treat_as_sent(
    tx: &mut Tx,
    (store, send): (StoreId, i64),
    message: Option<i64>,
    before: Option<DateTime<Utc>>,
    words: &str,
) -> sqlx::Result<Vec<i64>> {
    on_tx!(tx, |conn| sqlx::query_scalar(concat!(
        "update messages set state = 'accepted', resolution = 'treated_as_sent', reply = $5
              where store_id = $1 and send_id = $2 and ($3 is null or id = $3) and ($4 is null or settled_at < $4)
                and resolution is null and ",
        outcome_is!("unconfirmed"),
        " returning id",
    ))
    .bind(store)
    .bind(send)
    .bind(message)
    .bind(before)
    .bind(words)
    .fetch_all(&mut *conn)
    .await)
}
