//! Text that not every database can keep, a zero character or bytes that are not UTF-8, is refused
//! in one place, before anything reads it.

use axum::{
    extract::Request,
    http::request::Parts,
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::origin;
use crate::error::AppError;

/// The content type of plain forms.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// Whether the headers name this content type, whatever they add to it.
pub(crate) fn has_type(parts: &Parts, wanted: &str) -> bool {
    content_type(parts).is_some_and(|is| is.eq_ignore_ascii_case(wanted))
}

/// The content type without its parameters.
pub(crate) fn content_type(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(axum::http::header::CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(str::trim)
}

/// There is nothing at an address that can't be read.
pub(crate) async fn refuse_addresses(request: Request, next: Next) -> Response {
    let uri = request.uri();
    if is_text(uri.path().as_bytes()) && uri.query().is_none_or(|query| is_text(query.as_bytes())) {
        next.run(request).await
    } else {
        AppError::NotFound.into_response()
    }
}

/// Why a form or a call can't be read. What others are meant to post is theirs to say: an
/// unsubscription counts whatever is written beside it.
pub(crate) fn problem_of(parts: &Parts, body: &[u8]) -> Option<AppError> {
    let is_fine = if origin::is_open(parts.uri.path()) {
        true
    } else if has_type(parts, JSON) {
        is_json_text(body)
    } else {
        is_text(body)
    };
    (!is_fine).then(|| AppError::Refused {
        words: "There is a character in this that can't be kept. Take it out and try again.".to_owned(),
        back_to: None,
    })
}

/// Whether percent-encoded bytes are text.
fn is_text(encoded: &[u8]) -> bool {
    let bytes = decoded(encoded);
    !bytes.contains(&0) && std::str::from_utf8(&bytes).is_ok()
}

fn decoded(encoded: &[u8]) -> Vec<u8> {
    let digit = |at: usize| {
        let digit = char::from(*encoded.get(at)?).to_digit(16)?;
        u8::try_from(digit).ok()
    };
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut at = 0;
    while let Some(byte) = encoded.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(high * 16 + low);
                at += 3;
            }
            (byte, ..) => {
                bytes.push(*byte);
                at += 1;
            }
        }
    }
    bytes
}

/// Whether the texts of a call are. What is no JSON at all is refused by whoever reads it.
fn is_json_text(body: &[u8]) -> bool {
    if body.contains(&0) || std::str::from_utf8(body).is_err() {
        return false;
    }
    // Only an escape can hold one, and few bodies have such a thing.
    let may_hold_one = body.windows(5).any(|part| part == b"u0000");
    !may_hold_one || serde_json::from_slice(body).map_or(true, |value: Value| !holds_zero(&value))
}

fn holds_zero(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(holds_zero),
        Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| name.contains('\0') || holds_zero(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zero_is_found_however_it_is_written() {
        for fine in ["", "q=a%20b", "q=%E2%82%AC", "%", "%0", "%zz", "100%&x=%250", "q=%2500"] {
            assert!(is_text(fine.as_bytes()), "{fine}");
        }
        for wrong in ["%00", "q=a%00b", "q=\0", "%ff", "%C3", "%ED%A0%80"] {
            assert!(!is_text(wrong.as_bytes()), "{wrong}");
        }
        for fine in [
            r#"{"a":"u0000"}"#,
            r#"{"a":"\\u0000"}"#,
            r#"{"a":"\u00e9"}"#,
            "{",
            "[1,null]",
        ] {
            assert!(is_json_text(fine.as_bytes()), "{fine}");
        }
        for wrong in [r#"{"a":"\u0000"}"#, r#"[{"\u0000":1}]"#, r#"["x",["\\\u0000"]]"#] {
            assert!(!is_json_text(wrong.as_bytes()), "{wrong}");
        }
        assert!(!is_json_text(b"\"\0\"") && !is_json_text(b"\"\xff\""));
    }
}
