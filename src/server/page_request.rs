//! A page request: who asks, for which store, and what came along.

use std::collections::HashMap;

use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
    response::Response,
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::forms::Flash;
use crate::{
    context::{
        AppState,
        actor::{Actor, Permission},
        response::cookie_value,
    },
    db::Db,
    error::AppError,
    ids::StoreId,
    stores::{self, model::Store},
    ui::page::Page,
};

/// Anyone's request of a page.
#[derive(Clone, Debug)]
pub struct PageRequest {
    pub state: AppState,
    pub parts: Parts,
    pub now: DateTime<Utc>,
    /// "light" or "dark" when the person chose one.
    pub theme: Option<String>,
    /// What a refused form left behind, to be shown once.
    pub flash: Option<Flash>,
    pub query: HashMap<String, String>,
}

impl PageRequest {
    pub fn new(parts: &Parts, state: &AppState) -> Self {
        let query = Query::<HashMap<String, String>>::try_from_uri(&parts.uri)
            .map(|q| q.0)
            .unwrap_or_default();
        let theme = cookie_value(&parts.headers, "theme").filter(|t| t == "light" || t == "dark");
        let flash = Flash::read(&parts.headers);
        Self {
            state: state.clone(),
            parts: parts.clone(),
            now: state.clock.now(),
            theme,
            flash,
            query,
        }
    }

    pub fn path(&self) -> &str {
        self.parts.uri.path()
    }

    pub fn actor(&self) -> Option<&Actor> {
        self.parts.extensions.get::<Actor>()
    }

    /// The network address the request comes from.
    pub fn address(&self) -> Option<String> {
        crate::context::response::address(&self.parts, &self.state)
    }

    /// A value from the address, trimmed; empty when it is not there.
    pub fn param(&self, name: &str) -> &str {
        self.query.get(name).map_or("", |v| v.trim())
    }

    /// Answers with a page for somebody who is not signed in.
    pub async fn show(&self, page: Page) -> Response {
        crate::ui::page::render(self, None, page).await
    }
}

impl FromRequestParts<AppState> for PageRequest {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, AppError> {
        Ok(PageRequest::new(parts, state))
    }
}

/// A signed-in person's request of a page. Begin every page with [`StaffRequest::allow`].
#[derive(Clone, Debug)]
pub struct StaffRequest {
    pub visit: PageRequest,
    pub actor: Actor,
    pub store: Store,
}

impl StaffRequest {
    /// Refuses with 403 unless the person's role has the permission.
    pub fn allow(&self, permission: Permission) -> Result<(), AppError> {
        if self.actor.may(permission) {
            Ok(())
        } else {
            Err(AppError::Forbidden)
        }
    }

    pub fn db(&self) -> &Db {
        &self.visit.state.db
    }

    pub fn store_id(&self) -> StoreId {
        self.store.id
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.visit.now
    }

    pub fn zone(&self) -> Tz {
        self.store.zone()
    }

    pub fn param(&self, name: &str) -> &str {
        self.visit.param(name)
    }

    /// Answers with a page.
    pub async fn show(&self, page: Page) -> Response {
        crate::ui::page::render(&self.visit, Some(self), page).await
    }
}

impl FromRequestParts<AppState> for StaffRequest {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, AppError> {
        let visit = PageRequest::new(parts, state);
        if let Some(unknown) = parts.extensions.get::<AppError>() {
            return Err(unknown.clone());
        }
        let actor = visit.actor().cloned().ok_or(AppError::SignedOut)?;
        let store = stores::queries::find(&state.db, actor.store_id)
            .await?
            .ok_or(AppError::SignedOut)?;
        Ok(StaffRequest { visit, actor, store })
    }
}
