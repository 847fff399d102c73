//! The exact message somebody was sent, as a page or a part of one.

use axum::{
    extract::{Path, Query},
    http::header,
    response::{IntoResponse, Response},
};

use serde::Deserialize;

use crate::{
    context::actor::Permission,
    error::AppError,
    messages::timeline as messages,
    rendering::{Person, Rendered},
    sends::{
        message_view::{NO_LINK, compiled, rendered},
        rules::existing,
    },
    server::{headers::MESSAGE_POLICY, page_request::StaffRequest},
};

/// How the message is to be shown.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct How {
    /// "text" for the plain-text part.
    part: String,
}

/// `GET /messages/{id}/view`: one person's message.
pub async fn message(staff: StaffRequest, Path(id): Path<i64>, Query(how): Query<How>) -> Result<Response, AppError> {
    staff.allow(Permission::SeeCampaigns)?;
    let row = messages::message(staff.db(), staff.store_id(), id)
        .await?
        .ok_or(AppError::NotFound)?;
    let send = existing(staff.db(), staff.store_id(), row.send_id).await?;
    let rendered = rendered(&send, &staff.store, &row)?;
    Ok(answer(rendered, &how))
}

/// `GET /sends/{id}/view`: the message as it was frozen, for somebody without a name.
pub async fn send(staff: StaffRequest, Path(id): Path<i64>, Query(how): Query<How>) -> Result<Response, AppError> {
    staff.allow(Permission::SeeCampaigns)?;
    let send = existing(staff.db(), staff.store_id(), id).await?;
    let person = Person {
        unsubscribe_url: NO_LINK,
        ..Person::default()
    };
    Ok(answer(compiled(&send)?.render(&person), &how))
}

pub(crate) fn answer(rendered: Rendered, how: &How) -> Response {
    let (kind, body) = match how.part.as_str() {
        "text" => ("text/plain; charset=utf-8", rendered.text),
        _ => ("text/html; charset=utf-8", rendered.html),
    };
    (
        [
            (header::CONTENT_TYPE, kind),
            (header::CONTENT_SECURITY_POLICY, MESSAGE_POLICY),
        ],
        body,
    )
        .into_response()
}
