//! `/marketing/campaigns/{id}/delete`: asks before a campaign goes.

use axum::{extract::Path, response::Response};
use leptos::prelude::*;

use crate::{
    campaigns::{model::CampaignStatus, queries},
    context::actor::Permission,
    error::AppError,
    server::page_request::StaffRequest,
    ui::{
        components::{Crumbs, PageHead},
        page::Page,
        shell::Nav,
    },
};

/// What goes, what stays, and a way back that comes first.
pub async fn show(staff: StaffRequest, Path(id): Path<i64>) -> Result<Response, AppError> {
    staff.allow(Permission::SendCampaigns)?;
    let campaign = queries::find(staff.db(), staff.store_id(), id)
        .await?
        .ok_or(AppError::NotFound)?;
    let what_goes = match campaign.status {
        CampaignStatus::Draft => "This can't be undone.",
        CampaignStatus::Scheduled => "It won't be sent. This can't be undone.",
        CampaignStatus::Sent => {
            "The campaign record goes. What each customer received stays in their Communications tab."
        }
        CampaignStatus::Sending => {
            return Err(AppError::Refused {
                words: "It is being sent. It can be deleted when it has finished.".to_owned(),
                back_to: None,
            });
        }
    };
    let title = format!("Delete “{}”?", campaign.title());
    let here = campaign.title().to_owned();
    let page = Page::new(title.clone(), Nav::Campaigns, move || {
        view! {
            <Crumbs links=vec![("Campaigns", "/marketing/campaigns")] here/>
            <PageHead title words=what_goes/>
            <div class="acts">
                <a class="btn" href=format!("/marketing/campaigns/{id}") autofocus>"Cancel"</a>
                <form method="post" action="/api/campaigns/delete">
                    <input type="hidden" name="id" value=id.to_string()/>
                    <button class="btn danger filled" type="submit">"Delete campaign"</button>
                </form>
            </div>
        }
        .into_any()
    });
    Ok(staff.show(page).await)
}
