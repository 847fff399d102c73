//! `/marketing/bulk-email`: one email, written and sent.

use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;

use crate::{
    campaigns::{
        bulk,
        draft::{self, Draft},
        preflight::{checks::Message, confirmation, rules},
    },
    context::actor::Permission,
    error::AppError,
    server::page_request::StaffRequest,
    tokens,
    ui::{
        components::{Banner, Tone},
        page::Page,
        pages::campaigns::{
            builder,
            form::{self, Kind, Writing, zero},
            review::{Asking, ask},
        },
        shell::Nav,
    },
};

/// The form, with what this person left in it.
pub async fn show(staff: StaffRequest) -> Result<Response, AppError> {
    staff.allow(Permission::SendCampaigns)?;
    let left = bulk::left_by(staff.db(), staff.store_id(), staff.actor.user_id).await?;
    let kept = left.is_some();
    let mut form = left.unwrap_or_else(|| draft::blank_form(String::new()));
    let shown_before = form.shown();
    form.send_token = tokens::public();
    builder::begin_with(&staff, &mut form).await?;
    let mut writing = Writing::load(&staff, Kind::Bulk, form, kept, staff.param("find")).await?;
    if staff.param("check") == "send_now" {
        writing.problems = writing.preflight.problems.clone();
    }
    let success = |words: &'static str| view! { <Banner tone=Tone::Success><p>{words}</p></Banner> }.into_any();
    let nobody = writing.preflight.audience.as_ref().is_some_and(|a| a.will_send == 0);
    let banner = match staff.param("ok") {
        _ if staff.param("none") == "1" && nobody => Some(zero::banner(&writing, shown_before)),
        "undone" => Some(success("Sending cancelled. Nothing was sent.")),
        "filled" => Some(success("Subject and body filled from the template.")),
        "kept" => Some(success("Kept. Nothing has been sent.")),
        "cleared" => Some(success("The form is empty again.")),
        _ => None,
    };
    let failed = !writing.problems.is_empty();
    let page = Page::new(
        if failed { "Error: Bulk email" } else { "Bulk email" },
        Nav::BulkEmail,
        move || {
            view! {
            {banner}
            <div class="head"><div>
                <h1 tabindex="-1">"Bulk email"</h1>
                <p>"One email, sent straight away. Nothing is saved to Campaigns; every customer's Communications tab still shows it."</p>
            </div></div>
            {form::view(writing)}
        }
        .into_any()
        },
    );
    Ok(staff.show(page.with_islands()).await)
}

/// `/marketing/bulk-email/review`: the question before a send where it matters.
pub async fn review(staff: StaffRequest) -> Result<Response, AppError> {
    staff.allow(Permission::SendCampaigns)?;
    let form = bulk::left_by(staff.db(), staff.store_id(), staff.actor.user_id)
        .await?
        .unwrap_or_default();
    let draft = Draft::of(&form, &staff.store, staff.now());
    let message = Message::without_name(&draft);
    let preflight = rules::check_message(
        staff.db(),
        &staff.store,
        &staff.actor.name,
        &message,
        form.not_again(),
        staff.now(),
    )
    .await?;
    let question = confirmation::question(
        staff.db(),
        &staff.store,
        &message,
        &preflight,
        form.shown(),
        (&staff.actor.name, staff.now()),
    )
    .await?;
    let Some(question) = question else {
        return Ok(Redirect::to(&format!("{}?check=send_now", bulk::PATH)).into_response());
    };
    let asking = Asking {
        action: "/api/bulk-email/confirm",
        about: vec![("seal", bulk::seal(&form, &draft))],
        back: bulk::PATH.to_owned(),
        nav: Nav::BulkEmail,
        not_again: form.not_again(),
        filter: draft.filter,
    };
    ask(&staff, question, asking).await
}
