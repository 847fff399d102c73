//! The first line of every server function: who asks, and may they?

use std::sync::Arc;

use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use leptos::prelude::use_context;
use tokio::sync::OnceCell;

use super::actor::{Actor, Permission};
use crate::{
    context::AppState,
    db::Db,
    error::AppError,
    ids::StoreId,
    stores::{self, model::Store},
};

/// What a server function works with, once its guard has let it in.
#[derive(Clone, Debug)]
pub struct Ctx {
    pub state: AppState,
    pub actor: Actor,
    /// The moment of this request; asked once.
    pub now: DateTime<Utc>,
    /// The store, once somebody has asked for it.
    shop: Arc<OnceCell<Store>>,
}

impl Ctx {
    /// What a person asks for at a moment, who is let in already.
    pub fn new(state: AppState, actor: Actor, now: DateTime<Utc>) -> Self {
        Self {
            state,
            actor,
            now,
            shop: Arc::default(),
        }
    }

    pub fn db(&self) -> &Db {
        &self.state.db
    }

    pub fn store(&self) -> StoreId {
        self.actor.store_id
    }

    /// The store itself: loaded when it is first needed, once for the whole request.
    pub async fn shop(&self) -> Result<&Store, AppError> {
        let load = || async {
            stores::queries::find(self.db(), self.store())
                .await?
                .ok_or(AppError::SignedOut)
        };
        self.shop.get_or_try_init(load).await
    }
}

/// Lets in a signed-in person whose role has the permission. Call it before the first `.await`:
/// the framework's context is gone after it.
pub fn require(permission: Permission) -> Result<Ctx, AppError> {
    let (state, actor) = visitor()?;
    let actor = actor.ok_or(AppError::SignedOut)?;
    if !actor.may(permission) {
        return Err(AppError::Forbidden);
    }
    let now = state.clock.now();
    Ok(Ctx::new(state, actor, now))
}

/// For the few functions that anyone may call (signing in): the state, and who it is if known. An
/// error when that could not be found out.
pub fn visitor() -> Result<(AppState, Option<Actor>), AppError> {
    let state = use_context::<AppState>().ok_or(AppError::Internal {
        reference: "context".to_owned(),
    })?;
    let Some(parts) = use_context::<Parts>() else {
        return Ok((state, None));
    };
    match parts.extensions.get::<AppError>() {
        Some(unknown) => Err(unknown.clone()),
        None => Ok((state, parts.extensions.get::<Actor>().cloned())),
    }
}
