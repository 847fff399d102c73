//! Plain forms, without JavaScript, over the same server functions the islands call.
//!
//! One layer turns a server function's answer into what a form needs: success into a redirect, a
//! mistake into the form again with what was typed and what to mend, a refusal into a page with
//! the right status. Callers that are not forms get the error as JSON with that status.

use axum::{
    Json,
    body::{Body, Bytes, to_bytes},
    extract::{FromRequest, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::{page_request::PageRequest, readable};
use crate::{
    api,
    context::{
        AppState,
        response::{cookie_value, own_path},
    },
    error::{AppError, Problem},
    ui::pages::unavailable,
};

/// Largest body of a server function, in bytes; files go through their own route.
pub const LARGEST_FORM: usize = 1024 * 1024;

/// Cookies end at 4 kB; what does not fit is left out of the echo.
const LARGEST_FLASH: usize = 3000;

/// What a refused form leaves for the page it came from: shown once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    pub problems: Vec<Problem>,
    /// What was typed, without secrets: (name, value).
    pub typed: Vec<(String, String)>,
}

impl Flash {
    /// What a request carries.
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(cookie_value(headers, "flash")?).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// What was typed into a field.
    pub fn typed(&self, name: &str) -> Option<&str> {
        self.typed.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The cookie that carries it, without passwords, and without the longest values if it would
    /// not fit.
    fn cookie(mut self, https: bool) -> Option<HeaderValue> {
        let secure = if https { "; Secure" } else { "" };
        self.typed.retain(|(name, _)| !name.contains("password"));
        loop {
            let text = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&self).ok()?);
            if text.len() <= LARGEST_FLASH {
                let cookie = format!("flash={text}; Path=/; HttpOnly; SameSite=Lax; Max-Age=60{secure}");
                return HeaderValue::from_str(&cookie).ok();
            }
            let longest = self
                .typed
                .iter()
                .enumerate()
                .max_by_key(|(_, (_, v))| v.len())
                .map(|(i, _)| i)?;
            self.typed.remove(longest);
        }
    }
}

/// The layer over `/api`.
pub async fn answer_forms(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let accepts_html = parts
        .headers
        .get(header::ACCEPT)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.contains("text/html"));
    let Ok(bytes) = to_bytes(body, LARGEST_FORM).await else {
        return too_much();
    };
    let visit = PageRequest::new(&parts, &state);
    if accepts_html {
        // The framework would answer forms by itself, with errors in the address.
        parts
            .headers
            .insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    }
    let response = match hindrance(&parts, &bytes) {
        Some(error) => answered(&error),
        None => next.run(Request::from_parts(parts, Body::from(bytes.clone()))).await,
    };
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        return response;
    }
    match (accepts_html, response.status().is_success()) {
        (true, true) => after_success(&visit, response),
        (true, false) => after_failure(&visit, response, &bytes).await,
        (false, true) => response,
        (false, false) => with_status(response).await,
    }
}

fn too_much() -> Response {
    (StatusCode::PAYLOAD_TOO_LARGE, "That is too much for one form.").into_response()
}

/// Why a call is not even tried: it is not known who asks, it can't be read, or it is written
/// otherwise than the function reads.
fn hindrance(parts: &Parts, body: &Bytes) -> Option<AppError> {
    if let Some(unknown) = parts.extensions.get::<AppError>() {
        return Some(unknown.clone());
    }
    let is_written_so = match (api::content_type(parts.uri.path()), readable::content_type(parts)) {
        (Some(read), Some(written)) => read.eq_ignore_ascii_case(written),
        (Some(_), None) => body.is_empty(),
        (None, _) => true,
    };
    if !is_written_so {
        return Some(AppError::not_whole());
    }
    readable::problem_of(parts, body)
}

/// As a server function answers with an error.
fn answered(error: &AppError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(error)).into_response()
}

/// The path of the page a form was on. A referer of another site is not followed.
fn referer_path(visit: &PageRequest) -> Option<String> {
    let text = |name: header::HeaderName| visit.parts.headers.get(name).and_then(|v| v.to_str().ok());
    let referer = text(header::REFERER)?;
    let own = referer.strip_prefix(visit.state.settings.base_url.as_str());
    let of_host = || {
        let after_scheme = referer.split_once("://").map(|(_, rest)| rest)?;
        after_scheme.strip_prefix(text(header::HOST)?)
    };
    own.filter(|path| path.starts_with('/'))
        .or_else(|| of_host().filter(|path| path.starts_with('/')))
        .and_then(own_path)
        .map(str::to_owned)
}

