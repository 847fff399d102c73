//! `/marketing/campaigns/new` and `/marketing/campaigns/{id}/edit`.

use axum::{extract::Path, response::Response};
use leptos::prelude::*;

use super::{
    form::{self, Kind, Writing, zero},
    locked,
};
use crate::{
    campaigns::{
        draft::{self, Draft},
        model::{CampaignForm, CampaignStatus},
        preflight::checks::{self, Message},
        queries::{self, Campaign},
        schedule,
    },
    context::actor::Permission,
    error::{AppError, Problem},
    recipients::model::RecipientFilter,
    server::page_request::StaffRequest,
    templates, time, tokens,
    ui::{
        components::{Badge, Banner, Crumbs, Tone},
        page::Page,
        shell::Nav,
    },
};

/// A new campaign; the address may name a segment, tags or a template to begin with.
pub async fn new(staff: StaffRequest) -> Result<Response, AppError> {
    staff.allow(Permission::SendCampaigns)?;
    let mut form = draft::blank_form(tokens::public());
    begin_with(&staff, &mut form).await?;
    let writing = Writing::load(&staff, Kind::Campaign, form, false, staff.param("find")).await?;
    let page = Page::new("New Campaign", Nav::Campaigns, move || {
        view! {
            <Crumbs links=vec![("Campaigns", "/marketing/campaigns")] here="New Campaign"/>
            <div class="head"><div>
                <h1 tabindex="-1">"New Campaign"</h1>
                <p>"Email · "<span id="saved-note">"not saved yet"</span></p>
            </div></div>
            {form::view(writing)}
        }
        .into_any()
    });
    Ok(staff.show(page.with_islands()).await)
}

/// What the address asks to begin with.
pub async fn begin_with(staff: &StaffRequest, form: &mut CampaignForm) -> Result<(), AppError> {
    if let Ok(id) = staff.param("segment").parse() {
        form.choose(Some(&RecipientFilter::Segment(id)));
    }
    let tags: Vec<String> = staff
        .param("tags")
        .split(',')
        .map(|t| t.trim().to_owned())
        .filter(|t| !t.is_empty())
        .collect();
    if !tags.is_empty() {
        form.choose(Some(&RecipientFilter::Tags(tags).normalised()));
    }
    let ids: Vec<i64> = staff
        .param("customers")
        .split(',')
        .filter_map(|id| id.trim().parse().ok())
        .collect();
    if !ids.is_empty() {
        form.choose(Some(&RecipientFilter::Manual(ids).normalised()));
    }
    if let Ok(id) = staff.param("template").parse::<i64>()
        && let Some(template) = templates::queries::find(staff.db(), staff.store_id(), id).await?
    {
        form.template_id = template.id.to_string();
        form.subject = template.subject;
        form.body = template.body;
    }
    Ok(())
}

/// A kept campaign; one that went out shows why it can't be edited.
pub async fn edit(staff: StaffRequest, Path(id): Path<i64>) -> Result<Response, AppError> {
    staff.allow(Permission::SendCampaigns)?;
    let campaign = queries::find(staff.db(), staff.store_id(), id)
        .await?
        .ok_or(AppError::NotFound)?;
    if !campaign.status.is_editable() {
        return locked::show(&staff, &campaign).await;
    }
    let mut form = draft::form_of(&campaign, tokens::public());
    staff.param("fold").clone_into(&mut form.fold);
    let problems = problems(&staff, &campaign, &form).await?;
    let mut writing = Writing::load(&staff, Kind::Campaign, form, true, staff.param("find")).await?;
    writing.problems = problems;
    let banner = banner(&staff, &campaign, &writing).await?;
    let (title, status) = (campaign.title().to_owned(), campaign.status);
    let saved = format!(
        "Saved {}",
        time::today_or_day(campaign.updated_at, staff.now(), staff.zone())
    );
    let failed = !writing.problems.is_empty();
    let page_title = if failed {
        format!("Error: {title}")
    } else {
        title.clone()
    };
    let page = Page::new(page_title, Nav::Campaigns, move || {
        view! {
            <Crumbs links=vec![("Campaigns", "/marketing/campaigns")] here=title.clone()/>
            {banner}
            <div class="head"><div>
                <div class="eyebrow"><Badge mark=status/></div>
                <h1 tabindex="-1">{title.clone()}</h1>
                <p>"Email · "<span id="saved-note">{saved}</span></p>
            </div></div>
            {form::view(writing)}
        }
        .into_any()
    });
    Ok(staff.show(page.with_islands()).await)
}

