//! What may happen to a campaign, and in which transaction.

use serde_json::json;

use super::{
    checks::{self, Message, kept},
    draft::Draft,
    model::{CampaignForm, CampaignStatus, Intent, Saved, is_complete},
    pressing::{Seen, already_done, send_now},
    schedule,
    store::{self, Campaign, UNTITLED},
    writing_store::{self as writing, By, Due},
};
use crate::{
    audit,
    auth::guard::Ctx,
    db::Tx,
    error::{AppError, Problem},
    recipients::{self, model::Earlier},
    sends::{planned, rules::already_sending, shown},
    stores::{self, model::Store},
    templates, time,
    ui::links::encode,
};

/// Keeps what was typed, whatever it is; then does what was asked. What can't be done is said on
/// the page of the kept campaign.
pub async fn save(ctx: &Ctx, form: &CampaignForm, intent: Intent) -> Result<Saved, AppError> {
    let store = store_of(ctx).await?;
    if intent.sends()
        && let Some(before) = crate::sends::store::by_token(ctx.db(), store.id, &form.send_token).await?
    {
        return Ok(already_done(before.campaign_id, before.id));
    }
    let mut draft = Draft::of(form, &store, ctx.now);
    draft.template_id = own_template(ctx, &store, draft.template_id, intent, &mut draft).await?;
    if intent == Intent::Draft && draft.name.is_empty() {
        draft.name = untitled(ctx, &store);
    }
    let (due, problems) = plan(ctx, &store, form, &draft, intent).await?;
    let kept_as = keep(ctx, &store, form, &draft, due, intent).await?;
    let (id, version) = (kept_as.id, kept_as.version);
    let edit = format!("/marketing/campaigns/{id}/edit");
    let saved = |path: String| Saved {
        id,
        version,
        name: draft.name.clone(),
        words: format!("Saved as draft at {}.", time::clock(ctx.now, store.zone())),
        path,
        is_copy: kept_as.is_copy,
    };
    if kept_as.is_copy {
        let of = form.campaign_id().unwrap_or_default();
        return Ok(saved(format!("{edit}?ok=kept-apart&of={of}")));
    }
    let off = if kept_as.unscheduled { "&off=1" } else { "" };
    Ok(match intent {
        Intent::Draft | Intent::AsCampaign | Intent::StartOver => saved(format!("{edit}?ok=saved")),
        Intent::UseTemplate => saved(format!("{edit}?ok=filled{off}#template")),
        Intent::RefreshCount => saved(format!("{edit}?ok=counted{off}#who")),
        Intent::SeePreview => saved(format!("{edit}?ok=shown{off}#preview")),
        Intent::FindCustomer => saved(format!(
            "{edit}?find={}{off}#p-manual",
            encode(form.find_customer.trim())
        )),
        Intent::Schedule if problems.is_empty() => {
            remember_plan(ctx, &store, &draft, id, due).await?;
            ctx.state.planned.notify_one();
            saved(format!("/marketing/campaigns/{id}?ok=scheduled"))
        }
        Intent::Schedule => return Err(kept(problems, format!("{edit}?check=schedule"))),
        Intent::SendNow | Intent::SendConfirmed if problems.is_empty() => {
            let seen = Seen {
                version,
                count: form.shown(),
                ..Seen::default()
            };
            saved(send_now(ctx, id, &form.send_token, seen, intent).await?)
        }
        Intent::SendNow | Intent::SendConfirmed => return Err(kept(problems, format!("{edit}?check=send_now"))),
    })
}

/// Keeps whom it would go to at the moment it was planned.
pub(super) async fn remember_plan(ctx: &Ctx, store: &Store, draft: &Draft, id: i64, due: Due) -> sqlx::Result<()> {
    if let (Some(at), Some(filter)) = (due, &draft.filter) {
        let not_again = draft.skip_already.then_some(Earlier::Campaign(id));
        let scope = recipients::rules::scope(store, ctx.now, not_again);
        shown::remember(ctx.db(), &scope, filter, &planned::token(id, at)).await?;
    }
    Ok(())
}

pub(super) async fn store_of(ctx: &Ctx) -> Result<Store, AppError> {
    stores::store::find(ctx.db(), ctx.store())
        .await?
        .ok_or(AppError::SignedOut)
}

pub(super) fn by(ctx: &Ctx) -> By<'_> {
    By {
        store: ctx.store(),
        name: &ctx.actor.name,
        now: ctx.now,
    }
}

