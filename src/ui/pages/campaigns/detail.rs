//! `/marketing/campaigns/{id}`: a plan, a send under way, or its results: one address.

use axum::{extract::Path, response::Response};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use super::{notes, plan::Plan};
use crate::{
    audit::history_queries::{self, Line},
    campaigns::{
        model::CampaignStatus,
        queries::{self, Campaign},
        resend,
    },
    context::actor::Permission,
    error::AppError,
    recipients,
    scheduler::{heartbeat::SchedulerStatus, late_words},
    sends::queries::SendRecord,
    server::page_request::StaffRequest,
    time, tokens,
    ui::{
        components::{Badge, Copy, Crumbs, Mark, Marked, PageHead},
        page::Page,
        pages::report::{self, Report, goes},
        shell::Nav,
        who_can_help,
    },
};

/// What is planned, or how far it is, or what came of it.
pub async fn show(staff: StaffRequest, Path(id): Path<i64>) -> Result<Response, AppError> {
    staff.allow(Permission::SeeCampaigns)?;
    let (db, store) = (staff.db(), staff.store_id());
    let campaign = queries::find(db, store, id).await?.ok_or(AppError::NotFound)?;
    let history = history_queries::of(db, store, "campaign", id).await?;
    let may_send = staff.actor.may(Permission::SendCampaigns);
    let ask = if may_send {
        None
    } else {
        Some(who_can_help::who_may_send(&staff).await?)
    };
    let path = format!("/marketing/campaigns/{id}");
    // A campaign that is a draft again shows what an earlier go reached.
    let report = Report::of_campaign(&staff, id, path).await?;
    let meta = meta(&campaign, report.as_ref(), staff.now(), staff.zone());
    let editable = campaign.status.is_editable();
    let stopped = campaign.status == CampaignStatus::Draft && campaign.problem.is_some() && report.is_some();
    let left = if stopped && may_send {
        resend::resend_counts(db, &staff.store, &campaign, staff.now()).await?
    } else {
        None
    };
    let runs = campaign.status == CampaignStatus::Scheduled
        && SchedulerStatus::load(&staff.visit.state, staff.now())
            .await?
            .is_running();
    let told = notes::Told {
        ok: staff.param("ok").to_owned(),
        problem: campaign.problem.clone(),
        now: staff.now(),
        zone: staff.zone(),
        may_send,
        runs,
        left,
        token: tokens::public(),
    };
    let one_go = report.as_ref().is_some_and(|report| report.is_one_of_several);
    let plan = if editable && !one_go {
        let audience = match campaign.recipients() {
            Some(filter) => recipients::words::today(db, store, &filter).await?,
            None => "Nobody chosen yet".to_owned(),
        };
        Some(Plan::load(&staff, campaign.clone(), audience, may_send, runs).await?)
    } else {
        None
    };
    let refused = report::refused(&staff);
    let live = report.as_ref().is_some_and(Report::is_live);
    let zone = staff.zone();
    let page = Page::new(campaign.title().to_owned(), Nav::Campaigns, move || {
        let note = refused.or_else(|| match one_go {
            true => Some(notes::one_go(id, report.as_ref(), zone)),
            false => notes::view(&campaign, report.as_ref(), &told),
        });
        let bar = report.as_ref().and_then(Report::hold_bar);
        let actions = may_send.then(|| actions(&campaign, told.now));
        let reached = report.filter(|r| !editable || r.tally.settled() + r.tally.waiting > 0);
        view! {
            {bar}
            <Crumbs links=vec![("Campaigns", "/marketing/campaigns")] here=campaign.title().to_owned()/>
            {note}
            <PageHead title=campaign.title().to_owned() words=meta eyebrow=badge(&campaign, told.now)>
                {actions}
            </PageHead>
            {ask.map(|line| view! { <p class="ask hint">{line}</p> })}
            {plan.map(Plan::view)}
            {reached.map(|report| {
                let words = if report.how_many_goes() > 1 { "What it has reached so far" } else { "What the last go reached" };
                let earlier = (editable && !one_go).then(|| view! { <h2 class="earlier">{words}</h2> });
                view! { {earlier}{report.view()} }
            })}
            {history_of(history, zone)}
            <Copy name="Campaign ID" text=campaign.id.to_string()/>
        }
        .into_any()
    });
    let page = if live { page.with_islands() } else { page };
    Ok(staff.show(page).await)
}

