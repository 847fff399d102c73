//! What may happen to a campaign, and in which transaction.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{
    draft::Draft,
    draft_queries::{self as writing, By, Due},
    model::{CampaignForm, CampaignStatus, Intent, is_complete},
    queries::{self, Campaign, UNTITLED},
};
use crate::{audit, context::ctx::Ctx, db::Tx, error::AppError, stores::model::Store, templates, time};

/// What was typed, kept.
#[derive(Clone, Debug)]
pub struct Kept {
    pub id: i64,
    pub version: i64,
    /// Somebody else changed the campaign meanwhile, so this is a draft of its own.
    pub is_copy: bool,
    /// It was scheduled and is a draft now, because what would go out was changed.
    pub unscheduled: bool,
    pub draft: Draft,
}

/// The place of a campaign in the schedule once its form is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The one it has, as long as the very same message would go out; none otherwise.
    AsItWas,
    /// None: a draft.
    Off,
    At(DateTime<Utc>),
}

impl Place {
    fn due(self) -> Due {
        match self {
            Place::At(at) => Some(at),
            Place::AsItWas | Place::Off => None,
        }
    }
}

pub(crate) fn by(ctx: &Ctx) -> By<'_> {
    By {
        store: ctx.store(),
        name: &ctx.actor.name,
        now: ctx.now,
    }
}

/// The name of a draft that was given none.
pub(crate) async fn untitled(ctx: &Ctx) -> Result<String, AppError> {
    let zone = ctx.shop().await?.zone();
    let day = ctx.now.with_timezone(&zone).format("%-d %b").to_string();
    Ok(format!("{UNTITLED}, {day} {}", time::clock(ctx.now, zone)))
}

/// The form as it is kept: with its template if that is the store's, and with "Use template" in
/// the template's words.
pub(crate) async fn draft_of(ctx: &Ctx, form: &CampaignForm, intent: Intent) -> Result<Draft, AppError> {
    let mut draft = Draft::of(form, ctx.shop().await?, ctx.now);
    let template = match draft.template_id {
        Some(id) => templates::queries::find(ctx.db(), ctx.store(), id).await?,
        None => None,
    };
    draft.template_id = template.as_ref().map(|template| template.id);
    if let Some(template) = template.filter(|_| intent == Intent::UseTemplate) {
        draft.subject = template.subject;
        draft.body = template.body;
    }
    Ok(draft)
}

/// Keeps what was typed, whatever it is: nothing of it is judged.
pub async fn save(ctx: &Ctx, form: &CampaignForm, draft: Draft, place: Place) -> Result<Kept, AppError> {
    let shop = ctx.shop().await?;
    let Some(id) = form.campaign_id() else {
        return keep_new(ctx, shop, form, draft, place.due()).await;
    };
    let before = queries::find(ctx.db(), ctx.store(), id)
        .await?
        .ok_or(AppError::NotFound)?;
    if !before.status.is_editable() {
        if !draft.says_the_same_as(&before) {
            keep_apart(ctx, &before, &draft).await?;
        }
        return Err(AppError::Locked { campaign: id });
    }
    let version = form.version.trim().parse().unwrap_or(before.version);
    // What was scheduled stays so as long as the very same message would go out.
    let stays =
        before.status == CampaignStatus::Scheduled && place == Place::AsItWas && draft.says_the_same_as(&before);
    let due_now = if stays { before.scheduled_at } else { place.due() };
    let mut tx = ctx.db().begin().await?;
    if !writing::update(&mut tx, by(ctx), id, version, &draft, due_now).await? {
        drop(tx);
        return lost_race(ctx, id, draft).await;
    }
    note_edit(&mut tx, ctx, shop, &before, &draft, due_now).await?;
    tx.commit().await?;
    let unscheduled = before.status == CampaignStatus::Scheduled && due_now.is_none() && place == Place::AsItWas;
    Ok(Kept {
        id,
        version: version + 1,
        is_copy: false,
        unscheduled,
        draft,
    })
}

/// Somebody was faster: what was typed becomes a draft of its own, so that neither is lost.
async fn lost_race(ctx: &Ctx, id: i64, draft: Draft) -> Result<Kept, AppError> {
    let now = queries::find(ctx.db(), ctx.store(), id)
        .await?
        .ok_or(AppError::NotFound)?;
    let is_record = !now.status.is_editable();
    if is_record && draft.says_the_same_as(&now) {
        return Err(AppError::Locked { campaign: id });
    }
    let copy = keep_apart(ctx, &now, &draft).await?;
    if is_record {
        return Err(AppError::Locked { campaign: id });
    }
    Ok(Kept {
        id: copy,
        version: 1,
        is_copy: true,
        unscheduled: false,
        draft,
    })
}

