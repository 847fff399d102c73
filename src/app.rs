//! The route table: every page's address on one screen, one line each.

use axum::{Router, routing::get};

use crate::{
    sends,
    server::AppState,
    ui::pages::{bulk_email, campaigns, customers, login, setup, unsubscribe},
};
use crate::{sends, server::AppState, ui::pages};

    ui::pages::{
        account, audit_log, bulk_email, campaigns, customers, login, outbox, settings, setup, team, unsubscribe,
    },
};
/// All pages. Changes go through the server functions below `/api`.
#[rustfmt::skip]
pub fn pages() -> Router<AppState> {
    Router::new()
        .route("/", get(setup::home))
        .route("/login", get(login::show))
        .route("/setup", get(setup::show))
        .route("/marketing/campaigns", get(campaigns::list::show))
        .route("/marketing/campaigns/new", get(campaigns::builder::new))
        .route("/marketing/campaigns/{id}", get(campaigns::detail::show))
        .route("/marketing/campaigns/{id}/delete", get(campaigns::delete::show))
        .route("/marketing/campaigns/{id}/edit", get(campaigns::builder::edit))
        .route("/marketing/campaigns/{id}/preview", get(campaigns::form::preview::of_campaign))
        .route("/marketing/campaigns/{id}/review", get(campaigns::review::show))
        .route("/marketing/bulk-email", get(bulk_email::compose::show))
        .route("/marketing/bulk-email/preview", get(campaigns::form::preview::of_bulk))
        .route("/marketing/bulk-email/review", get(bulk_email::compose::review))
        .route("/marketing/bulk-email/sent/{send_id}", get(bulk_email::receipt::show))
        .route("/customers/{id}/communications", get(customers::communications::show))
        .route("/", get(pages::setup::home))
        .route("/login", get(pages::login::show))
        .route("/setup", get(pages::setup::show))
        .route("/marketing/bulk-email/sent/{send_id}", get(pages::bulk_email::receipt::show))
        .route("/marketing/campaigns", get(pages::campaigns::list::show))
        .route("/marketing/campaigns/{id}", get(pages::campaigns::detail::show))
        .route("/marketing/campaigns/{id}/delete", get(pages::campaigns::delete::show))
        .route("/customers/{id}/communications", get(pages::customers::communications::show))
        .route("/account", get(account::show))
        .route("/marketing/campaigns", get(campaigns::list::show))
        .route("/marketing/campaigns/{id}", get(campaigns::detail::show))
        .route("/marketing/campaigns/{id}/delete", get(campaigns::delete::show))
        .route("/marketing/bulk-email/sent/{send_id}", get(bulk_email::receipt::show))
        .route("/customers/{id}/communications", get(customers::communications::show))
        .route("/messages/{id}/view", get(sends::message_view::message))
        .route("/sends/{id}/view", get(sends::message_view::send))
        .route("/outbox", get(outbox::list))
        .route("/outbox/{id}", get(outbox::message))
        .route("/outbox/{id}/message.eml", get(outbox::source))
        .route("/outbox/{id}/view", get(outbox::view))
        .route("/settings", get(settings::show))
        .route("/settings/team", get(team::list))
        .route("/settings/team/{id}", get(team::member))
        .route("/audit-log", get(audit_log::show))
        .route("/audit-log.csv", get(audit_log::csv))
        .route("/u/{token}", get(unsubscribe::show).post(unsubscribe::act))
        .fallback(|| async { crate::error::AppError::NotFound })
}
