//! As whom a message that went out is read: the first who got it, somebody before or after, or somebody
//! by name. Each is found from the index of outcomes.

use super::{
    model::MessageState,
    timeline::{self, MessageRow},
};
use crate::{db::Db, ids::StoreId, on_db};

/// Somebody of a send, and who comes before and after them.
#[derive(Clone, Debug)]
pub struct Reader {
    pub row: MessageRow,
    pub before: Option<i64>,
    pub after: Option<i64>,
}

/// The best outcomes first: who got it is who reads it.
const OUTCOMES: [&str; 4] = ["accepted", "unconfirmed", "rejected", "failed"];

/// The reader with this message; one who was left out reads nothing.
pub async fn of_message(db: &Db, store: StoreId, sends: &[i64], message: i64) -> sqlx::Result<Option<Reader>> {
    let Some(row) = timeline::message(db, store, message).await? else {
        return Ok(None);
    };
    let left_out = matches!(row.state, MessageState::Skipped | MessageState::Cancelled);
    if left_out || !sends.contains(&row.send_id) {
        return Ok(None);
    }
    let beside = async |newer: bool| -> sqlx::Result<Option<i64>> {
        let sql = match newer {
            true => {
                "select id from messages
                  where store_id = $1 and send_id = $2 and outcome = $3 and settled_at is not null and id > $4
                  order by id limit 1"
            }
            false => {
                "select id from messages
                  where store_id = $1 and send_id = $2 and outcome = $3 and settled_at is not null and id < $4
                  order by id desc limit 1"
            }
        };
        on_db!(db, |pool| sqlx::query_scalar(sql)
            .bind(store)
            .bind(row.send_id)
            .bind(row.state)
            .bind(row.id)
            .fetch_optional(pool)
            .await)
    };
    Ok(Some(Reader {
        before: beside(false).await?,
        after: beside(true).await?,
        row,
    }))
}

/// The first who got it, of the newest of these sends (oldest first) that anybody got; the next to get
/// it while nobody has.
pub async fn first(db: &Db, store: StoreId, sends: &[i64]) -> sqlx::Result<Option<Reader>> {
    for send in sends.iter().rev() {
        for outcome in OUTCOMES {
            let found: Option<i64> = on_db!(db, |pool| sqlx::query_scalar(
                "select id from messages
                  where store_id = $1 and send_id = $2 and outcome = $3 and settled_at is not null
                  order by id limit 1"
            )
            .bind(store)
            .bind(send)
            .bind(outcome)
            .fetch_optional(pool)
            .await)?;
            if let Some(message) = found {
                return of_message(db, store, sends, message).await;
            }
        }
        let next: Option<i64> = on_db!(db, |pool| sqlx::query_scalar(
            "select id from messages
              where store_id = $1 and send_id = $2 and next_at is not null order by next_at, id limit 1"
        )
        .bind(store)
        .bind(send)
        .fetch_optional(pool)
        .await)?;
        if let Some(message) = next {
            return of_message(db, store, sends, message).await;
        }
    }
    Ok(None)
}

/// Somebody who got it, by a part of their name or address. Reads the rows of each send until it finds
/// them.
pub async fn by_name(db: &Db, store: StoreId, sends: &[i64], name: &str) -> sqlx::Result<Option<Reader>> {
    let pattern = format!("%{}%", name.trim().to_lowercase().replace(['%', '_', '\\'], "_"));
    for send in sends.iter().rev() {
        let found: Option<i64> = on_db!(db, |pool| sqlx::query_scalar(
            "select id from messages
              where store_id = $1 and send_id = $2 and outcome = 'accepted' and settled_at is not null
                and (lower(name) like $3 or addr_norm like $3)
              order by id limit 1"
        )
        .bind(store)
        .bind(send)
        .bind(&pattern)
        .fetch_optional(pool)
        .await)?;
        if let Some(message) = found {
            return of_message(db, store, sends, message).await;
        }
    }
    Ok(None)
}
