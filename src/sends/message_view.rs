//! The exact message somebody was sent, again: rendered from what was frozen then, never from
//! what campaign or customer say today.

use std::collections::{HashMap, hash_map::Entry};

use super::queries::{self, SendRecord};
use crate::{
    db::Db,
    error::AppError,
    messages::timeline::{MessageRow, TimelineRow},
    rendering::{self, Compiled, Person, Rendered},
    stores::model::Store,
    time,
};

/// Staff read what customers got, and never act for them: the link to unsubscribe leads nowhere.
pub(crate) const NO_LINK: &str = "#";

/// The frozen message of a send, ready for everybody. It was compiled before it was frozen, so a
/// failure here is our own.
pub fn compiled(send: &SendRecord) -> Result<Compiled, AppError> {
    let fallbacks = serde_json::from_str(&send.fallbacks)?;
    let source = rendering::Source {
        subject: &send.subject,
        body: &send.body,
        fallbacks: &fallbacks,
        store_name: &send.store_name,
        footer: &send.footer,
        signature: &send.signature,
        lang: super::freezing::LANGUAGE,
    };
    rendering::compile(source)
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
            rendering::next_anniversary(month, day, time::today(send.started_at, zone)).unwrap_or_default()
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

pub(crate) fn rendered(send: &SendRecord, store: &Store, row: &MessageRow) -> Result<Rendered, AppError> {
    let anniversary = anniversary_words(send, store.zone(), row.anniversary_month, row.anniversary_day);
    let person = Person {
        first_name: &row.first_name,
        last_name: &row.last_name,
        next_anniversary: &anniversary,
        unsubscribe_url: NO_LINK,
    };
    Ok(compiled(send)?.render(&person))
}