/// The name of a draft that keeps what could not go into the campaign itself.
pub fn kept_apart_name(campaign: &str) -> String {
    format!("{campaign} (your changes)")
}

async fn keep_apart(ctx: &Ctx, campaign: &Campaign, draft: &Draft) -> Result<i64, AppError> {
    let draft = Draft {
        name: kept_apart_name(campaign.title()),
        ..draft.clone()
    };
    let mut tx = ctx.db().begin().await?;
    let id = writing::insert(&mut tx, by(ctx), &draft, None, None)
        .await?
        .ok_or(AppError::Conflict)?;
    let words = format!("Kept changes to “{}” as a draft of their own", campaign.title());
    note(&mut tx, ctx, "campaign.kept_apart", id, words, None, None).await?;
    tx.commit().await?;
    Ok(id)
}

async fn keep_new(ctx: &Ctx, shop: &Store, form: &CampaignForm, draft: Draft, due: Due) -> Result<Kept, AppError> {
    let token = Some(form.send_token.trim()).filter(|t| !t.is_empty());
    if let Some(id) = create(ctx, shop, &draft, due, token).await? {
        return Ok(as_kept(id, 1, draft));
    }
    // This form has been saved before. A second click says the same: it is the same campaign.
    let first = match token {
        Some(token) => writing::by_form_token(ctx.db(), ctx.store(), token).await?,
        None => None,
    };
    let first = match first {
        Some(id) => queries::find(ctx.db(), ctx.store(), id).await?,
        None => None,
    };
    if let Some(first) = first.filter(|f| draft.says_the_same_as(f)) {
        return Ok(as_kept(first.id, first.version, draft));
    }
    let id = create(ctx, shop, &draft, due, None).await?.ok_or(AppError::Conflict)?;
    Ok(as_kept(id, 1, draft))
}

fn as_kept(id: i64, version: i64, draft: Draft) -> Kept {
    Kept {
        id,
        version,
        is_copy: false,
        unscheduled: false,
        draft,
    }
}

/// A new campaign; nothing when this form has made one before.
async fn create(
    ctx: &Ctx,
    shop: &Store,
    draft: &Draft,
    due: Due,
    form_token: Option<&str>,
) -> Result<Option<i64>, AppError> {
    let mut tx = ctx.db().begin().await?;
    let Some(id) = writing::insert(&mut tx, by(ctx), draft, due, form_token).await? else {
        return Ok(None);
    };
    let (words, after) = (format!("Created “{}”", title(&draft.name)), Some(facts(draft, due)));
    note(&mut tx, ctx, "campaign.created", id, words, None, after).await?;
    note_first_plan(&mut tx, ctx, shop, id, draft, due).await?;
    tx.commit().await?;
    Ok(Some(id))
}

/// Takes a campaign off the schedule.
pub async fn unschedule(ctx: &Ctx, id: i64) -> Result<(), AppError> {
    let campaign = queries::find(ctx.db(), ctx.store(), id)
        .await?
        .ok_or(AppError::NotFound)?;
    let mut tx = ctx.db().begin().await?;
    if !writing::unschedule(&mut tx, by(ctx), id).await? {
        drop(tx);
        let now = queries::find(ctx.db(), ctx.store(), id)
            .await?
            .ok_or(AppError::NotFound)?;
        // A draft already is what was asked for.
        return if now.status.is_editable() {
            Ok(())
        } else {
            Err(AppError::Locked { campaign: id })
        };
    }
    let words = format!("Took “{}” off the schedule", campaign.title());
    let before = json!({ "scheduled_at": campaign.scheduled_at });
    note(&mut tx, ctx, "campaign.unscheduled", id, words, Some(before), None).await?;
    tx.commit().await?;
    Ok(())
}

