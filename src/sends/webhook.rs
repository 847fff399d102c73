//! `/hooks/email/{token}`: where mail providers post their events.

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};

use super::provider_events;
use crate::{
    channels::email::events::{Posted, Provider, Refused},
    context::{AppState, encryption},
    mail_accounts::provider_queries,
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
    let Some(kept) = provider_queries::by_hook(&state.db, token).await? else {
        return Ok(StatusCode::NOT_FOUND);
    };
    let Some(secret) = encryption::decrypt(&state.settings.secret_key, &kept.account, &kept.hook_secret) else {
        // Ours to mend: until then it is posted again.
        tracing::error!("the secret of the mail provider's events was sealed with another key: set it again");
        return Ok(StatusCode::SERVICE_UNAVAILABLE);
    };
    let now = state.clock.now();
    match kept.provider.read(Posted { headers, body, now }, &secret) {
        Ok(proved) => {
            if provider_events::apply_event(state, &kept, &proved).await? {
                let message = proved.event.map(|event| event.message.message);
                tracing::info!(message.id = message, "the mail provider told of a message");
            }
            Ok(StatusCode::OK)
        }
        Err(refused) => {
            tracing::warn!(provider = kept.provider.key(), ?refused, "an event was refused");
            Ok(refusal(kept.provider, refused))
        }
    }
}

/// The status for an event that is refused. What can never be accepted must not be posted again and
/// again.
fn refusal(provider: Provider, refused: Refused) -> StatusCode {
    match refused {
        Refused::TooEarly => StatusCode::UNAUTHORIZED,
        _ if provider.gives_up_at_406() => StatusCode::NOT_ACCEPTABLE,
        Refused::NotTheirs => StatusCode::UNAUTHORIZED,
        Refused::NotUnderstood => StatusCode::BAD_REQUEST,
    }
}
