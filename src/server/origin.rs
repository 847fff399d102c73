//! Cross-site requests change nothing. The framework does not check where a request comes from,
//! so this layer does: `Sec-Fetch-Site`, and for browsers without it the `Origin` header.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::context::AppState;

/// Paths that others are meant to post to: mailbox providers' one-click unsubscribe (RFC 8058), and
/// what mail providers tell.
const OPEN: [&str; 2] = ["/u/", "/hooks/email/"];

/// Refuses unsafe requests from elsewhere with 403.
pub async fn same_site_only(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || is_open(request.uri().path()) || comes_from_here(request.headers(), &state.settings.base_url) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, "This request came from another site.").into_response()
}

/// Whether others are meant to post there.
pub(crate) fn is_open(path: &str) -> bool {
    OPEN.iter().any(|open| path.starts_with(open))
}

/// Where a request comes from is told by itself; its `Host` is one of ours by now.
fn comes_from_here(headers: &HeaderMap, base_url: &str) -> bool {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    match (text("origin"), text(header::HOST.as_str())) {
        (Some(origin), host) => {
            let host_of_origin = origin.split_once("://").map(|(_, h)| h);
            origin == base_url || (host_of_origin.is_some() && host_of_origin == host)
        }
        (None, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, header::HeaderValue::from_static(value));
        }
        comes_from_here(&headers, "https://loupe.example.com")
    }

    #[test]
    fn only_this_site_may_change_anything() {
        assert!(asks(&[("sec-fetch-site", "same-origin")]));
        assert!(asks(&[("origin", "https://loupe.example.com")]));
        assert!(asks(&[("origin", "http://127.0.0.1:3000"), ("host", "127.0.0.1:3000")]));
        assert!(!asks(&[("sec-fetch-site", "cross-site")]));
        assert!(!asks(&[("sec-fetch-site", "same-site")]));
        assert!(!asks(&[
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://loupe.example.com")
        ]));
        assert!(!asks(&[
            ("origin", "https://evil.example.com"),
            ("host", "loupe.example.com")
        ]));
        assert!(!asks(&[("origin", "null")]));
        assert!(!asks(&[]));
    }
}
