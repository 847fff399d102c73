//! The route table: every page's address on one screen, one line each.

use axum::{Router, routing::get};

use crate::{sends, server::AppState, ui::pages};

/// All pages. Changes go through the server functions below `/api`.
#[rustfmt::skip]
pub fn pages() -> Router<AppState> {
    Router::new()
        .route("/", get(pages::setup::home))
        .route("/login", get(pages::login::show))
        .route("/setup", get(pages::setup::show))
        .route("/marketing/bulk-email/sent/{send_id}", get(pages::bulk_email::receipt::show))
        .route("/marketing/campaigns", get(pages::campaigns::list::show))
        .route("/marketing/campaigns/{id}", get(pages::campaigns::detail::show))
        .route("/marketing/campaigns/{id}/delete", get(pages::campaigns::delete::show))
        .route("/customers/{id}/communications", get(pages::customers::communications::show))
        .route("/messages/{id}/view", get(sends::message_view::message))
        .route("/sends/{id}/view", get(sends::message_view::send))
        .route("/u/{token}", get(pages::unsubscribe::show).post(pages::unsubscribe::act))
        .fallback(|| async { crate::error::AppError::NotFound })
}
