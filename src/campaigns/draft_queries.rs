//! Changing campaigns in the database. Every change is guarded by the status, and by the version
//! where somebody saw one; the row count is the answer.

use chrono::{DateTime, Utc};

use super::{draft::Draft, model::CampaignStatus, queries::search_key};
use crate::{
    db::{Db, Tx},
    ids::StoreId,
    on_db, on_tx,
    recipients::model::Earlier,
};

/// Who changes something, and when.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    pub store: StoreId,
    pub name: &'a str,
    pub now: DateTime<Utc>,
}

/// When it is to go: a time makes it `scheduled`, none a `draft`.
pub type Due = Option<DateTime<Utc>>;

fn status_of(due: Due) -> CampaignStatus {
    if due.is_some() {
        CampaignStatus::Scheduled
    } else {
        CampaignStatus::Draft
    }
}

struct Texts {
    search_key: String,
    fallbacks: String,
    filter: Option<String>,
}

fn texts(draft: &Draft) -> sqlx::Result<Texts> {
    let json = |e: serde_json::Error| sqlx::Error::Encode(Box::new(e));
    Ok(Texts {
        search_key: search_key(&draft.name, &draft.subject),
        fallbacks: serde_json::to_string(&draft.fallbacks).map_err(json)?,
        filter: draft
            .filter
            .as_ref()
            .map(serde_json::to_string)
            .transpose()
            .map_err(json)?,
    })
}

/// Adds a campaign; nothing when this form has added one before.
pub async fn insert(
    tx: &mut Tx,
    by: By<'_>,
    draft: &Draft,
    due: Due,
    form_token: Option<&str>,
) -> sqlx::Result<Option<i64>> {
    let texts = texts(draft)?;
    on_tx!(tx, |conn| sqlx::query_scalar(
        "insert into campaigns (store_id, name, search_key, subject, body, fallbacks, template_id, filter, status,
                                scheduled_local, scheduled_zone, scheduled_at, shown_count, shown_at, skip_already,
                                created_by, created_at, updated_by, updated_at, form_token)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $16, $17, $18)
         on conflict do nothing returning id"
    )
    .bind(by.store)
    .bind(&draft.name)
    .bind(&texts.search_key)
    .bind(&draft.subject)
    .bind(&draft.body)
    .bind(&texts.fallbacks)
    .bind(draft.template_id)
    .bind(&texts.filter)
    .bind(status_of(due))
    .bind(&draft.scheduled_local)
    .bind(&draft.scheduled_zone)
    .bind(due)
    .bind(draft.shown_count)
    .bind(draft.shown_at)
    .bind(draft.skip_already)
    .bind(by.name)
    .bind(by.now)
    .bind(form_token)
    .fetch_optional(&mut *conn)
    .await)
}

/// The campaign a form has added before.
pub async fn by_form_token(db: &Db, store: StoreId, form_token: &str) -> sqlx::Result<Option<i64>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select id from campaigns where store_id = $1 and form_token = $2"
    )
    .bind(store)
    .bind(form_token)
    .fetch_optional(pool)
    .await)
}

/// Writes over a draft or a scheduled campaign that is still at this version; false when it is
/// not, or is a record by now.
pub async fn update(tx: &mut Tx, by: By<'_>, id: i64, version: i64, draft: &Draft, due: Due) -> sqlx::Result<bool> {
    let texts = texts(draft)?;
    let changed = on_tx!(tx, |conn| sqlx::query(
        "update campaigns
            set name = $4, search_key = $5, subject = $6, body = $7, fallbacks = $8, template_id = $9, filter = $10,
                status = $11, scheduled_local = $12, scheduled_zone = $13, scheduled_at = $14, shown_count = $15,
                shown_at = $16, skip_already = $17, updated_by = $18, updated_at = $19, problem = null, hold = null,
                version = version + 1
          where store_id = $1 and id = $2 and version = $3 and status in ('draft', 'scheduled')"
    )
    .bind(by.store)
    .bind(id)
    .bind(version)
    .bind(&draft.name)
    .bind(&texts.search_key)
    .bind(&draft.subject)
    .bind(&draft.body)
    .bind(&texts.fallbacks)
    .bind(draft.template_id)
    .bind(&texts.filter)
    .bind(status_of(due))
    .bind(&draft.scheduled_local)
    .bind(&draft.scheduled_zone)
    .bind(due)
    .bind(draft.shown_count)
    .bind(draft.shown_at)
    .bind(draft.skip_already)
    .bind(by.name)
    .bind(by.now)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected()))?;
    Ok(changed == 1)
}

