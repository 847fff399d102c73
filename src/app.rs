//! The route table: every page's address on one screen, one line each.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

use crate::{channels::email::events, context::AppState, sends, ui::pages};

/// All pages. Changes go through the server functions below `/api`.
#[rustfmt::skip]
pub fn pages() -> Router<AppState> {
    Router::new()
        .route("/", get(pages::setup::home))
        .route("/login", get(pages::login::show))
        .route("/setup", get(pages::setup::show))
        .route("/marketing/bulk-email", get(pages::bulk_email::compose::show))
        .route("/marketing/bulk-email/preview", get(pages::campaigns::form::preview::of_bulk))
        .route("/marketing/bulk-email/review", get(pages::bulk_email::compose::review))
        .route("/marketing/bulk-email/sent/{send_id}", get(pages::bulk_email::receipt::show))
        .route("/marketing/campaigns", get(pages::campaigns::list::show))
        .route("/marketing/campaigns/new", get(pages::campaigns::builder::new))
        .route("/marketing/campaigns/{id}", get(pages::campaigns::detail::show))
        .route("/marketing/campaigns/{id}/delete", get(pages::campaigns::delete::show))
        .route("/marketing/campaigns/{id}/edit", get(pages::campaigns::builder::edit))
        .route("/marketing/campaigns/{id}/preview", get(pages::campaigns::form::preview::of_campaign))
        .route("/marketing/campaigns/{id}/recipients.csv", get(pages::report::file::of_campaign))
        .route("/marketing/campaigns/{id}/review", get(pages::campaigns::review::show))
        .route("/customers", get(pages::customers::list::show))
        .route("/customers/import", get(pages::customers::import::choose).post(pages::customers::import::bring).layer(large_upload()))
        .route("/customers/import/{token}", get(pages::customers::import::look).post(pages::customers::import::act))
        .route("/customers/import/{token}/errors.csv", get(pages::customers::import::check_errors))
        .route("/customers/imports/{id}", get(pages::customers::import_result::show))
        .route("/customers/imports/{id}/errors.csv", get(pages::customers::import_result::errors))
        .route("/customers/new", get(pages::customers::edit::new))
        .route("/customers/{id}", get(pages::customers::details::show))
        .route("/customers/{id}/communications", get(pages::customers::communications::show))
        .route("/customers/{id}/edit", get(pages::customers::edit::show))
        .route("/account", get(pages::account::show))
        .route("/audit-log", get(pages::audit_log::show))
        .route("/audit-log.csv", get(pages::audit_log::csv))
        .route("/hooks/email/{token}", post(sends::webhook::receive).layer(DefaultBodyLimit::max(events::LONGEST)))
        .route("/messages/{id}/view", get(crate::ui::pages::message_view::message))
        .route("/outbox", get(pages::outbox::list))
        .route("/outbox/{id}", get(pages::outbox::message))
        .route("/outbox/{id}/message.eml", get(pages::outbox::source))
        .route("/outbox/{id}/view", get(pages::outbox::view))
        .route("/sends/{id}/quiet-hours", get(pages::report::quiet_hours::show))
        .route("/sends/{id}/correction", get(pages::report::correction::show).post(pages::report::correction::act))
        .route("/sends/{id}/recipients.csv", get(pages::report::file::csv))
        .route("/sends/{id}/stop", get(pages::report::stop::show))
        .route("/sends/{id}/view", get(crate::ui::pages::message_view::send))
        .route("/settings", get(pages::settings::show))
        .route("/settings/team", get(pages::team::list))
        .route("/settings/team/{id}", get(pages::team::member))
        .route("/u/{token}", get(pages::unsubscribe::show).post(pages::unsubscribe::act))
        .fallback(|| async { crate::error::AppError::NotFound })
}

/// A file of the largest size and what a form puts around it: 64 MB, and a little.
fn large_upload() -> DefaultBodyLimit {
    DefaultBodyLimit::max(65 * 1024 * 1024)
}
