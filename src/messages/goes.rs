//! The numbers of a campaign that went out in several goes: everybody once, by the best that came of
//! it over all of them.
//!
//! A campaign of one go has the kept numbers of that. Of several nothing can be added up, because
//! most people are in each: their rows are read, one to three seconds for each million. Small campaigns are
//! counted whenever somebody looks. For large ones the numbers are kept beside the numbers of the goes
//! they were worked out from. An ended go only ever loses whoever waits or is unconfirmed, so that
//! its numbers are the same only while its rows are. While a go is under way, its campaign is
//! counted anew every half minute at most.

use chrono::{DateTime, Duration, Utc};
use sqlx::AssertSqlSafe;

use super::{model::Tally, tallies};
use crate::{
    db::{Backend, Db, Tx, dialect::by_index},
    ids::StoreId,
    on_db, on_tx,
    sends::model::SendState,
};

/// Campaigns with more rows than this keep their numbers.
const LARGE: i64 = 50_000;
/// So long the kept numbers do while a go is under way.
const FRESH: Duration = Duration::seconds(30);

/// One go: its send, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Go {
    pub send: i64,
    pub state: SendState,
    pub tally: Tally,
}

impl Go {
    /// Whether it counts as one: not what was taken back before anything went out.
    fn went(&self) -> bool {
        self.state != SendState::Cancelled || self.tally.audience() > 0
    }

    fn rows(&self) -> i64 {
        self.tally.audience() + self.tally.skipped + self.tally.cancelled + self.tally.already
    }
}

/// The better of two outcomes has the higher number; 4 is whoever still waits. Somebody whose address has
/// it already is left out for that only if no go has a reason of their own.
const RANK: &str = "case {m}.outcome when 'accepted' then 6 when 'unconfirmed' then 5 when 'rejected' then 3 \
                    when 'failed' then 3 \
                    when 'skipped' then case {m}.skip_reason when 'already_received' then 1 else 2 end \
                    when 'cancelled' then 0 else 4 end";

fn rank(of: &str) -> String {
    RANK.replace("{m}", of)
}

/// That a row of `m` is the best of its person over these sends, the newest of equal ones. Nothing to
/// say of one send.
pub(crate) fn is_best(sends: &[String]) -> String {
    if sends.len() < 2 {
        return String::new();
    }
    format!(
        "and not exists (select 1 from messages b
                          where b.customer_id = m.customer_id and b.send_id in ({sends}) and b.id <> m.id
                            and ({of_b} > {of_m} or ({of_b} = {of_m} and b.id > m.id)))",
        sends = sends.join(", "),
        of_b = rank("b"),
        of_m = rank("m"),
    )
}

/// The goes of a campaign, oldest first.
pub async fn of_campaign(db: &Db, store: StoreId, campaign: i64) -> sqlx::Result<Vec<Go>> {
    let goes = of_campaigns(db, store, &[campaign]).await?;
    Ok(goes.into_iter().map(|(_, go)| go).collect())
}

/// The goes of these campaigns, each with its campaign, oldest first.
pub async fn of_campaigns(db: &Db, store: StoreId, campaigns: &[i64]) -> sqlx::Result<Vec<(i64, Go)>> {
    let sends = tallies::sends_of(db, store, campaigns).await?;
    let ids: Vec<i64> = sends.iter().map(|(send, ..)| *send).collect();
    let numbers = tallies::of_sends(db, store, &ids).await?;
    Ok(sends
        .into_iter()
        .filter_map(|(send, campaign, state)| {
            let at = numbers.binary_search_by_key(&send, |(id, _)| *id).ok()?;
            let tally = numbers.get(at)?.1;
            Some((campaign, Go { send, state, tally }))
        })
        .filter(|(_, go)| go.went())
        .collect())
}

/// The numbers of a campaign from those of its goes.
pub async fn total(db: &Db, campaign: i64, goes: &[Go], now: DateTime<Utc>) -> sqlx::Result<Tally> {
    total_kept_from(db, campaign, goes, now, LARGE).await
}