fn see_other(path: &str) -> Response {
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

fn keep_cookies(from: &Response, to: &mut Response) {
    for cookie in from.headers().get_all(header::SET_COOKIE) {
        to.headers_mut().append(header::SET_COOKIE, cookie.clone());
    }
}

fn after_success(visit: &PageRequest, response: Response) -> Response {
    let wanted = response
        .headers()
        .get(header::LOCATION)
        .and_then(|v| v.to_str().ok())
        .map(str::to_owned);
    let path = wanted.or_else(|| referer_path(visit)).unwrap_or_else(|| "/".to_owned());
    let mut answer = see_other(&path);
    keep_cookies(&response, &mut answer);
    answer
}

async fn after_failure(visit: &PageRequest, response: Response, form: &Bytes) -> Response {
    let error = error_of(response).await;
    let here = referer_path(visit).unwrap_or_else(|| "/".to_owned());
    let typed = pairs(form).await;
    let https = visit.state.settings.https();
    let flash = |problems: Vec<Problem>, typed, path: &str| {
        let mut answer = see_other(path);
        if let Some(cookie) = (Flash { problems, typed }).cookie(https) {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
        answer
    };
    match error {
        AppError::Invalid {
            kept_at: Some(path), ..
        } => see_other(&path),
        AppError::Invalid {
            problems,
            kept_at: None,
        } => flash(problems, typed, &here),
        AppError::TooMany { .. } => flash(vec![Problem::new("email", error.to_string())], typed, &here),
        AppError::Refused { words, back_to } => flash(vec![Problem::new("", words)], typed, &back_to.unwrap_or(here)),
        AppError::Unavailable { why } => unavailable::show(visit, why, Some(typed)).await,
        other => other.into_page(visit).await,
    }
}

/// The fields of a form: (name, value).
async fn pairs(form: &Bytes) -> Vec<(String, String)> {
    let request = axum::http::Request::post("/")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form.clone()));
    match request {
        Ok(request) => axum::Form::from_request(request, &())
            .await
            .map(|form| form.0)
            .unwrap_or_default(),
        Err(_) => Vec::new(),
    }
}

async fn with_status(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, LARGEST_FORM).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    if let Ok(error) = serde_json::from_slice::<AppError>(&bytes) {
        parts.status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    }
    Response::from_parts(parts, Body::from(bytes))
}

async fn error_of(response: Response) -> AppError {
    let status = response.status();
    match to_bytes(response.into_body(), LARGEST_FORM).await {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|_| match status {
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => AppError::NotFound,
            _ => AppError::internal(&format!("an answer of {status} that is no error of ours")),
        }),
        Err(error) => AppError::internal(&error),
    }
}

impl AppError {
    /// The page that says it: signing in for somebody signed out, else a page with the status.
    pub async fn into_page(self, visit: &PageRequest) -> Response {
        if self == AppError::SignedOut {
            let (back, unsaved) = match visit.parts.method {
                axum::http::Method::GET => (visit.parts.uri.path_and_query().map(|p| p.as_str().to_owned()), ""),
                _ => (referer_path(visit), "&unsaved=1"),
            };
            let next = back
                .map(|p| format!("?next={}{unsaved}", crate::paths::encode(&p)))
                .unwrap_or_default();
            return see_other(&format!("/login{next}"));
        }
        if let AppError::Unavailable { why } = self {
            return unavailable::show(visit, why, None).await;
        }
        crate::ui::pages::problem::show(visit, self).await
    }
}

impl IntoResponse for AppError {
    /// Marks the response; the layer over the pages turns it into a page.
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, self.to_string()).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The layer over the pages: a failure becomes a page that says what happened.
pub async fn failures_as_pages(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let visit = PageRequest::new(&parts, &state);
    // A form is kept, so that it can be sent once more; a file is not.
    let (body, form) = if readable::has_type(&parts, readable::FORM) {
        let Ok(bytes) = to_bytes(body, LARGEST_FORM).await else {
            return too_much();
        };
        (Body::from(bytes.clone()), Some(bytes))
    } else {
        (body, None)
    };
    let unreadable = || form.as_ref().and_then(|form| readable::problem_of(&parts, form));
    let hindrance = parts.extensions.get::<AppError>().cloned().or_else(unreadable);
    let error = match hindrance {
        Some(error) => error,
        None => {
            let mut response = next.run(Request::from_parts(parts, body)).await;
            match response.extensions_mut().remove::<AppError>() {
                Some(error) => error,
                None => return response,
            }
        }
    };
    match (error, form) {
        (AppError::Unavailable { why }, Some(form)) => unavailable::show(&visit, why, Some(pairs(&form).await)).await,
        (error, _) => error.into_page(&visit).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flash_never_carries_a_password_and_always_fits() {
        let flash = Flash {
            problems: vec![Problem::new("email", "x")],
            typed: vec![
                ("email".into(), "a@example.com".into()),
                ("password".into(), "secret-secret".into()),
                ("notes".into(), "n".repeat(9000)),
            ],
        };
        let value = flash
            .cookie(true)
            .and_then(|v| v.to_str().map(str::to_owned).ok())
            .unwrap_or_default();
        assert!(value.len() < 3200 && !value.is_empty());
        let mut headers = HeaderMap::new();
        let pair = value.split(';').next().unwrap_or_default();
        headers.insert(
            header::COOKIE,
            HeaderValue::from_str(pair).unwrap_or(HeaderValue::from_static("")),
        );
        let back = Flash::read(&headers).unwrap_or_default();
        assert_eq!(back.typed("email"), Some("a@example.com"));
        assert_eq!(back.typed("password"), None);
        assert_eq!(back.typed("notes"), None);
    }
}
