//! What the row says after an attempt.

use chrono::{DateTime, Utc};

use super::workers::{prepared_send::Job, retry};
use crate::{channels::Outcome, db::dialect::moment_text, messages::queries::settle::Settled};

/// A message that is settled in this state.
pub(crate) fn settled(job: &Job, state: &'static str, code: Option<u16>, reply: Option<String>) -> Settled {
    Settled {
        id: job.row.id,
        epoch: job.row.epoch,
        state,
        code: code.map(i64::from),
        reply,
        next_at: None,
        refund: 0,
    }
}

/// The row after this outcome; waits between attempts are multiplied with `scale`.
pub(crate) fn settlement(job: &Job, outcome: Outcome, now: DateTime<Utc>, scale: f64) -> Settled {
    match outcome {
        Outcome::Accepted { reply } => settled(job, "accepted", None, Some(reply)),
        Outcome::Rejected { code, reply } => settled(job, "rejected", Some(code), Some(reply)),
        Outcome::Unconfirmed { why } => settled(job, "unconfirmed", None, Some(why)),
        Outcome::NotSent { why } => Settled {
            next_at: Some(moment_text(now)),
            refund: 1,
            ..settled(job, "queued", None, Some(why))
        },
        Outcome::Deferred {
            code,
            reply,
            retry_after,
        } => {
            // Ids are as good as dice for spreading retries.
            let spread = f64::from(u32::try_from(job.row.id % 1000).unwrap_or(0)) / 1000.0;
            match retry::wait_after(job.row.attempts + 1, retry_after, spread) {
                Some(wait) => Settled {
                    next_at: Some(moment_text(now + wait.mul_f64(scale))),
                    ..settled(job, "queued", Some(code), Some(reply))
                },
                None => settled(job, "failed", Some(code), Some(reply)),
            }
        }
    }
}
