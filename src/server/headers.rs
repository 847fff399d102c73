//! The headers of every answer (reliability and security: ASVS 3.4.1–3.4.6).

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};

use crate::context::AppState;

/// The policy of a page. Only scripts with the nonce run; WebAssembly may compile; nothing is
/// fetched from elsewhere; nobody frames us but ourselves.
pub fn page_policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; \
         base-uri 'none'; object-src 'none'; frame-ancestors 'none'; manifest-src 'self'"
    )
}

/// The policy of a message shown to staff: nothing runs, nothing posts, no cookie is readable;
/// only our own pages may frame it.
pub const MESSAGE_POLICY: &str = "sandbox; default-src 'none'; img-src https: data:; style-src 'unsafe-inline'; \
     frame-ancestors 'self'; base-uri 'none'; form-action 'none'";

/// The policy of a message in the built-in outbox: as above, and its pictures are not fetched
/// either, so that looking at it tells nobody anything.
pub const OUTBOX_POLICY: &str = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; \
     frame-ancestors 'self'; base-uri 'none'; form-action 'none'";

/// The policy of whatever names none of its own.
const PLAIN_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'";

/// Seconds after which whoever was told that something is away may ask again.
const RETRY_AFTER: &str = "30";

/// Puts the headers on.
pub async fn harden(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        let after = HeaderValue::from_static(RETRY_AFTER);
        response.headers_mut().entry(header::RETRY_AFTER).or_insert(after);
    }
    let headers = response.headers_mut();
    let mut put = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::REFERRER_POLICY, "same-origin");
    put(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    put(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    put(
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=()",
    );
    put(header::CONTENT_SECURITY_POLICY, PLAIN_POLICY);
    put(header::CACHE_CONTROL, "no-store");
    put(header::VARY, "sec-fetch-site, origin, accept");
    if state.settings.https() {
        put(header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains");
    }
    response
}
