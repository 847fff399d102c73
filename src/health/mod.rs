//! Whether it is well: for load balancers, service managers and graphs.
//!
//! `/livez` says that the process answers; `/readyz` that it can work: 503 from the moment it is
//! asked to stop, or while the database, its tables, the scheduler or the disk are not fit.
//! `/metrics` has its own address and is off by default. None of them ever holds an address of a
//! person or a word of a message.

mod metrics;
mod queries;
mod ready;

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

pub use metrics::Meter;
pub use ready::Ready;

use crate::context::AppState;

/// `/livez` and `/readyz`, beside the pages.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(readyz))
}

async fn readyz(State(state): State<AppState>) -> Response {
    let ready = Ready::look(&state).await;
    let status = if ready.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(ready)).into_response()
}

/// What answers at the address of the metrics: these and the two above, so that a worker, which
/// has no pages, can be asked too.
pub fn metrics_router(state: AppState) -> Router {
    let meter = std::sync::Arc::new(Meter::default());
    let metrics = get(move |State(state): State<AppState>| async move {
        match meter.read(&state).await {
            Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
            Err(error) => {
                tracing::warn!(error = %error, "the metrics could not be read");
                StatusCode::SERVICE_UNAVAILABLE.into_response()
            }
        }
    });
    routes().route("/metrics", metrics).with_state(state)
}