/// What the button that was pressed could not do with the campaign as it is kept.
async fn problems(staff: &StaffRequest, campaign: &Campaign, form: &CampaignForm) -> sqlx::Result<Vec<Problem>> {
    let pressed = staff.param("check");
    if !matches!(pressed, "send_now" | "schedule") {
        return Ok(Vec::new());
    }
    let draft = Draft::copied_from(campaign, campaign.name.clone());
    let signer = &staff.actor.name;
    let mut problems = checks::problems(staff.db(), &staff.store, signer, &Message::of(&draft)).await?;
    if pressed == "schedule"
        && let Err(more) = schedule::moment(&form.date, &form.time, &form.fold, staff.zone(), staff.now())
    {
        problems.extend(more);
    }
    Ok(problems)
}

/// The one banner: why it came back, or what has just been done.
async fn banner(staff: &StaffRequest, campaign: &Campaign, writing: &Writing) -> Result<Option<AnyView>, AppError> {
    if !writing.problems.is_empty() {
        return Ok(None);
    }
    if campaign.problem.as_deref() == Some("no_recipients") {
        return Ok(Some(zero::banner(writing, campaign.shown_count)));
    }
    let other = match staff.param("of").parse() {
        Ok(of) => queries::find(staff.db(), staff.store_id(), of).await?,
        Err(_) => None,
    };
    let other_name = other.as_ref().map_or("another campaign", Campaign::title).to_owned();
    let success = |words: String| view! { <Banner tone=Tone::Success><p>{words}</p></Banner> }.into_any();
    let saved_at = time::clock(campaign.updated_at, staff.zone());
    let off = staff.param("off") == "1";
    Ok(match staff.param("ok") {
        _ if off && campaign.status == CampaignStatus::Draft => Some(
            view! {
                <Banner tone=Tone::Warning>
                    <p>"It is not scheduled any more while you change it. Press Schedule send to put it back."</p>
                </Banner>
            }
            .into_any(),
        ),
        "saved" => Some(success(format!("Saved as draft at {saved_at}."))),
        "filled" => Some(success("Subject and body filled from the template.".to_owned())),
        "from-bulk" => Some(success(
            "Carried over from bulk email. Nothing has been sent.".to_owned(),
        )),
        "copied" => Some(success(format!("Copied from '{other_name}'. Nothing is scheduled."))),
        "kept-apart" => Some(kept_apart(&other_name, other.as_ref())),
        _ => campaign
            .problem
            .clone()
            .map(|problem| stopped(campaign.id, writing.preflight.already, problem)),
    })
}

fn kept_apart(name: &str, other: Option<&Campaign>) -> AnyView {
    let by = other.map_or("Somebody", |o| o.updated_by.as_str());
    let words =
        format!("{by} changed “{name}” while you were writing. What you wrote is kept here, as a draft of its own.");
    let link = other.map(|o| {
        let path = format!("/marketing/campaigns/{}/edit", o.id);
        view! { <p><a href=path>{format!("Open “{name}”")}</a></p> }
    });
    view! { <Banner tone=Tone::Warning><p>{words}</p>{link}</Banner> }.into_any()
}

fn stopped(id: i64, already: i64, problem: String) -> AnyView {
    let people = crate::text::grouped(already);
    let noun = if already == 1 { "customer" } else { "customers" };
    let title = format!("Sending stopped after {people} {noun}.");
    view! {
        <Banner tone=Tone::Error title>
            <p>{problem}</p>
            <p><a href=format!("/marketing/campaigns/{id}")>"See who got it"</a></p>
        </Banner>
    }
    .into_any()
}