/// Copies recipients, subject, body, fallbacks and template into a fresh draft, whatever the
/// status. No schedule, no numbers.
pub async fn duplicate(ctx: &Ctx, id: i64) -> Result<i64, AppError> {
    let original = queries::find(ctx.db(), ctx.store(), id)
        .await?
        .ok_or(AppError::NotFound)?;
    let draft = Draft::copied_from(&original, format!("Copy of {}", original.title()));
    let mut tx = ctx.db().begin().await?;
    let copy = writing::insert(&mut tx, by(ctx), &draft, None, None)
        .await?
        .ok_or(AppError::Conflict)?;
    let words = format!("Copied “{}” into “{}”", original.title(), draft.name);
    note(
        &mut tx,
        ctx,
        "campaign.duplicated",
        copy,
        words,
        None,
        Some(json!({ "of": id })),
    )
    .await?;
    tx.commit().await?;
    Ok(copy)
}

/// Removes a campaign that is not being sent. What each customer received stays.
pub async fn delete(ctx: &Ctx, id: i64) -> Result<(), AppError> {
    let campaign = queries::find(ctx.db(), ctx.store(), id)
        .await?
        .ok_or(AppError::NotFound)?;
    let mut tx = ctx.db().begin().await?;
    if !writing::delete(&mut tx, ctx.store(), id).await? {
        drop(tx);
        return Err(match queries::find(ctx.db(), ctx.store(), id).await? {
            Some(_) => AppError::Refused {
                words: "It is being sent. Wait until it has finished, then delete it.".to_owned(),
                back_to: Some(format!("/marketing/campaigns/{id}")),
            },
            None => AppError::NotFound,
        });
    }
    let words = format!("Deleted “{}”", campaign.title());
    let before = json!({ "name": campaign.name, "subject": campaign.subject, "status": campaign.status });
    note(&mut tx, ctx, "campaign.deleted", id, words, Some(before), None).await?;
    tx.commit().await?;
    Ok(())
}

fn title(name: &str) -> &str {
    if name.is_empty() { UNTITLED } else { name }
}

/// What the log keeps of a draft: never the body.
pub(crate) fn facts(draft: &Draft, due: Due) -> serde_json::Value {
    json!({
        "name": draft.name,
        "subject": draft.subject,
        "recipients": draft.filter.as_ref().filter(|f| is_complete(f)),
        "scheduled_at": due,
    })
}

/// `Scheduled “Trunk show” for Sat 5 Dec 2026, 9:00 am AEDT`, or moved from one time to another.
pub(crate) fn scheduled_words(name: &str, was: Due, due: Due, zone: chrono_tz::Tz) -> String {
    let name = title(name);
    let at = |due: Due| due.map(|at| time::absolute(at, zone)).unwrap_or_default();
    match was {
        Some(_) => format!("Moved “{name}” from {} to {}", at(was), at(due)),
        None => format!("Scheduled “{name}” for {}", at(due)),
    }
}

/// A campaign that is scheduled as it is created has both lines in its history.
async fn note_first_plan(tx: &mut Tx, ctx: &Ctx, shop: &Store, id: i64, draft: &Draft, due: Due) -> sqlx::Result<()> {
    if due.is_none() {
        return Ok(());
    }
    let words = scheduled_words(&draft.name, None, due, shop.zone());
    let after = Some(facts(draft, due));
    note(tx, ctx, "campaign.scheduled", id, words, None, after).await
}

async fn note_edit(
    tx: &mut Tx,
    ctx: &Ctx,
    shop: &Store,
    before: &Campaign,
    draft: &Draft,
    due: Due,
) -> sqlx::Result<()> {
    let old = Draft::copied_from(before, before.name.clone());
    let (was, is) = (facts(&old, before.scheduled_at), facts(draft, due));
    let body_changed = old.body != draft.body;
    if was == is && !body_changed {
        return Ok(());
    }
    let (action, words) = match (before.scheduled_at, due) {
        (old, Some(new)) if old != Some(new) => {
            let words = scheduled_words(&draft.name, old, due, shop.zone());
            ("campaign.scheduled", words)
        }
        _ => ("campaign.edited", format!("Edited “{}”", title(&draft.name))),
    };
    let mut after = is;
    if body_changed {
        after["body"] = json!("changed");
    }
    note(tx, ctx, action, before.id, words, Some(was), Some(after)).await
}

pub(crate) async fn note(
    tx: &mut Tx,
    ctx: &Ctx,
    action: &'static str,
    campaign: i64,
    summary: String,
    before: Option<serde_json::Value>,
    after: Option<serde_json::Value>,
) -> sqlx::Result<()> {
    let entry = audit::Entry {
        actor: &ctx.actor.name,
        action,
        subject: "campaign",
        subject_id: Some(campaign),
        summary,
        before,
        after,
    };
    audit::record(tx, ctx.store(), entry, ctx.now).await
}
