//! The router: pages, server functions, files, and the layers in their order.

use std::any::Any;

use axum::{
    Router,
    http::{HeaderValue, header},
    middleware::{from_fn, from_fn_with_state, map_response},
    response::{IntoResponse, Response},
    routing::post,
};
use leptos::prelude::provide_context;
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer, services::ServeDir};

use super::{forms, headers, host, origin, readable, replaced};
use crate::{auth::session, context::AppState, error::AppError};

/// Everything this server answers.
pub fn router(state: AppState) -> Router {
    with_pages(state, crate::app::pages())
}

/// The same around any pages.
pub fn with_pages(state: AppState, pages: Router<AppState>) -> Router {
    crate::api::register();
    // Refused when it has been done before: that is fine.
    let _ = any_spawner::Executor::init_tokio();
    let api = Router::new()
        .route("/api/{*function}", post(server_functions))
        .layer(from_fn(readable::refuse_addresses))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(state.clone(), forms::answer_forms));
    let pages = pages
        .layer(from_fn(readable::refuse_addresses))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(state.clone(), forms::failures_as_pages));
    Router::new()
        .merge(api)
        .merge(pages)
        .layer(from_fn_with_state(state.clone(), session::identify))
        .layer(from_fn_with_state(state.clone(), origin::same_site_only))
        .layer(from_fn_with_state(state.clone(), replaced::refuse))
        .merge(files(&state))
        .layer(from_fn_with_state(state.clone(), host::own_names_only))
        // Whoever asks whether it is well calls it by whatever name it has there.
        .merge(crate::health::routes())
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(state.clone(), headers::harden))
        .layer(CompressionLayer::new())
        .with_state(state)
}

/// The answer says a reference and nothing else. What broke has told the log its place already;
/// its words stay out of there too, for they may quote anything.
fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    AppError::internal(&"a part of the program broke").into_response()
}

async fn server_functions(
    axum::extract::State(state): axum::extract::State<AppState>,
    request: axum::extract::Request,
) -> impl axum::response::IntoResponse {
    leptos_axum::handle_server_fns_with_context(move || provide_context(state.clone()), request).await
}

/// Files whose address carries their fingerprint are kept for a year; icons, which browsers also ask for
/// without one, for a week.
fn files(state: &AppState) -> Router<AppState> {
    let root = &state.assets.root;
    let kept = |mut response: Response| async move {
        if response.status().is_success() {
            response.headers_mut().insert(
                header::CACHE_CONTROL,
                HeaderValue::from_static("public, max-age=31536000, immutable"),
            );
        }
        response
    };
    let kept_a_week = |mut response: Response| async move {
        if response.status().is_success() {
            let week = HeaderValue::from_static("public, max-age=604800");
            response.headers_mut().insert(header::CACHE_CONTROL, week);
        }
        response
    };
    let icon = |name: &str| tower_http::services::ServeFile::new(root.join(name));
    let icons = Router::new()
        .route_service("/favicon.svg", icon("favicon.svg"))
        .route_service("/favicon.ico", icon("favicon.ico"))
        .route_service("/apple-touch-icon.png", icon("apple-touch-icon.png"))
        .layer(map_response(kept_a_week));
    let folder = |name: &str| ServeDir::new(root.join(name)).precompressed_br();
    Router::new()
        .nest_service("/pkg", folder("pkg"))
        .nest_service("/fonts", folder("fonts"))
        .route_service(
            "/main.css",
            tower_http::services::ServeFile::new(root.join("main.css")).precompressed_br(),
        )
        .layer(map_response(kept))
        .merge(icons)
        .route_service("/robots.txt", icon("robots.txt"))
        .layer(from_fn(readable::refuse_addresses))
}
