//! Everybody of a send as a file, `/sends/{id}/recipients.csv`, or of all goes of a campaign,
//! `/marketing/campaigns/{id}/recipients.csv`.

use axum::{
    body::Body,
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
};

use crate::{
    campaigns,
    context::actor::Permission,
    error::AppError,
    messages::{export, goes},
    sends,
    server::page_request::StaffRequest,
};

/// The file, written while it is read.
pub async fn csv(staff: StaffRequest, Path(send_id): Path<i64>) -> Result<Response, AppError> {
    staff.allow(Permission::SeeCampaigns)?;
    let send = sends::queries::find(staff.db(), staff.store_id(), send_id)
        .await?
        .ok_or(AppError::NotFound)?;
    let name = format!("{}-recipients-{}.csv", staff.store.slug, send.id);
    Ok(file(&staff, vec![send.id], &name))
}

/// The file of a campaign: everybody once, with the best that came of it over all its goes.
pub async fn of_campaign(staff: StaffRequest, Path(id): Path<i64>) -> Result<Response, AppError> {
    staff.allow(Permission::SeeCampaigns)?;
    let (db, store) = (staff.db(), staff.store_id());
    campaigns::queries::find(db, store, id)
        .await?
        .ok_or(AppError::NotFound)?;
    let goes = goes::of_campaign(db, store, id).await?;
    let name = format!("{}-campaign-{id}.csv", staff.store.slug);
    Ok(file(&staff, goes.iter().map(|go| go.send).collect(), &name))
}

fn file(staff: &StaffRequest, sends: Vec<i64>, name: &str) -> Response {
    let lines = export::csv(staff.db().clone(), staff.store_id(), sends, staff.zone());
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, Body::from_stream(lines)).into_response()
}
