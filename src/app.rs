//! The route table: every page's address on one screen.

use axum::{Router, routing::get};

use crate::{sends, server::AppState, ui::pages};

/// All pages. Changes go through the server functions below `/api`.
pub fn pages() -> Router<AppState> {
    Router::new()
        .route("/", get(pages::setup::home))
        .route("/account", get(pages::account::show))
        .route("/audit-log", get(pages::audit_log::show))
        .route("/audit-log.csv", get(pages::audit_log::csv))
        .route("/login", get(pages::login::show))
        .route("/messages/{id}/view", get(sends::message_view::message))
        .route("/outbox", get(pages::outbox::list))
        .route("/outbox/{id}", get(pages::outbox::message))
        .route("/outbox/{id}/message.eml", get(pages::outbox::source))
        .route("/outbox/{id}/view", get(pages::outbox::view))
        .route("/sends/{id}/view", get(sends::message_view::send))
        .route("/settings", get(pages::settings::show))
        .route("/settings/team", get(pages::team::list))
        .route("/settings/team/{id}", get(pages::team::member))
        .route("/setup", get(pages::setup::show))
        .route(
            "/u/{token}",
            get(pages::unsubscribe::show).post(pages::unsubscribe::act),
        )
        .fallback(|| async { crate::error::AppError::NotFound })
}
