//! What `/edit` shows for a campaign that went out: a record is duplicated, not edited.

use axum::response::Response;
use leptos::prelude::*;

use crate::{
    campaigns::queries::Campaign,
    error::AppError,
    sends::rules::already_sending,
    server::page_request::StaffRequest,
    ui::{
        components::{Crumbs, LockedCampaign},
        page::Page,
        shell::Nav,
    },
};

/// The page of the guard, with 200: nothing was tried yet.
pub async fn show(staff: &StaffRequest, campaign: &Campaign) -> Result<Response, AppError> {
    let (id, name) = (campaign.id, campaign.title().to_owned());
    let title = AppError::Locked { campaign: id }.to_string();
    let under_way = already_sending(staff.db(), staff.store_id(), id).await?;
    let page = Page::new(title, Nav::Campaigns, move || {
        view! {
            <Crumbs links=vec![("Campaigns", "/marketing/campaigns")] here=name/>
            <LockedCampaign campaign=id may_send=true under_way/>
        }
        .into_any()
    });
    Ok(staff.show(page).await)
}