fn untitled(ctx: &Ctx, store: &Store) -> String {
    let zone = store.zone();
    let day = ctx.now.with_timezone(&zone).format("%-d %b").to_string();
    format!("{UNTITLED}, {day} {}", time::clock(ctx.now, zone))
}

/// The chosen template if it is the store's; with "Use template" its text goes into the draft.
pub(super) async fn own_template(
    ctx: &Ctx,
    store: &Store,
    id: Option<i64>,
    intent: Intent,
    draft: &mut Draft,
) -> Result<Option<i64>, AppError> {
    let Some(id) = id else { return Ok(None) };
    let Some(template) = templates::store::find(ctx.db(), store.id, id).await? else {
        return Ok(None);
    };
    if intent == Intent::UseTemplate {
        draft.subject = template.subject;
        draft.body = template.body;
    }
    Ok(Some(template.id))
}

/// When it is to go, and what is in the way of what was asked.
async fn plan(
    ctx: &Ctx,
    store: &Store,
    form: &CampaignForm,
    draft: &Draft,
    intent: Intent,
) -> Result<(Due, Vec<Problem>), AppError> {
    if !(intent.sends() || intent == Intent::Schedule) {
        return Ok((None, Vec::new()));
    }
    let mut problems = checks::problems(ctx.db(), store, &ctx.actor.name, &Message::of(draft)).await?;
    if intent.sends() {
        return Ok((None, problems));
    }
    match schedule::moment(&form.date, &form.time, &form.fold, store.zone(), ctx.now) {
        Ok(at) if problems.is_empty() => Ok((Some(at), problems)),
        Ok(_) => Ok((None, problems)),
        Err(more) => {
            problems.extend(more);
            Ok((None, problems))
        }
    }
}

/// Where the typed has been kept.
struct Kept {
    id: i64,
    version: i64,
    /// Somebody else changed the campaign meanwhile, so this is a draft of its own.
    is_copy: bool,
    /// It was scheduled and is a draft now, because what would go out was changed.
    unscheduled: bool,
}

async fn keep(
    ctx: &Ctx,
    store: &Store,
    form: &CampaignForm,
    draft: &Draft,
    due: Due,
    intent: Intent,
) -> Result<Kept, AppError> {
    let Some(id) = form.campaign_id() else {
        return keep_new(ctx, store, form, draft, due).await;
    };
    let before = store::find(ctx.db(), ctx.store(), id)
        .await?
        .ok_or(AppError::NotFound)?;
    if !before.status.is_editable() {
        if !draft.says_the_same_as(&before) {
            keep_apart(ctx, &before, draft).await?;
        } else if intent.sends()
            && let Some(words) = already_sending(ctx.db(), ctx.store(), id).await?
        {
            // Pressed once more: the campaign's page shows how far it is.
            let back_to = Some(format!("/marketing/campaigns/{id}"));
            return Err(AppError::Refused { words, back_to });
        }
        return Err(AppError::Locked { campaign: id });
    }
    let version = form.version.trim().parse().unwrap_or(before.version);
    // What was scheduled stays so as long as the very same message would go out.
    let stays = before.status == CampaignStatus::Scheduled
        && !matches!(intent, Intent::Draft | Intent::Schedule)
        && draft.says_the_same_as(&before);
    let due_now = if stays { before.scheduled_at } else { due };
    let mut tx = ctx.db().begin().await?;
    if !writing::update(&mut tx, by(ctx), id, version, draft, due_now).await? {
        drop(tx);
        return lost_race(ctx, id, draft).await;
    }
    note_edit(&mut tx, ctx, store, &before, draft, due_now).await?;
    tx.commit().await?;
    let unscheduled = before.status == CampaignStatus::Scheduled && due_now.is_none() && intent != Intent::Draft;
    Ok(Kept {
        id,
        version: version + 1,
        is_copy: false,
        unscheduled,
    })
}

