//! The route table: every page's address on one screen, one line each.

use axum::{Router, extract::DefaultBodyLimit, routing::get};

use crate::{sends, server::AppState, ui::pages};

/// A file of the largest size and what a form puts around it: 64 MB, and a little.
fn large_upload() -> DefaultBodyLimit {
    DefaultBodyLimit::max(65 * 1024 * 1024)
}

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
        .route("/customers", get(pages::customers::list::show))
        .route("/customers/new", get(pages::customers::edit::new))
        .route("/customers/import", get(pages::customers::import::choose).post(pages::customers::import::bring).layer(large_upload()))
        .route("/customers/import/{token}", get(pages::customers::import::look).post(pages::customers::import::act))
        .route("/customers/import/{token}/errors.csv", get(pages::customers::import::check_errors))
        .route("/customers/imports/{id}", get(pages::customers::import_result::show))
        .route("/customers/imports/{id}/errors.csv", get(pages::customers::import_result::errors))
        .route("/customers/{id}", get(pages::customers::details::show))
        .route("/customers/{id}/edit", get(pages::customers::edit::show))
        .route("/customers/{id}/communications", get(pages::customers::communications::show))
        .route("/messages/{id}/view", get(sends::message_view::message))
        .route("/sends/{id}/view", get(sends::message_view::send))
        .route("/u/{token}", get(pages::unsubscribe::show).post(pages::unsubscribe::act))
        .fallback(|| async { crate::error::AppError::NotFound })
}