/// Takes a campaign off the schedule; its planned time stays for the form. False when it was not
/// scheduled.
pub async fn unschedule(tx: &mut Tx, by: By<'_>, id: i64) -> sqlx::Result<bool> {
    let changed = on_tx!(tx, |conn| {
        sqlx::query(
        "update campaigns set status = 'draft', scheduled_at = null, hold = null, problem = null, updated_by = $3, updated_at = $4,
                version = version + 1
          where store_id = $1 and id = $2 and status = 'scheduled'"
    )
    .bind(by.store)
    .bind(id)
    .bind(by.name)
    .bind(by.now)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected())
    })?;
    Ok(changed == 1)
}

/// Removes a campaign unless it is being sent. Its sends and their messages stay, without it.
pub async fn delete(tx: &mut Tx, store: StoreId, id: i64) -> sqlx::Result<bool> {
    let changed = on_tx!(tx, |conn| sqlx::query(
        "delete from campaigns where store_id = $1 and id = $2 and status <> 'sending'"
    )
    .bind(store)
    .bind(id)
    .execute(&mut *conn)
    .await
    .map(|r| r.rows_affected()))?;
    Ok(changed == 1)
}

/// The newest draft of this name that this person made since a moment: where their changes were
/// kept when the campaign itself could not take them.
pub async fn kept_copy(db: &Db, by: By<'_>, name: &str) -> sqlx::Result<Option<i64>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select max(id) from campaigns
          where store_id = $1 and name = $2 and created_by = $3 and created_at >= $4 and status = 'draft'"
    )
    .bind(by.store)
    .bind(name)
    .bind(by.name)
    .bind(by.now)
    .fetch_one(pool)
    .await)
}

/// How many customers earlier sends of a campaign reached, or may have.
pub async fn already_got(db: &Db, store: StoreId, earlier: Earlier) -> sqlx::Result<i64> {
    let (campaign, send) = earlier.ids();
    on_db!(db, |pool| {
        sqlx::query_scalar(
        "select count(distinct m.customer_id) from messages m join sends s on s.id = m.send_id
          where s.store_id = $1 and (s.campaign_id = $2 or s.id = $3 or s.of_send = $3) and m.state in ('accepted', 'unconfirmed', 'attempting')"
    )
    .bind(store)
    .bind(campaign)
    .bind(send)
    .fetch_one(pool)
    .await
    })
}

/// Every tag of the book, by name.
pub async fn tags(db: &Db, store: StoreId) -> sqlx::Result<Vec<String>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select distinct tag from customer_tags where store_id = $1 order by tag"
    )
    .bind(store)
    .fetch_all(pool)
    .await)
}

/// What a person left in a one-shot form: JSON.
pub async fn scratch(db: &Db, user: i64) -> sqlx::Result<Option<String>> {
    on_db!(db, |pool| sqlx::query_scalar(
        "select form from scratches where user_id = $1"
    )
    .bind(user)
    .fetch_optional(pool)
    .await)
}

/// Keeps what a person typed into a one-shot form.
pub async fn keep_scratch(tx: &mut Tx, user: i64, form: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query(
        "insert into scratches (user_id, form, updated_at) values ($1, $2, $3)
         on conflict (user_id) do update set form = excluded.form, updated_at = excluded.updated_at"
    )
    .bind(user)
    .bind(form)
    .bind(now)
    .execute(&mut *conn)
    .await
    .map(|_| ()))
}

/// Empties a person's one-shot form.
pub async fn clear_scratch(tx: &mut Tx, user: i64) -> sqlx::Result<()> {
    on_tx!(tx, |conn| sqlx::query("delete from scratches where user_id = $1")
        .bind(user)
        .execute(&mut *conn)
        .await
        .map(|_| ()))
}
