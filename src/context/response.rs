//! What a server function can say beside its value: cookies, and where to go next.

use std::net::SocketAddr;

use axum::{
    extract::ConnectInfo,
    http::{HeaderName, HeaderValue, header, request::Parts},
};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

use axum::http::HeaderMap;

use super::AppState;

use crate::error::AppError;

/// The request being answered.
#[derive(Clone, Debug)]
pub struct Respond {
    parts: Parts,
    options: ResponseOptions,
}

/// The request being answered. Take it before the first `.await`.
pub fn response_context() -> Result<Respond, AppError> {
    match (use_context::<Parts>(), use_context::<ResponseOptions>()) {
        (Some(parts), Some(options)) => Ok(Respond { parts, options }),
        _ => Err(AppError::Internal {
            reference: "context".to_owned(),
        }),
    }
}

impl Respond {
    /// A cookie the request carries.
    pub fn cookie(&self, name: &str) -> Option<String> {
        crate::context::response::cookie_value(&self.parts.headers, name)
    }

    /// Sets a cookie.
    pub fn set_cookie(&self, cookie: &str) {
        if let Ok(value) = HeaderValue::from_str(cookie) {
            self.options.append_header(header::SET_COOKIE, value);
        }
    }

    /// Sends a form's sender to this path; an island is told the path and goes itself.
    pub fn redirect(&self, path: &str) {
        if let Ok(value) = HeaderValue::from_str(path) {
            self.options.insert_header(header::LOCATION, value);
            self.options.insert_header(
                HeaderName::from_static("serverfnredirect"),
                HeaderValue::from_static(""),
            );
        }
    }

    /// Where the request comes from.
    pub fn device(&self, state: &AppState) -> Device {
        let ip = address(&self.parts, state);
        let user_agent = self
            .parts
            .headers
            .get(header::USER_AGENT)
            .and_then(|v| v.to_str().ok())
            .map(|v| v.chars().take(200).collect());
        Device { ip, user_agent }
    }
}

/// The network address a request comes from. What a header says is believed of our own proxies
/// only.
pub fn address(parts: &Parts, state: &AppState) -> Option<String> {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip();
    let forwarded = parts
        .headers
        .get_all("x-forwarded-for")
        .iter()
        .map(HeaderValue::as_bytes);
    Some(state.settings.trusted_proxies.client(peer, forwarded).to_string())
}

/// A path on this site, or nothing: `//evil.example.com` and `https:…` lead elsewhere.
pub fn own_path(text: &str) -> Option<&str> {
    let fine = text.starts_with('/')
        && !text.starts_with("//")
        && !text.starts_with("/\\")
        && text.chars().all(|c| c.is_ascii_graphic());
    fine.then_some(text)
}

/// Where and with what somebody signs in.
#[derive(Clone, Debug, Default)]
pub struct Device {
    pub ip: Option<String>,
    pub user_agent: Option<String>,
}

/// The value of one cookie of a request.
pub fn cookie_value(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|h| h.to_str().ok())
        .flat_map(|h| h.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(n, _)| *n == name)
        .map(|(_, v)| v.to_owned())
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn only_paths_of_this_site_are_followed() {
        assert_eq!(own_path("/customers/3?tab=x"), Some("/customers/3?tab=x"));
        for elsewhere in [
            "//evil.example.com",
            "https://evil.example.com",
            "/\\evil",
            "",
            "javascript:1",
            "/a\r\nb",
        ] {
            assert_eq!(own_path(elsewhere), None, "{elsewhere}");
        }
    }
}
