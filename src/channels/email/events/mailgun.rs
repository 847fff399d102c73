//! Mailgun. It keeps the Message-ID we give and names it in its events; each is signed inside its
//! body: HMAC-SHA256 of timestamp and token with the account's HTTP webhook signing key
//! (documentation.mailgun.com, "Securing Webhooks" and "Event Structure").

use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::Value;

use super::{Event, EventKind, FRESH, OurId, Posted, Proved, Refused, is_signed, moment};

/// It posts again for eight hours what was not taken, signed as it was the first time. So long a signature
/// is believed; its token is accepted once.
const BELIEVED: TimeDelta = TimeDelta::hours(24);

#[derive(Deserialize)]
struct Body {
    signature: Signature,
    #[serde(rename = "event-data")]
    data: Data,
}

#[derive(Deserialize)]
struct Signature {
    /// Seconds since 1970: a text in the examples, a number in the table of fields.
    timestamp: Value,
    token: String,
    signature: String,
}

#[derive(Deserialize)]
struct Data {
    event: String,
    /// Of a failure: permanent or temporary.
    severity: Option<String>,
    #[serde(default)]
    message: Message,
    reject: Option<Reject>,
}

#[derive(Default, Deserialize)]
struct Message {
    #[serde(default)]
    headers: Headers,
}

#[derive(Default, Deserialize)]
struct Headers {
    #[serde(rename = "message-id")]
    message_id: Option<String>,
}

#[derive(Deserialize)]
struct Reject {
    reason: Option<String>,
}

pub(super) fn read(posted: Posted<'_>, secret: &str) -> Result<Proved, Refused> {
    // The proof is inside: what cannot be read proves nothing.
    let Body { signature, data } = serde_json::from_slice(posted.body).map_err(|_| Refused::NotTheirs)?;
    let timestamp = match &signature.timestamp {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let proof = hex::decode(&signature.signature).map_err(|_| Refused::NotTheirs)?;
    let parts = [timestamp.as_bytes(), signature.token.as_bytes()];
    let at = moment(&timestamp).filter(|_| is_signed(secret.as_bytes(), &parts, &proof));
    match at.map(|at| posted.now - at) {
        Some(age) if age < -FRESH => return Err(Refused::TooEarly),
        Some(age) if age <= BELIEVED => {}
        _ => return Err(Refused::NotTheirs),
    }
    Ok(Proved {
        event: event(data),
        token: Some(signature.token),
    })
}

fn event(data: Data) -> Option<Event> {
    let kind = match data.event.as_str() {
        "accepted" => EventKind::Had("accepted"),
        "delivered" => EventKind::Had("delivered"),
        // It tried, and the mailbox did not take it: it had the message.
        "failed" if data.severity.as_deref() == Some("temporary") => EventKind::Had("delayed"),
        "failed" => EventKind::Had("bounced"),
        "opened" => EventKind::Had("opened"),
        "clicked" => EventKind::Had("clicked"),
        "unsubscribed" => EventKind::Had("unsubscribed"),
        "complained" => EventKind::Had("reported as spam"),
        "rejected" => EventKind::NeverTook(data.reject.and_then(|r| r.reason).unwrap_or_default()),
        _ => return None,
    };
    let message = data.message.headers.message_id.as_deref().and_then(OurId::parse)?;
    Some(Event { message, kind })
}
