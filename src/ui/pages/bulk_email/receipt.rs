//! `/marketing/bulk-email/sent/{send_id}`: what came of a bulk email, or of a correction.

use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use leptos::prelude::*;

use crate::{
    campaigns::bulk,
    context::actor::Permission,
    error::AppError,
    sends::{
        self,
        model::{SendKind, SendState},
    },
    server::page_request::StaffRequest,
    time,
    ui::{
        components::{Badge, Banner, Crumbs, Mark, PageHead, Tone},
        page::Page,
        pages::report::{self, Report, customers},
        shell::Nav,
    },
};

/// The receipt: the same as a campaign's results, under the bulk email it belongs to.
pub async fn show(staff: StaffRequest, Path(send_id): Path<i64>) -> Result<Response, AppError> {
    staff.allow(Permission::SeeCampaigns)?;
    let send = sends::queries::find(staff.db(), staff.store_id(), send_id)
        .await?
        .ok_or(AppError::NotFound)?;
    if send.campaign_id.is_some() {
        // It has become a campaign since, and is shown there.
        return Ok(Redirect::to(&send.page()).into_response());
    }
    let path = send.page();
    let state = send.state;
    let kind = send.kind;
    let first = match send.of_send {
        Some(first) => sends::queries::find(staff.db(), staff.store_id(), first).await?,
        None => None,
    };
    let again = if kind == SendKind::Again { "Sent again: " } else { "" };
    let words = format!(
        "{again}Started {} by {}.",
        time::absolute(send.started_at, staff.zone()),
        send.started_by
    );
    let problem = send.problem.clone();
    let ok = staff.param("ok").to_owned();
    let form = if staff.actor.may(Permission::SendCampaigns) {
        bulk::left_by(staff.db(), staff.store_id(), staff.actor.user_id).await?
    } else {
        None
    };
    // The form is this person's own: only what they sent themselves waits in it.
    let waits = form.is_some_and(|form| form.of_send() == Some(send.of_send.unwrap_or(send.id)));
    let refused = report::refused(&staff);
    let report = Report::of_send(&staff, send, path).await?;
    let live = report.is_live();
    let of_campaign = kind == SendKind::Campaign || first.as_ref().is_some_and(|first| first.campaign_id.is_some());
    let (nav, up) = match of_campaign {
        true => (Nav::Campaigns, ("Campaigns", "/marketing/campaigns")),
        false => (Nav::BulkEmail, ("Bulk email", "/marketing/bulk-email")),
    };
    let page = Page::new(title(state), nav, move || {
        let bar = report.hold_bar();
        let note = refused.or_else(|| note(&report, problem, &ok, waits));
        view! {
            {bar}
            <Crumbs links=vec![up] here="Receipt"/>
            {note}
            <PageHead title=title(state) words eyebrow=badge(state)>
                {match first {
                    Some(first) => view! { <a class="btn" href=first.page()>"See the first send"</a> }.into_any(),
                    None if kind == SendKind::Bulk => {
                        view! { <a class="btn" href="/marketing/bulk-email">"Write another"</a> }.into_any()
                    }
                    None => ().into_any(),
                }}
            </PageHead>
            <p class="hint after-head">"This page is your receipt. It isn't listed in Campaigns."</p>
            {report.view()}
        }
        .into_any()
    });
    let page = if live { page.with_islands() } else { page };
    Ok(staff.show(page).await)
}

fn title(state: SendState) -> &'static str {
    match state {
        SendState::Holding | SendState::Sending => "Sending email",
        SendState::Done => "Email sent",
        SendState::Reverted => "Sending stopped",
        SendState::Cancelled => "Sending cancelled",
    }
}

fn badge(state: SendState) -> AnyView {
    match state {
        SendState::Holding | SendState::Sending => view! {
            <span class="while-sending"><Badge mark=Mark::Sending/></span>
            <span class="when-done"><Badge mark=Mark::Sent/></span>
        }
        .into_any(),
        SendState::Done => view! { <Badge mark=Mark::Sent/> }.into_any(),
        SendState::Reverted => view! { <Badge mark=Mark::Overdue word="Sending stopped"/> }.into_any(),
        SendState::Cancelled => view! { <Badge mark=Mark::NotSent/> }.into_any(),
    }
}

fn note(report: &Report, problem: Option<String>, ok: &str, waits: bool) -> Option<AnyView> {
    let settled = report.tally.settled();
    let on_the_way = report.on_the_way();
    let banner = match (report.send.state, ok) {
        (SendState::Reverted, _) => view! {
            <Banner tone=Tone::Warning title=format!("Sending stopped after {}.", customers(settled))>
                <p>{problem}</p>
                {on_the_way}
                {waits.then(|| view! {
                    <p>"What you wrote is back in the form. Those who already got it are left out."</p>
                    <div class="acts"><a class="btn sm primary" href=bulk::PATH>"Send to the rest"</a></div>
                })}
            </Banner>
        }
        .into_any(),
        (SendState::Cancelled, _) => view! {
            <Banner tone=Tone::Info><p>"Sending cancelled. Nothing was sent."</p></Banner>
        }
        .into_any(),
        (_, "too-late") => {
            let words = format!("It had already started. {} got it.", customers(report.tally.sent));
            view! { <Banner tone=Tone::Warning><p>{words}</p></Banner> }.into_any()
        }
        (_, "already") => {
            let words = report.already();
            view! { <Banner tone=Tone::Info><p>{words}</p></Banner> }.into_any()
        }
        _ => return None,
    };
    Some(banner)
}
