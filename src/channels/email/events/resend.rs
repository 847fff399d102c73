//! Resend. Its events name the Message-ID and are signed as Svix does it: HMAC-SHA256 of id,
//! timestamp and body (resend.com/docs: "Verify webhooks requests"; `data.message_id`: resend-node,
//! pull request 1041). A message with a key it has seen within 24 hours is not sent again
//! (resend.com/docs: "Idempotency keys").

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;

use super::{Event, EventKind, OurId, Posted, Refused, header, is_fresh, is_signed};

/// Its mail servers are here.
pub(super) const DOMAIN: &str = "resend.com";
/// Takes the key of a message to Resend: at most 256 characters.
pub(super) const KEY_FIELD: &str = "Resend-Idempotency-Key";

#[derive(Deserialize)]
struct Body {
    r#type: String,
    #[serde(default)]
    data: Data,
}

#[derive(Default, Deserialize)]
struct Data {
    message_id: Option<String>,
    failed: Option<Failed>,
}

#[derive(Deserialize)]
struct Failed {
    reason: Option<String>,
}

/// The bytes that sign, from the secret as Resend shows it.
pub(super) fn signing_key(secret: &str) -> Option<Vec<u8>> {
    let key = STANDARD.decode(secret.strip_prefix("whsec_")?).ok()?;
    (!key.is_empty()).then_some(key)
}

pub(super) fn read(posted: Posted<'_>, secret: &str) -> Result<Option<Event>, Refused> {
    let id = header(posted.headers, "svix-id")?;
    let timestamp = header(posted.headers, "svix-timestamp")?;
    let signatures = header(posted.headers, "svix-signature")?;
    let key = signing_key(secret).ok_or(Refused::NotTheirs)?;
    let parts = [id.as_bytes(), b".", timestamp.as_bytes(), b".", posted.body];
    // Several while a secret is being replaced.
    let is_theirs = signatures
        .split(' ')
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
        .any(|signature| is_signed(&key, &parts, &signature));
    if !is_fresh(timestamp, posted.now) || !is_theirs {
        return Err(Refused::NotTheirs);
    }
    let body: Body = serde_json::from_slice(posted.body).map_err(|_| Refused::NotUnderstood)?;
    let kind = match body.r#type.as_str() {
        "email.sent" => EventKind::Had("sent"),
        "email.delivered" => EventKind::Had("delivered"),
        "email.delivery_delayed" => EventKind::Had("delayed"),
        "email.bounced" => EventKind::Had("bounced"),
        "email.complained" => EventKind::Had("reported as spam"),
        "email.opened" => EventKind::Had("opened"),
        "email.clicked" => EventKind::Had("clicked"),
        // It took the message and then kept it to itself.
        "email.suppressed" => EventKind::Had("suppressed"),
        "email.failed" => EventKind::NeverTook(body.data.failed.and_then(|f| f.reason).unwrap_or_default()),
        _ => return Ok(None),
    };
    let id = body.data.message_id.as_deref().and_then(OurId::parse);
    Ok(id.map(|message| Event { message, kind }))
}
