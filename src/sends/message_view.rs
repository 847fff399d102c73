//! The exact message somebody was sent, again: rendered from what was frozen then, never from
//! what campaign or customer say today.

use std::collections::{HashMap, hash_map::Entry};

use axum::{
    extract::{Path, Query},
    http::header,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    queries::{self, SendRecord},
    rules::existing,
};
use crate::{
    auth::model::Permission,
    communications::queries::{self as messages, MessageRow, TimelineRow},
    db::Db,
    error::AppError,
    server::{headers::MESSAGE_POLICY, page_request::StaffRequest},
    stores::model::Store,
    templates::render::{self, Compiled, Person, Rendered},
    time,
};

/// How the message is to be shown.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct How {
    /// "text" for the plain-text part.
    part: String,
}

/// Staff read what customers got, and never act for them: the link to unsubscribe leads nowhere.
const NO_LINK: &str = "#";

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

fn answer(rendered: Rendered, how: &How) -> Response {
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

/// The frozen message of a send, ready for everybody. It was compiled before it was frozen, so a
/// failure here is our own.
pub fn compiled(send: &SendRecord) -> Result<Compiled, AppError> {
    let fallbacks = serde_json::from_str(&send.fallbacks)?;
    let source = render::Source {
        subject: &send.subject,
        body: &send.body,
        fallbacks: &fallbacks,
        store_name: &send.store_name,
        footer: &send.footer,
        signature: &send.signature,
        lang: super::freezing::LANGUAGE,
    };
    render::compile(source)
        .map_err(|found| AppError::internal(&format!("send {} does not compile any more: {}", send.id, found.len())))
}

/// Where a person stops further messages.
pub fn unsubscribe_url(base_url: &str, token: &str) -> String {
    format!("{base_url}/u/{token}")
}

/// The words for a person's next anniversary, as of the day the send was started: the same for
/// every attempt and whenever it is shown again.
pub fn anniversary_words(send: &SendRecord, zone: chrono_tz::Tz, month: Option<i64>, day: Option<i64>) -> String {
    let number = |n: Option<i64>| n.and_then(|n| u32::try_from(n).ok());
    match (number(month), number(day)) {
        (Some(month), Some(day)) => {
            render::next_anniversary(month, day, time::today(send.started_at, zone)).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// The subjects as this customer read them, put into the rows of their history.
pub async fn subjects(db: &Db, store: &Store, rows: &mut [TimelineRow]) -> Result<(), AppError> {
    let mut frozen: HashMap<i64, (SendRecord, Compiled)> = HashMap::new();
    for row in rows.iter_mut() {
        let (send, compiled) = match frozen.entry(row.send_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let send = queries::find(db, store.id, row.send_id)
                    .await?
                    .ok_or(AppError::NotFound)?;
                let compiled = compiled(&send)?;
                place.insert((send, compiled))
            }
        };
        let anniversary = anniversary_words(send, store.zone(), row.anniversary_month, row.anniversary_day);
        row.subject = compiled.subject_for(&Person {
            first_name: &row.first_name,
            last_name: &row.last_name,
            next_anniversary: &anniversary,
            unsubscribe_url: "",
        });
    }
    Ok(())
}

/// The subject as this person read it.
pub fn subject_for(send: &SendRecord, store: &Store, row: &MessageRow) -> Result<String, AppError> {
    let anniversary = anniversary_words(send, store.zone(), row.anniversary_month, row.anniversary_day);
    Ok(compiled(send)?.subject_for(&Person {
        first_name: &row.first_name,
        last_name: &row.last_name,
        next_anniversary: &anniversary,
        unsubscribe_url: "",
    }))
}

/// The subject as somebody reads it of whom nothing is known.
pub fn subject_for_nobody(send: &SendRecord) -> Result<String, AppError> {
    Ok(compiled(send)?.subject_for(&Person::default()))
}

fn rendered(send: &SendRecord, store: &Store, row: &MessageRow) -> Result<Rendered, AppError> {
    let anniversary = anniversary_words(send, store.zone(), row.anniversary_month, row.anniversary_day);
    let person = Person {
        first_name: &row.first_name,
        last_name: &row.last_name,
        next_anniversary: &anniversary,
        unsubscribe_url: NO_LINK,
    };
    Ok(compiled(send)?.render(&person))
}