/// The same, where campaigns with more rows than `large` keep their numbers.
pub async fn total_kept_from(
    db: &Db,
    campaign: i64,
    goes: &[Go],
    now: DateTime<Utc>,
    large: i64,
) -> sqlx::Result<Tally> {
    if let [] | [_] = goes {
        return Ok(goes.first().map(|go| go.tally).unwrap_or_default());
    }
    let sends: Vec<i64> = goes.iter().map(|go| go.send).collect();
    let sql = counting(db.backend(), &sends);
    let count = async || -> sqlx::Result<Tally> {
        let rows: Vec<(i64, i64)> = on_db!(db, |pool| sqlx::query_as(AssertSqlSafe(sql.clone()))
            .fetch_all(pool)
            .await)?;
        Ok(added(&rows))
    };
    if goes.iter().map(Go::rows).sum::<i64>() <= large {
        return count().await;
    }
    let of = fingerprint(goes);
    let under_way = goes.iter().any(|go| go.state.is_open());
    if let Some(kept) = kept(db, campaign).await?
        && (kept.counted_of == of || (under_way && kept.counted_at > now - FRESH))
        && let Ok(tally) = serde_json::from_str(&kept.tally)
    {
        return Ok(tally);
    }
    let tally = count().await?;
    if let Err(error) = keep(db, campaign, &of, &tally, now).await {
        // The numbers are right; only the next one who looks waits for them as well.
        tracing::warn!(error = %error, campaign, "the numbers of a campaign could not be kept");
    }
    Ok(tally)
}

/// The numbers of a campaign within a transaction. The caller holds the campaign's row.
pub async fn total_in(tx: &mut Tx, campaign: i64) -> sqlx::Result<Tally> {
    let sends: Vec<(i64, SendState)> = on_tx!(tx, |conn| sqlx::query_as(
        "select id, state from sends where campaign_id = $1 order by id"
    )
    .bind(campaign)
    .fetch_all(&mut *conn)
    .await)?;
    let mut goes = Vec::new();
    for (send, state) in sends {
        let tally = tallies::of_send_in(tx, send).await?;
        goes.extend(Some(Go { send, state, tally }).filter(Go::went));
    }
    if let [] | [_] = goes.as_slice() {
        return Ok(goes.first().map(|go| go.tally).unwrap_or_default());
    }
    let sends: Vec<i64> = goes.iter().map(|go| go.send).collect();
    let sql = counting(tx.backend(), &sends);
    let rows: Vec<(i64, i64)> = on_tx!(tx, |conn| sqlx::query_as(AssertSqlSafe(sql))
        .fetch_all(&mut *conn)
        .await)?;
    Ok(added(&rows))
}

/// Everybody of these sends by the best that came of it. SQLite would go through the rows of all
/// sends in the order of their customers: it is told to read these.
fn counting(backend: Backend, sends: &[i64]) -> String {
    let sends: Vec<String> = sends.iter().map(i64::to_string).collect();
    format!(
        "select cast(best as bigint), count(*) from (
            select max({}) as best from messages m {} where m.send_id in ({}) group by m.customer_id) people
          group by best",
        rank("m"),
        by_index(backend, "messages_send"),
        sends.join(", ")
    )
}

fn added(rows: &[(i64, i64)]) -> Tally {
    let of = |rank: i64| rows.iter().filter(|(r, _)| *r == rank).map(|(_, people)| people).sum();
    Tally {
        sent: of(6),
        unconfirmed: of(5),
        waiting: of(4),
        failed: of(3),
        skipped: of(2),
        already: of(1),
        cancelled: of(0),
    }
}

fn fingerprint(goes: &[Go]) -> String {
    let lines: Vec<String> = goes
        .iter()
        .map(|go| {
            let t = go.tally;
            let numbers = [
                t.sent,
                t.failed,
                t.skipped,
                t.waiting,
                t.unconfirmed,
                t.cancelled,
                t.already,
            ];
            format!("{}:{:?}:{numbers:?}", go.send, go.state)
        })
        .collect();
    lines.join(" ")
}

#[derive(sqlx::FromRow)]
struct Kept {
    counted_of: String,
    counted_at: DateTime<Utc>,
    tally: String,
}

async fn kept(db: &Db, campaign: i64) -> sqlx::Result<Option<Kept>> {
    on_db!(db, |pool| sqlx::query_as(
        "select counted_of, counted_at, tally from campaign_tallies where campaign_id = $1"
    )
    .bind(campaign)
    .fetch_optional(pool)
    .await)
}

async fn keep(db: &Db, campaign: i64, of: &str, tally: &Tally, now: DateTime<Utc>) -> sqlx::Result<()> {
    let tally = serde_json::to_string(tally).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let mut tx = db.begin().await?;
    // Not of a campaign that somebody has deleted meanwhile.
    on_tx!(&mut tx, |conn| sqlx::query(
        "insert into campaign_tallies (campaign_id, counted_of, counted_at, tally)
         select id, $2, $3, $4 from campaigns where id = $1
         on conflict (campaign_id) do update
            set counted_of = excluded.counted_of, counted_at = excluded.counted_at, tally = excluded.tally"
    )
    .bind(campaign)
    .bind(of)
    .bind(now)
    .bind(&tally)
    .execute(&mut *conn)
    .await
    .map(|_| ()))?;
    tx.commit().await
}
