//! The route table: every page's address on one screen.

use axum::{Router, response::Redirect, routing::get};

use crate::{server::AppState, ui::pages};

/// All pages. Changes go through the server functions below `/api`.
pub fn pages() -> Router<AppState> {
    Router::new()
        .route("/", get(|| async { Redirect::to("/marketing/campaigns") }))
        .route("/login", get(pages::login::show))
        .route("/marketing/campaigns", get(pages::campaigns::list::show))
        .route("/marketing/campaigns/{id}", get(pages::campaigns::detail::show))
        .route("/marketing/campaigns/{id}/delete", get(pages::campaigns::delete::show))
        .route(
            "/marketing/bulk-email/sent/{send_id}",
            get(pages::bulk_email::receipt::show),
        )
        .fallback(|| async { crate::error::AppError::NotFound })
}
