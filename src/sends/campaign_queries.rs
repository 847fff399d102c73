//! A campaign's side of a send: claimed by it, given back, sent.

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;

use crate::{
    db::{Db, Tx, dialect::row_lock},
    ids::StoreId,
    on_db, on_tx,
};

/// A campaign as the claim finds it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Claimed {
    pub id: i64,
    pub name: String,
    pub subject: String,
    pub body: String,
    pub fallbacks: String,
    pub filter: Option<String>,
}

/// Whether a campaign has messages on the wire, as a condition.
macro_rules! on_the_wire {
    () => {
        "exists (select 1 from messages m join sends s on s.id = +m.send_id
                  where s.campaign_id = campaigns.id and m.lease_until is not null)"
    };
}

/// Claims a campaign for sending: one statement, so that of two claims one finds nothing. With a
/// version only that one: what somebody wrote since has not been agreed to.
/// Not while an earlier send of it has messages on the wire: until they are settled nobody knows
/// whether those people have it, and leaving them out could lose them.
pub async fn claim_campaign(
    tx: &mut Tx,
    store: StoreId,
    campaign: i64,
    version: Option<i64>,
    by: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Claimed>> {
    on_tx!(tx, |conn| sqlx::query_as(concat!(
        "update campaigns
            set status = 'sending', version = version + 1, scheduled_at = null, hold = null, problem = null,
                updated_by = $3, updated_at = $4
          where store_id = $1 and id = $2 and status in ('draft', 'scheduled') and ($5 is null or version = $5)
            and not ",
        on_the_wire!(),
        " returning id, name, subject, body, fallbacks, filter"
    ))
    .bind(store)
    .bind(campaign)
    .bind(by)
    .bind(now)
    .bind(version)
    .fetch_optional(&mut *conn)
    .await)
}

/// Whether a campaign could be sent, but not as it was in this version.
pub async fn is_another_version(db: &Db, store: StoreId, campaign: i64, version: i64) -> sqlx::Result<bool> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select exists (select 1 from campaigns
                         where store_id = $1 and id = $2 and version <> $3 and status in ('draft', 'scheduled'))"
    )
    .bind(store)
    .bind(campaign)
    .bind(version)
    .fetch_one(pool)
    .await)
}

/// Whether an earlier send of this campaign still has messages on the wire.
pub async fn is_on_the_wire(db: &Db, store: StoreId, campaign: i64) -> sqlx::Result<bool> {
    on_db!(db, |pool| sqlx::query_scalar(concat!(
        "select exists (select 1 from campaigns where store_id = $1 and id = $2 and ",
        on_the_wire!(),
        ")"
    ))
    .bind(store)
    .bind(campaign)
    .fetch_one(pool)
    .await)
}

/// [`claim_campaign`] for one that is due: only while it is still scheduled for that very moment
/// and nothing holds it back. Whoever took it off the schedule, moved it or sent it was faster.
pub async fn claim_due(
    tx: &mut Tx,
    store: StoreId,
    campaign: i64,
    scheduled_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Claimed>> {
    on_tx!(tx, |conn| sqlx::query_as(concat!(
        "update campaigns
            set status = 'sending', version = version + 1, scheduled_at = null, problem = null, updated_at = $4
          where store_id = $1 and id = $2 and status = 'scheduled' and scheduled_at = $3 and hold is null
            and not ",
        on_the_wire!(),
        " returning id, name, subject, body, fallbacks, filter"
    ))
    .bind(store)
    .bind(campaign)
    .bind(scheduled_at)
    .bind(now)
    .fetch_optional(&mut *conn)
    .await)
}

/// Gives a claimed campaign back as a draft, with the reason.
pub async fn campaign_to_draft(
    tx: &mut Tx,
    campaign: i64,
    problem: Option<&str>,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let changed = on_tx!(tx, |conn| {
        sqlx::query(
        "update campaigns set status = 'draft', scheduled_at = null, version = version + 1, problem = $2, updated_at = $3
          where id = $1 and status = 'sending'"
    )
    .bind(campaign)
    .bind(problem)
    .bind(now)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected())
    })?;
    Ok(changed == 1)
}

/// Marks a campaign whose claim found nobody: a draft again, its planned time kept for the form.
/// With `scheduled_at` only while it is still planned for then. False when it changed meanwhile.
pub async fn campaign_without_recipients(
    tx: &mut Tx,
    store: StoreId,
    campaign: i64,
    scheduled_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let changed = on_tx!(tx, |conn| sqlx::query(
        "update campaigns set status = 'draft', scheduled_at = null, hold = null, version = version + 1,
                problem = 'no_recipients', updated_at = $3
          where store_id = $1 and id = $2 and status in ('draft', 'scheduled') and ($4 is null or scheduled_at = $4)"
    )
    .bind(store)
    .bind(campaign)
    .bind(now)
    .bind(scheduled_at)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected()))?;
    Ok(changed == 1)
}

/// Marks a campaign as sent, with the numbers of its messages.
pub async fn campaign_to_sent(
    tx: &mut Tx,
    campaign: i64,
    sent: i64,
    failed: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let changed = on_tx!(tx, |conn| {
        sqlx::query(
        "update campaigns set status = 'sent', sent_at = $4, sent_count = $2, failed_count = $3, version = version + 1,
                problem = null, updated_at = $4
          where id = $1 and status = 'sending'"
    )
    .bind(campaign)
    .bind(sent)
    .bind(failed)
    .bind(now)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected())
    })?;
    Ok(changed == 1)
}

/// The campaign that a send was a go of, if it is sent.
pub async fn sent_by(tx: &mut Tx, send: i64) -> sqlx::Result<Option<i64>> {
    on_tx!(tx, |conn| sqlx::query_scalar(
        "select c.id from sends s join campaigns c on c.id = s.campaign_id where s.id = $1 and c.status = 'sent'"
    )
    .bind(send)
    .fetch_optional(&mut *conn)
    .await)
}

/// Makes a campaign this transaction's until its end: two of its goes that get late answers at once
/// are counted one after the other.
pub async fn lock(tx: &mut Tx, campaign: i64) -> sqlx::Result<()> {
    let sql = format!(
        "select id from campaigns where id = $1 {}",
        row_lock(tx.backend(), "for update")
    );
    on_tx!(tx, |conn| sqlx::query(AssertSqlSafe(sql))
        .bind(campaign)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}

/// Writes the numbers of its rows on a campaign that is sent.
pub async fn write_numbers(tx: &mut Tx, campaign: i64, sent: i64, failed: i64) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "update campaigns set sent_count = $2, failed_count = $3 where id = $1 and status = 'sent'"
    )
    .bind(campaign)
    .bind(sent)
    .bind(failed)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}

/// Makes a send without a campaign, and its further tries, earlier sends of this campaign. None of
/// them while one is still open, or when they are another campaign's by now. Answers how many.
pub async fn take_over(tx: &mut Tx, store: StoreId, first: i64, campaign: i64) -> sqlx::Result<u64> {
    on_tx!(tx, |conn| sqlx::query(
        "update sends set campaign_id = $3
          where store_id = $1 and kind = 'bulk' and campaign_id is null and (id = $2 or of_send = $2)
            and not exists (select 1 from sends o
                             where o.store_id = $1 and (o.id = $2 or o.of_send = $2)
                               and (o.state in ('holding', 'sending') or o.campaign_id is not null))"
    )
    .bind(store)
    .bind(first)
    .bind(campaign)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected()))
}
