//! Answers that came after their messages were taken over: the messages, and the numbers of their sends.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::{db::Tx, messages::queries::late, sends::ending};

/// Writes late answers down, and counts anew what was counted when their sends ended. Answers how many
/// were written.
pub async fn settle_late(tx: &mut Tx, outcomes: &str, now: DateTime<Utc>) -> sqlx::Result<usize> {
    let settled = late::settle_late(tx, outcomes, now).await?;
    let mut by_send = BTreeMap::<i64, Vec<i64>>::new();
    for (send, message) in &settled {
        by_send.entry(*send).or_default().push(*message);
    }
    for (send, messages) in by_send {
        ending::count_late(tx, send, &messages).await?;
    }
    Ok(settled.len())
}