fn badge(campaign: &Campaign, now: DateTime<Utc>) -> AnyView {
    let overdue = (campaign.status == CampaignStatus::Scheduled && campaign.scheduled_at.is_some_and(|at| at < now))
        .then(|| view! { " "<Badge mark=Mark::Overdue/> });
    if campaign.status == CampaignStatus::Sending {
        // While the page watches, the end of the send turns the one into the other.
        return view! {
            <span class="while-sending"><Badge mark=Mark::Sending/></span>
            <span class="when-done"><Badge mark=Mark::Sent/></span>
        }
        .into_any();
    }
    view! { <Badge mark=campaign.status/>{overdue} }.into_any()
}

fn meta(campaign: &Campaign, report: Option<&Report>, now: DateTime<Utc>, zone: Tz) -> String {
    let send = report.map(|report| &report.send);
    let late = send.and_then(lateness);
    let planned = send.is_some_and(|s| s.scheduled_at.is_some());
    let on_schedule = if planned && late.is_none() { " on schedule," } else { "" };
    let late = late.unwrap_or_default();
    let in_goes = match report.map_or(0, Report::how_many_goes) {
        0 | 1 => String::new(),
        n => format!(" in {} goes,", goes::number(n)),
    };
    match (campaign.status, campaign.scheduled_at, send, campaign.sent_at) {
        (CampaignStatus::Scheduled, Some(_), ..) => format!("Scheduled by {}.", campaign.updated_by),
        (CampaignStatus::Sending, _, Some(send), _) => format!(
            "Started {} {} time ({}),{on_schedule} by {}.{late}",
            time::clock(send.started_at, zone),
            time::city(zone),
            send.started_at.with_timezone(&zone).format("%Z"),
            send.started_by
        ),
        (CampaignStatus::Sent, _, Some(send), Some(at)) => format!(
            "Sent {}, {},{on_schedule}{in_goes} by {}.{late}",
            time::absolute(at, zone),
            time::relative(at, now),
            send.started_by
        ),
        _ => format!(
            "Edited {} by {}.",
            time::today_or_day(campaign.updated_at, now, zone),
            campaign.updated_by
        ),
    }
}

/// ` Sent 12 minutes late: Loupe wasn't running.`
fn lateness(send: &SendRecord) -> Option<String> {
    let (seconds, why) = (send.late_by?, send.late_why.as_deref()?);
    Some(format!(" Sent {} late: {why}", late_words(seconds)))
}

fn actions(campaign: &Campaign, now: DateTime<Utc>) -> AnyView {
    let id = campaign.id;
    let status = campaign.status;
    // One Send now per page: an overdue campaign, or one that came back, has it in its banner.
    let told_above = campaign.problem.is_some() || campaign.scheduled_at.is_some_and(|at| at < now);
    let sends = (status.is_editable() && !told_above).then(|| {
        view! { <a class="btn" href=format!("/marketing/campaigns/{id}/review")>"Send now"</a> }
    });
    let edits = status.is_editable().then(|| {
        view! { <a class="btn primary" href=format!("/marketing/campaigns/{id}/edit")>"Edit"</a> }
    });
    let deletes = (status != CampaignStatus::Sending).then(|| {
        view! { <a class="btn quiet" href=format!("/marketing/campaigns/{id}/delete")>"Delete"</a> }
    });
    view! {
        {edits}
        {sends}
        <form method="post" action="/api/campaigns/duplicate">
            <input type="hidden" name="id" value=id.to_string()/>
            <button class="btn" type="submit">"Duplicate"</button>
        </form>
        {deletes}
    }
    .into_any()
}

fn history_of(lines: Vec<Line>, zone: Tz) -> Option<AnyView> {
    if lines.is_empty() {
        return None;
    }
    let lines: Vec<_> = lines
        .into_iter()
        .map(|line| {
            let machine = line.happened_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            view! {
                <li>
                    <span><Marked text=line.summary/></span>
                    <span class="hint">{line.actor}", "<time datetime=machine>{time::absolute(line.happened_at, zone)}</time></span>
                </li>
            }
        })
        .collect();
    Some(
        view! {
            <section aria-labelledby="history-title">
                <h2 id="history-title">"History"</h2>
                <ol class="history">{lines}</ol>
            </section>
        }
        .into_any(),
    )
}
