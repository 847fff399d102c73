//! `/sends/{id}/recipients.csv`: everybody of a send as a file.

use axum::{
    body::Body,
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
};

use crate::{auth::model::Permission, communications::export, error::AppError, sends, server::visit::Staff};

/// The file, written while it is read.
pub async fn csv(staff: Staff, Path(send_id): Path<i64>) -> Result<Response, AppError> {
    staff.allow(Permission::SeeCampaigns)?;
    let send = sends::store::find(staff.db(), staff.store_id(), send_id)
        .await?
        .ok_or(AppError::NotFound)?;
    let lines = export::csv(staff.db().clone(), staff.store_id(), send.id, staff.zone());
    let name = format!(
        "attachment; filename=\"{}-recipients-{}.csv\"",
        staff.store.slug, send.id
    );
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, Body::from_stream(lines)).into_response())
}
