//! The tries of one message that is no campaign's: a first send, and what followed when that was
//! given up. Only one goes out at a time: of whoever still waits in an open one nobody knows yet
//! whether it reaches them.

use super::{
    model::SendKind,
    queries::{self, SendRecord},
    rules::{STILL_ON_THEIR_WAY, who_sends},
};
use crate::{
    db::{Db, Tx},
    error::AppError,
    ids::StoreId,
    messages::{has_in_flight, queries::locks::lock_send},
    on_tx,
};

/// Refuses another try while one is under way, and when they are a campaign's by now. What it finds
/// holds until the end of the transaction.
pub(crate) async fn refuse_another(tx: &mut Tx, db: &Db, store: StoreId, first: i64) -> Result<(), AppError> {
    lock_send(tx, first).await?;
    for send in queries::attempts(tx, store, first, SendKind::Bulk).await? {
        let words = if send.campaign_id.is_some() {
            "This email has become a campaign. Send it from there.".to_owned()
        } else if send.state.is_open() {
            who_sends(db, &send).await?
        } else if is_on_the_wire(tx, send.id).await? {
            STILL_ON_THEIR_WAY.to_owned()
        } else {
            continue;
        };
        return Err(refused(&send, words));
    }
    Ok(())
}

/// Refuses a second correction while one is under way. What it finds holds until the end of the
/// transaction.
pub(crate) async fn refuse_another_correction(
    tx: &mut Tx,
    db: &Db,
    store: StoreId,
    first: i64,
) -> Result<(), AppError> {
    lock_send(tx, first).await?;
    let corrections = queries::attempts(tx, store, first, SendKind::Correction).await?;
    match corrections.iter().find(|send| send.state.is_open()) {
        Some(open) => Err(refused(open, who_sends(db, open).await?)),
        None => Ok(()),
    }
}

fn refused(send: &SendRecord, words: String) -> AppError {
    AppError::Refused {
        words,
        back_to: Some(send.page()),
    }
}

async fn is_on_the_wire(tx: &mut Tx, send: i64) -> sqlx::Result<bool> {
    on_tx!(tx, |conn| sqlx::query_scalar(concat!("select ", has_in_flight!("$1")))
        .bind(send)
        .fetch_one(&mut *conn)
        .await)
}
