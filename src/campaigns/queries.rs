//! Campaigns in the database: one campaign, and the list of them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{
    list::{CampaignCard, ListQuery, Outcome},
    model::CampaignStatus,
};
use crate::{
    db::{Db, search::containing},
    ids::StoreId,
    messages::goes::{self, Go},
    on_db,
    recipients::model::RecipientFilter,
    segments,
    sends::drift::is_large,
};

/// A campaign as staff wrote it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Campaign {
    pub id: i64,
    pub name: String,
    pub subject: String,
    pub body: String,
    /// JSON: what a blank field reads instead, by the field's key.
    pub fallbacks: String,
    pub template_id: Option<i64>,
    /// JSON of a [`RecipientFilter`]; nothing while nobody has been chosen.
    pub filter: Option<String>,
    pub status: CampaignStatus,
    /// Goes up with every change, so that a page notices somebody else's.
    pub version: i64,
    /// The planned wall-clock time as typed, `2026-05-02T09:00`; may be unfinished on a draft.
    pub scheduled_local: Option<String>,
    pub scheduled_zone: Option<String>,
    /// When it is due; only while `scheduled`.
    pub scheduled_at: Option<DateTime<Utc>>,
    /// `missed` or `refused`: it was due and waits for a person; the words are in `problem`.
    pub hold: Option<String>,
    pub shown_count: Option<i64>,
    pub shown_at: Option<DateTime<Utc>>,
    /// Leave out whoever an earlier send of this campaign reached.
    pub skip_already: bool,
    /// Why the last attempt came back: `no_recipients`, or words.
    pub problem: Option<String>,
    pub created_by: String,
    pub created_at: DateTime<Utc>,
    pub updated_by: String,
    pub updated_at: DateTime<Utc>,
    pub sent_at: Option<DateTime<Utc>>,
    pub sent_count: Option<i64>,
    pub failed_count: Option<i64>,
}

impl Campaign {
    /// Who it is for, once somebody has been chosen.
    pub fn recipients(&self) -> Option<RecipientFilter> {
        self.filter.as_deref().and_then(|json| serde_json::from_str(json).ok())
    }

    /// What it is called; a draft may have no name yet.
    pub fn title(&self) -> &str {
        match self.name.trim() {
            "" => UNTITLED,
            name => name,
        }
    }
}

/// What a campaign without a name is called.
pub const UNTITLED: &str = "Untitled campaign";

/// One campaign of the store.
pub async fn find(db: &Db, store: StoreId, id: i64) -> sqlx::Result<Option<Campaign>> {
    on_db!(db, |pool| {
        sqlx::query_as(
        "select id, name, subject, body, fallbacks, template_id, filter, status, version, scheduled_local,
                scheduled_zone, scheduled_at, hold, shown_count, shown_at, skip_already, problem, created_by, created_at,
                updated_by, updated_at, sent_at, sent_count, failed_count
           from campaigns where store_id = $1 and id = $2"
    )
    .bind(store)
    .bind(id)
    .fetch_optional(pool)
    .await
    })
}

/// Campaigns on one page of the list.
pub const PER_PAGE: i64 = 25;

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    name: String,
    subject: String,
    status: CampaignStatus,
    filter: Option<String>,
    shown_count: Option<i64>,
    scheduled_at: Option<DateTime<Utc>>,
    problem: Option<String>,
    updated_by: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    sent_at: Option<DateTime<Utc>>,
    send_id: Option<i64>,
    started_at: Option<DateTime<Utc>>,
    /// How many were shown when it was planned, for what went out by itself.
    shown_before: Option<i64>,
}

