//! What is answered when there is no database any more: another file was put in its place.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};

use crate::context::AppState;

const WORDS: &str = "Another file was put in the place of Loupe's database while it was running. Nothing was written \
                     into that file, and nothing is sent. What was saved before the file was replaced is not in it.";
const TO_DO: &str = "Whoever runs Loupe stops it, puts the backup back with “loupe restore FILE --replace”, and starts \
                     it again.";

/// The layer around everything that needs the database.
pub async fn refuse(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if !state.send_gate.is_replaced() {
        return next.run(request).await;
    }
    let head = [(header::CACHE_CONTROL, "no-store")];
    let status = StatusCode::SERVICE_UNAVAILABLE;
    match wants_a_page(request.headers()) {
        true => (status, head, Html(page())).into_response(),
        false => (status, head, format!("{WORDS} {TO_DO}\n")).into_response(),
    }
}

fn wants_a_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

fn page() -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>No database - Loupe</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <link rel=\"stylesheet\" href=\"/main.css\"></head>\
         <body><main><h1>Loupe has no database</h1><p>{WORDS}</p><p>{TO_DO}</p></main></body></html>"
    )
}
