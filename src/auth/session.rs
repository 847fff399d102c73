//! The session cookie, and who it belongs to.

use axum::{
    extract::{Request, State},
    http::HeaderMap,
    middleware::Next,
    response::Response,
};
use chrono::{DateTime, Duration, Utc};

use super::queries;
use crate::{
    context::{AppState, actor::Actor, response::cookie_value},
    db::{Db, with_timeout},
    error::AppError,
    ids::StoreId,
    tokens,
};

/// Signed out after this long without a request.
pub const IDLE: Duration = Duration::hours(12);
/// Signed out after this long whatever happens.
pub const ABSOLUTE: Duration = Duration::days(14);

/// How long a request waits for the database to say whose it is.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(2);

/// `__Host-` ties the cookie to this host and to https; on loopback http browsers would refuse it.
pub fn cookie_name(https: bool) -> &'static str {
    if https { "__Host-sid" } else { "sid" }
}

/// The `Set-Cookie` that signs in.
pub fn cookie(https: bool, token: &str) -> String {
    let secure = if https { "; Secure" } else { "" };
    format!(
        "{}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}",
        cookie_name(https),
        ABSOLUTE.num_seconds()
    )
}

/// The `Set-Cookie` that signs out.
pub fn cleared_cookie(https: bool) -> String {
    let secure = if https { "; Secure" } else { "" };
    format!(
        "{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}",
        cookie_name(https)
    )
}

/// The session token a request carries.
pub fn token(headers: &HeaderMap, https: bool) -> Option<String> {
    cookie_value(headers, cookie_name(https))
}

/// Who a token belongs to, if its session still holds and the person is still staff.
pub async fn actor_of(db: &Db, token: &str, now: DateTime<Utc>) -> sqlx::Result<Option<Actor>> {
    let Some(row) = queries::session(db, &tokens::hash(token), now, now - IDLE).await? else {
        return Ok(None);
    };
    Ok(Some(Actor {
        user_id: row.user_id,
        store_id: StoreId(row.store_id),
        name: row.name,
        email: row.email,
        role: row.role,
        session_id: row.session_id,
    }))
}

/// Puts the [`Actor`] on every request that carries a good session. When that can't be found out,
/// the request carries the error instead: whoever can't be recognised is not signed out.
pub async fn identify(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let token = token(request.headers(), state.settings.https());
    match recognise(&state, token).await {
        Ok(Some(actor)) => {
            request.extensions_mut().insert(actor);
        }
        Ok(None) => {}
        Err(error) => {
            request.extensions_mut().insert(error);
        }
    }
    next.run(request).await
}

async fn recognise(state: &AppState, token: Option<String>) -> Result<Option<Actor>, AppError> {
    let (db, now) = (&state.db, state.clock.now());
    let asked = with_timeout(TIMEOUT, async {
        match &token {
            Some(token) => actor_of(db, token, now).await,
            // Whoever is about to ask it anyway learns here, and soon, that it is away.
            None => queries::database_answers(db).await.map(|()| None),
        }
    });
    let actor = match asked.await {
        Ok(actor) => actor,
        Err(error) => return Err(reason(db, error).await),
    };
    if let Some(actor) = &actor {
        let touched = with_timeout(TIMEOUT, queries::touch_session(db, actor.session_id, now));
        if let Err(error) = touched.await {
            tracing::warn!(error = %error, "the session's last use could not be noted");
        }
    }
    Ok(actor)
}

/// Waiting in vain says nothing about the reason; a look at the database does.
async fn reason(db: &Db, error: sqlx::Error) -> AppError {
    match AppError::from(error) {
        AppError::Unavailable { why } => AppError::Unavailable {
            why: db.look().await.err().unwrap_or(why),
        },
        other => other,
    }
}
