//! Mailgun. It keeps the Message-ID we give and names it in its events; each is signed inside its
//! body: HMAC-SHA256 of timestamp and token with the account's HTTP webhook signing key
//! (documentation.mailgun.com, "Securing Webhooks" and "Event Structure").

use serde::Deserialize;
use serde_json::Value;

use super::{Event, OurId, Posted, Refused, Told, is_fresh, is_signed};

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

pub(super) fn read(posted: Posted<'_>, secret: &str) -> Result<Option<Event>, Refused> {
    // The proof is inside: what cannot be read proves nothing.
    let Body { signature, data } = serde_json::from_slice(posted.body).map_err(|_| Refused::NotTheirs)?;
    let timestamp = match &signature.timestamp {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let proof = hex::decode(&signature.signature).map_err(|_| Refused::NotTheirs)?;
    let parts = [timestamp.as_bytes(), signature.token.as_bytes()];
    if !is_fresh(&timestamp, posted.now) || !is_signed(secret.as_bytes(), &parts, &proof) {
        return Err(Refused::NotTheirs);
    }
    let told = match data.event.as_str() {
        "accepted" => Told::Had("accepted"),
        "delivered" => Told::Had("delivered"),
        // It tried, and the mailbox did not take it: it had the message.
        "failed" => Told::Had("bounced"),
        "opened" => Told::Had("opened"),
        "clicked" => Told::Had("clicked"),
        "unsubscribed" => Told::Had("unsubscribed"),
        "complained" => Told::Had("reported as spam"),
        "rejected" => Told::NeverTook(data.reject.and_then(|r| r.reason).unwrap_or_default()),
        _ => return Ok(None),
    };
    let id = data.message.headers.message_id.as_deref().and_then(OurId::parse);
    Ok(id.map(|message| Event { message, told }))
}
