//! Postmark. It gives back as metadata what we send in a header field of that name, and proves
//! itself with the user and password of the webhook (postmarkapp.com/developer: "Webhooks
//! overview", "Delivery webhook", "Custom metadata FAQ").

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::header::AUTHORIZATION;
use serde::Deserialize;
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;

use super::{Event, EventKind, OurId, Posted, Refused, header};

/// Takes our id to Postmark; it does not reach the recipient.
pub(super) const ID_FIELD: &str = "X-PM-Metadata-loupe-message";
/// What comes back.
const ID_KEY: &str = "loupe-message";

/// Who signs in to post events.
pub const USER: &str = "loupe";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    record_type: String,
    #[serde(default)]
    metadata: Map<String, Value>,
}

pub(super) fn read(posted: Posted<'_>, secret: &str) -> Result<Option<Event>, Refused> {
    let given = header(posted.headers, AUTHORIZATION.as_str())?;
    let given = given.strip_prefix("Basic ").ok_or(Refused::NotTheirs)?;
    let given = STANDARD.decode(given.trim()).map_err(|_| Refused::NotTheirs)?;
    let wanted = format!("{USER}:{secret}");
    if !bool::from(given.ct_eq(wanted.as_bytes())) {
        return Err(Refused::NotTheirs);
    }
    let body: Body = serde_json::from_slice(posted.body).map_err(|_| Refused::NotUnderstood)?;
    let kind = match body.record_type.as_str() {
        "Delivery" => EventKind::Had("delivered"),
        "Bounce" => EventKind::Had("bounced"),
        "SpamComplaint" => EventKind::Had("reported as spam"),
        "Open" => EventKind::Had("opened"),
        "Click" => EventKind::Had("clicked"),
        _ => return Ok(None),
    };
    // The name of a header field may arrive in any case.
    let id = body.metadata.iter().find(|(key, _)| key.eq_ignore_ascii_case(ID_KEY));
    let id = id.and_then(|(_, value)| value.as_str()).and_then(OurId::parse);
    Ok(id.map(|message| Event { message, kind }))
}
