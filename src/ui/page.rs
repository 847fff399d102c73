//! A page and how it becomes a response.

use std::sync::{Arc, Mutex};

use axum::{
    body::Body,
    http::{HeaderValue, Request, StatusCode, header},
    response::Response,
};
use leptos::{nonce::Nonce, prelude::*};

use super::shell::{self, Nav};
use crate::server::{
    headers::page_policy,
    page_request::{PageRequest, StaffRequest},
};

type View = Box<dyn FnOnce() -> AnyView + Send>;

/// One page: its title, where it stands, and what is on it.
pub struct Page {
    pub title: String,
    pub nav: Nav,
    /// Whether parts of it run in the browser. Pages without islands ship no code at all.
    pub islands: bool,
    pub status: StatusCode,
    /// Without navigation: signing in, setting up.
    pub bare: bool,
    view: View,
}

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Page")
            .field("title", &self.title)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Page {
    /// A page with this title (its `<h1>`), below this entry of the navigation. The closure runs
    /// once, on the server; load everything before it.
    pub fn new<V: IntoView + 'static>(
        title: impl Into<String>,
        nav: Nav,
        view: impl FnOnce() -> V + Send + 'static,
    ) -> Self
    where
        AnyView: From<V>,
    {
        Self {
            title: title.into(),
            nav,
            islands: false,
            status: StatusCode::OK,
            bare: false,
            view: Box::new(move || AnyView::from(view())),
        }
    }

    /// Parts of it run in the browser.
    pub fn with_islands(mut self) -> Self {
        self.islands = true;
        self
    }

    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Without navigation.
    pub fn bare(mut self) -> Self {
        self.bare = true;
        self
    }
}

/// Renders a page inside the shell.
pub async fn render(visit: &PageRequest, staff: Option<&StaffRequest>, page: Page) -> Response {
    let nonce = crate::tokens::public();
    let status = page.status;
    let system = match staff {
        Some(_) => Some(shell::SystemLine::of(visit).await),
        None => None,
    };
    let frame = shell::Frame::of(visit, staff, system, &page);
    let view = Arc::new(Mutex::new(Some(page.view)));
    let context = {
        let nonce = Nonce::from_value(nonce.clone());
        move || provide_context(nonce.clone())
    };
    let handler = leptos_axum::render_app_async_with_context(context, move || {
        let body = view.lock().ok().and_then(|mut slot| slot.take());
        shell::html(frame.clone(), move || body.map(|build| build()))
    });
    let request = Request::from_parts(visit.parts.clone(), Body::empty());
    let mut response = handler(request).await;
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&page_policy(&nonce)) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if visit.flash.is_some() {
        headers.append(
            header::SET_COOKIE,
            HeaderValue::from_static("flash=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"),
        );
    }
    response
}
