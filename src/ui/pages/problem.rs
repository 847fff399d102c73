//! The pages for what cannot be done: not found, not allowed, locked, our own fault.

use axum::{extract::FromRequestParts, http::StatusCode, response::Response};
use leptos::prelude::*;

use crate::{
    error::AppError,
    server::visit::{Staff, Visit},
    ui::{page::Page, shell::Nav},
};

/// Answers with the page for an error, inside the navigation when somebody is signed in.
pub async fn show(visit: &Visit, error: AppError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut parts = visit.parts.clone();
    let staff = Staff::from_request_parts(&mut parts, &visit.state).await.ok();
    let title = title(&error);
    let words = error.to_string();
    let page = Page::new(title, Nav::Elsewhere, move || {
        view! {
            <div class="head"><div><h1>{title}</h1><p>{words}</p></div></div>
            <p><a class="btn" href="/marketing/campaigns">"Back to campaigns"</a></p>
        }
        .into_any()
    })
    .with_status(status);
    match staff {
        Some(staff) => staff.show(page).await,
        None => visit.show(page.bare()).await,
    }
}

fn title(error: &AppError) -> &'static str {
    match error {
        AppError::NotFound => "Page not found",
        AppError::Forbidden => "You can't do this",
        AppError::Locked { .. } => "Cannot edit a sent or sending campaign",
        AppError::Conflict => "Someone was faster",
        AppError::Internal { .. } => "Something went wrong on our side",
        _ => "That didn't work",
    }
}
