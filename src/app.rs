//! The route table: every page's address on one screen.

use axum::{Router, routing::get};

use crate::{server::AppState, ui::pages};

/// All pages. Changes go through the server functions below `/api`.
pub fn pages() -> Router<AppState> {
    Router::new()
        .route("/", get(pages::setup::home))
        .route("/login", get(pages::login::show))
        .route("/setup", get(pages::setup::show))
        .fallback(|| async { crate::error::AppError::NotFound })
}