/// One page of the list, those being sent first, then those whose time has passed, then the newest activity first; and how many
/// there are in all.
pub async fn list(
    db: &Db,
    store: StoreId,
    query: &ListQuery,
    now: DateTime<Utc>,
) -> sqlx::Result<(Vec<CampaignCard>, i64)> {
    let search = containing(&query.q.to_lowercase());
    let status = query.status.map(CampaignStatus::key);
    let total: i64 = on_db!(db, |pool| sqlx::query_scalar(
        "select count(*) from campaigns
          where store_id = $1 and search_key like $2 escape '!' and ($3 is null or status = $3)
            and ($4 is null or sent_at >= $4) and ($5 is null or sent_at < $5)"
    )
    .bind(store)
    .bind(&search)
    .bind(status)
    .bind(query.sent_from)
    .bind(query.sent_before)
    .fetch_one(pool)
    .await)?;
    let rows: Vec<Row> = on_db!(db, |pool| {
        sqlx::query_as(
        "select c.id, c.name, c.subject, c.status, c.filter, c.shown_count, c.scheduled_at, c.problem, c.updated_by,
                c.created_at, c.updated_at, c.sent_at, s.id as send_id, s.started_at,
                case when s.scheduled_at is not null then coalesce(a.will_send, s.shown_count) end as shown_before
           from campaigns c
           left join sends s on s.id = (select max(id) from sends where campaign_id = c.id)
           left join audience_snapshots a on a.store_id = s.store_id and a.token = s.token
          where c.store_id = $1 and c.search_key like $2 escape '!' and ($3 is null or c.status = $3)
            and ($4 is null or c.sent_at >= $4) and ($5 is null or c.sent_at < $5)
          order by case when c.status = 'sending' then 0 when c.scheduled_at < $8 then 1 else 2 end, c.updated_at desc,
                   c.id desc
          limit $6 offset $7"
    )
    .bind(store)
    .bind(&search)
    .bind(status)
    .bind(query.sent_from)
    .bind(query.sent_before)
    .bind(PER_PAGE)
    .bind((query.page.max(1) - 1).saturating_mul(PER_PAGE))
    .bind(now)
    .fetch_all(pool)
    .await
    })?;
    let campaigns: Vec<i64> = rows.iter().filter(|r| r.send_id.is_some()).map(|r| r.id).collect();
    let outcomes = outcomes(db, store, &campaigns, now).await?;
    let names: HashMap<i64, String> = segments::queries::all(db, store)
        .await?
        .into_iter()
        .map(|s| (s.id, s.name))
        .collect();
    let cards = rows.into_iter().map(|row| card(row, &outcomes, &names)).collect();
    Ok((cards, total))
}

fn card(row: Row, outcomes: &HashMap<i64, Outcome>, names: &HashMap<i64, String>) -> CampaignCard {
    let filter = row.filter.as_deref().and_then(|json| serde_json::from_str(json).ok());
    // A draft whose send was taken back has not reached anybody.
    let outcome = outcomes
        .get(&row.id)
        .copied()
        .filter(|o| !row.status.is_editable() || o.sent + o.failed > 0);
    let name = match row.name.trim() {
        "" => UNTITLED.to_owned(),
        name => name.to_owned(),
    };
    CampaignCard {
        id: row.id,
        name,
        subject: row.subject,
        status: row.status,
        audience: crate::recipients::words::audience_words(filter.as_ref(), names),
        customers: outcome.map(|o| o.customers).or(row.shown_count),
        outcome,
        created_at: row.created_at,
        updated_at: row.updated_at,
        updated_by: row.updated_by,
        scheduled_at: row.scheduled_at,
        started_at: row.started_at,
        sent_at: row.sent_at,
        problem: row.problem,
        has_drifted: !row.status.is_editable()
            && outcome
                .zip(row.shown_before)
                .is_some_and(|(outcome, shown)| is_large(shown, outcome.of_the_last)),
    }
}

/// What came of each campaign over all its goes.
async fn outcomes(
    db: &Db,
    store: StoreId,
    campaigns: &[i64],
    now: DateTime<Utc>,
) -> sqlx::Result<HashMap<i64, Outcome>> {
    let mut of_each: HashMap<i64, Vec<Go>> = HashMap::new();
    for (campaign, go) in goes::of_campaigns(db, store, campaigns).await? {
        of_each.entry(campaign).or_default().push(go);
    }
    let mut outcomes = HashMap::new();
    for (campaign, goes) in of_each {
        let tally = goes::total(db, campaign, &goes, now).await?;
        let last = goes.last().map(|go| go.tally).unwrap_or_default();
        outcomes.insert(
            campaign,
            Outcome {
                customers: tally.waiting + tally.settled(),
                sent: tally.sent,
                failed: tally.failed,
                of_the_last: last.waiting + last.settled(),
            },
        );
    }
    Ok(outcomes)
}

/// What the search of the list compares with.
pub fn search_key(name: &str, subject: &str) -> String {
    format!("{name}\n{subject}").to_lowercase()
}