/// Somebody was faster: what was typed becomes a draft of its own, so that neither is lost.
async fn lost_race(ctx: &Ctx, id: i64, draft: &Draft) -> Result<Kept, AppError> {
    let now = store::find(ctx.db(), ctx.store(), id)
        .await?
        .ok_or(AppError::NotFound)?;
    let is_record = !now.status.is_editable();
    if is_record && draft.says_the_same_as(&now) {
        return Err(AppError::Locked { campaign: id });
    }
    let copy = keep_apart(ctx, &now, draft).await?;
    if is_record {
        return Err(AppError::Locked { campaign: id });
    }
    Ok(Kept {
        id: copy,
        version: 1,
        is_copy: true,
        unscheduled: false,
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

async fn keep_new(ctx: &Ctx, store: &Store, form: &CampaignForm, draft: &Draft, due: Due) -> Result<Kept, AppError> {
    let token = Some(form.send_token.trim()).filter(|t| !t.is_empty());
    let fresh = |id| Kept {
        id,
        version: 1,
        is_copy: false,
        unscheduled: false,
    };
    let mut tx = ctx.db().begin().await?;
    if let Some(id) = writing::insert(&mut tx, by(ctx), draft, due, token).await? {
        let words = format!("Created “{}”", title(&draft.name));
        note(
            &mut tx,
            ctx,
            "campaign.created",
            id,
            words,
            None,
            Some(facts(draft, due)),
        )
        .await?;
        note_first_plan(&mut tx, ctx, store, id, draft, due).await?;
        tx.commit().await?;
        return Ok(fresh(id));
    }
    drop(tx);
    // This form has been saved before. A second click says the same: it is the same campaign.
    let first = match token {
        Some(token) => writing::by_form_token(ctx.db(), ctx.store(), token).await?,
        None => None,
    };
    let first = match first {
        Some(id) => store::find(ctx.db(), ctx.store(), id).await?,
        None => None,
    };
    if let Some(first) = first.filter(|f| draft.says_the_same_as(f)) {
        return Ok(Kept {
            id: first.id,
            version: first.version,
            is_copy: false,
            unscheduled: false,
        });
    }
    let mut tx = ctx.db().begin().await?;
    let id = writing::insert(&mut tx, by(ctx), draft, due, None)
        .await?
        .ok_or(AppError::Conflict)?;
    let words = format!("Created “{}”", title(&draft.name));
    note(
        &mut tx,
        ctx,
        "campaign.created",
        id,
        words,
        None,
        Some(facts(draft, due)),
    )
    .await?;
    note_first_plan(&mut tx, ctx, store, id, draft, due).await?;
    tx.commit().await?;
    Ok(fresh(id))
}

/// Takes a campaign off the schedule.
pub async fn unschedule(ctx: &Ctx, id: i64) -> Result<(), AppError> {
    let campaign = store::find(ctx.db(), ctx.store(), id)
        .await?
        .ok_or(AppError::NotFound)?;
    let mut tx = ctx.db().begin().await?;
    if !writing::unschedule(&mut tx, by(ctx), id).await? {
        drop(tx);
        let now = store::find(ctx.db(), ctx.store(), id)
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
    let original = store::find(ctx.db(), ctx.store(), id)
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
    let campaign = store::find(ctx.db(), ctx.store(), id)
        .await?
        .ok_or(AppError::NotFound)?;
    let mut tx = ctx.db().begin().await?;
    if !writing::delete(&mut tx, ctx.store(), id).await? {
        drop(tx);
        return Err(match store::find(ctx.db(), ctx.store(), id).await? {
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
pub(super) fn facts(draft: &Draft, due: Due) -> serde_json::Value {
    json!({
        "name": draft.name,
        "subject": draft.subject,
        "recipients": draft.filter.as_ref().filter(|f| is_complete(f)),
        "scheduled_at": due,
    })
}

/// `Scheduled “Trunk show” for Sat 5 Dec 2026, 9:00 am AEDT`, or moved from one time to another.
pub(super) fn scheduled_words(name: &str, was: Due, due: Due, zone: chrono_tz::Tz) -> String {
    let name = title(name);
    let at = |due: Due| due.map(|at| time::absolute(at, zone)).unwrap_or_default();
    match was {
        Some(_) => format!("Moved “{name}” from {} to {}", at(was), at(due)),
        None => format!("Scheduled “{name}” for {}", at(due)),
    }
}

/// A campaign that is scheduled as it is created has both lines in its history.
async fn note_first_plan(tx: &mut Tx, ctx: &Ctx, store: &Store, id: i64, draft: &Draft, due: Due) -> sqlx::Result<()> {
    if due.is_none() {
        return Ok(());
    }
    let words = scheduled_words(&draft.name, None, due, store.zone());
    let after = Some(facts(draft, due));
    note(tx, ctx, "campaign.scheduled", id, words, None, after).await
}

async fn note_edit(
    tx: &mut Tx,
    ctx: &Ctx,
    store: &Store,
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
            let words = scheduled_words(&draft.name, old, due, store.zone());
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

pub(super) async fn note(
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
