//! `/hooks/email/{token}`: where mail providers post their events.

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};

use super::told;
use crate::{
    auth::seal,
    channels::email::events::{Posted, Refused},
    dispatch::provider_store,
    server::AppState,
};

/// Takes an event. What is not proved to be the provider's changes nothing and is refused; what says
/// nothing new is fine, else it would be posted again and again.
pub async fn receive(
    State(state): State<AppState>,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    match take(&state, &token, &headers, &body).await {
        Ok(status) => status,
        Err(error) => {
            tracing::error!(error = %error, "an event of the mail provider could not be taken; it comes again");
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

async fn take(state: &AppState, token: &str, headers: &HeaderMap, body: &[u8]) -> sqlx::Result<StatusCode> {
    let Some(kept) = provider_store::by_hook(&state.db, token).await? else {
        return Ok(StatusCode::NOT_FOUND);
    };
    let Some(secret) = seal::open(&state.settings.secret_key, &kept.account, &kept.hook_secret) else {
        tracing::error!("the secret of the mail provider's events was sealed with another key: set it again");
        return Ok(StatusCode::UNAUTHORIZED);
    };
    let now = state.clock.now();
    match kept.provider.read(Posted { headers, body, now }, &secret) {
        Ok(None) => {}
        Ok(Some(event)) => {
            if told::hear(state, &kept.account, kept.provider, &event).await? {
                tracing::info!(
                    message.id = event.message.message,
                    "the mail provider told of a message"
                );
            }
        }
        Err(Refused::NotTheirs) => {
            tracing::warn!(
                provider = kept.provider.key(),
                "an event that is not the mail provider's was refused"
            );
            return Ok(StatusCode::UNAUTHORIZED);
        }
        Err(Refused::NotUnderstood) => return Ok(StatusCode::BAD_REQUEST),
    }
    Ok(StatusCode::OK)
}
