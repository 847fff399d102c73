//! The route table: every page's address on one screen.

use axum::{Router, response::Redirect, routing::get};

use crate::{server::AppState, ui::pages};

/// All pages. Changes go through the server functions below `/api`.
pub fn pages() -> Router<AppState> {
    Router::new()
        .route("/", get(|| async { Redirect::to("/marketing/campaigns") }))
        .route("/login", get(pages::login::show))
        .route(
            "/u/{token}",
            get(pages::unsubscribe::show).post(pages::unsubscribe::act),
        )
        .fallback(|| async { crate::error::AppError::NotFound })
}
