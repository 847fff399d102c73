//! The built-in outbox as provider: every message is kept in the database and shown to owners
//! and managers; nothing is mailed. Keeping it and settling it is one transaction.

use chrono::{DateTime, Utc};

use crate::{
    db::{Db, Tx, dialect::json},
    dispatch::workers::prepared_send::Job,
    messages::queries::{
        leases,
        settle::{self, Settled},
    },
    on_tx,
};

/// Keeps a batch of messages, at most once each.
pub(crate) async fn deliver(db: &Db, base_url: &str, jobs: &[Job], now: DateTime<Utc>) -> sqlx::Result<()> {
    let tokens: Vec<_> = jobs.iter().map(Job::token).collect();
    let rows = json(&tokens)?;
    let mut tx = db.begin().await?;
    leases::mark_attempting(&mut tx, &rows, now).await?;
    let marked = leases::attempting(&mut tx, &rows).await?;
    if marked.len() < jobs.len() {
        leases::settle_unmarked(&mut tx, &rows, now).await?;
    }
    let mut outcomes = Vec::with_capacity(marked.len());
    for job in jobs.iter().filter(|job| marked.contains(&job.row.id)) {
        let (state, reply) = match job.build(base_url, now) {
            Ok(built) => {
                insert(&mut tx, job, &built.bytes, built.to.as_str(), now).await?;
                ("accepted", "kept in the outbox".to_owned())
            }
            Err(why) => ("failed", why),
        };
        let (id, epoch) = (job.row.id, job.row.epoch);
        outcomes.push(Settled {
            id,
            epoch,
            state,
            code: None,
            reply: Some(reply),
            next_at: None,
            refund: 0,
        });
    }
    if !outcomes.is_empty() {
        settle::settle(&mut tx, &json(&outcomes)?, now).await?;
    }
    tx.commit().await
}

async fn insert(tx: &mut Tx, job: &Job, bytes: &[u8], to: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    let source = String::from_utf8_lossy(bytes).into_owned();
    on_tx!(tx, |conn| sqlx::query(
        "insert into outbox (store_id, message_id, recipient, subject, source, accepted_at)
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing"
    )
    .bind(job.row.store_id)
    .bind(job.row.id)
    .bind(to)
    .bind(job.subject())
    .bind(source)
    .bind(now)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}
