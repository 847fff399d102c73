//! The pages for what cannot be done: not found, not allowed, locked, our own fault.

use axum::{extract::FromRequestParts, http::StatusCode, response::Response};
use leptos::prelude::*;

use crate::{
    context::actor::Permission,
    error::AppError,
    sends::rules::already_sending,
    server::page_request::{PageRequest, StaffRequest},
    ui::{
        components::{LockedCampaign, PageHead},
        page::Page,
        shell::Nav,
        who_can_help,
    },
};

/// Answers with the page for an error, inside the navigation when somebody is signed in.
pub async fn show(visit: &PageRequest, error: AppError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut parts = visit.parts.clone();
    let staff = StaffRequest::from_request_parts(&mut parts, &visit.state).await.ok();
    let may_send = staff.as_ref().is_some_and(|s| s.actor.may(Permission::SendCampaigns));
    if let AppError::Locked { campaign } = error {
        let under_way = match &staff {
            // The page says what it can, whatever else is wrong.
            Some(staff) => already_sending(staff.db(), staff.store_id(), campaign)
                .await
                .ok()
                .flatten(),
            None => None,
        };
        let page = Page::new(error.to_string(), Nav::Campaigns, move || {
            view! { <LockedCampaign campaign may_send under_way/> }.into_any()
        });
        return answer(visit, staff, page.with_status(status)).await;
    }
    let about_sending = ["/marketing", "/api/campaigns", "/api/sends", "/api/bulk"]
        .iter()
        .any(|start| visit.path().starts_with(start));
    let title = match &error {
        AppError::NotFound => "Page not found",
        AppError::Forbidden if about_sending => "You can't send campaigns",
        AppError::Forbidden => "You can't do this",
        AppError::Conflict => "Someone was faster",
        AppError::Internal { .. } => "Something went wrong on our side",
        _ => "That didn't work",
    };
    let words = match &error {
        AppError::Forbidden => forbidden(staff.as_ref(), about_sending).await,
        AppError::NotFound => "What was here may have been deleted, or the address is not quite right.".to_owned(),
        other => other.to_string(),
    };
    let signed_in = staff.is_some();
    let page = Page::new(title, Nav::Elsewhere, move || {
        let back = if signed_in {
            view! { <a class="btn" href="/marketing/campaigns">"Back to campaigns"</a> }
        } else {
            view! { <a class="btn" href="/login">"Sign in"</a> }
        };
        view! { <PageHead title words/><div class="acts">{back}</div> }.into_any()
    })
    .with_status(status);
    answer(visit, staff, page).await
}

async fn answer(visit: &PageRequest, staff: Option<StaffRequest>, page: Page) -> Response {
    match staff {
        Some(staff) => staff.show(page).await,
        None => visit.show(page.bare()).await,
    }
}

/// Who may, and whom to ask. Without a database answer, the plain rule.
async fn forbidden(staff: Option<&StaffRequest>, about_sending: bool) -> String {
    let plain = AppError::Forbidden.to_string();
    let Some(staff) = staff else { return plain };
    let line = if about_sending {
        who_can_help::who_may_send(staff).await
    } else {
        who_can_help::ask_the_owner(staff.db(), staff)
            .await
            .map(|ask| format!("Your role doesn't include this. {ask}"))
    };
    line.unwrap_or(plain)
}
