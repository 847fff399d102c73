//! Signing in and out.

use chrono::{DateTime, Utc};

use super::{
    password, session,
    store::{self, Device},
    throttle, tokens,
};
use crate::{db::Db, error::AppError};

/// Signs somebody in and answers the new session's token. The same words for an unknown
/// account and a wrong password.
pub async fn sign_in(
    db: &Db,
    email: &str,
    typed: String,
    device: &Device,
    now: DateTime<Utc>,
) -> Result<String, AppError> {
    let account = email.trim().to_lowercase();
    let address = device.ip.clone().unwrap_or_else(|| "unknown".to_owned());
    if let Some(minutes) = throttle::wait(db, &account, &address, now).await? {
        return Err(AppError::TooMany { minutes });
    }
    let user = store::user_by_email(db, &account)
        .await?
        .filter(|u| u.disabled_at.is_none());
    let hash = user.as_ref().map(|u| u.password_hash.clone());
    let right = password::verify(typed, hash)
        .await
        .map_err(|e| AppError::internal(&e))?;
    let mut tx = db.begin().await?;
    let (true, Some(user)) = (right, user) else {
        throttle::note_failure(&mut tx, &account, &address, now).await?;
        tx.commit().await?;
        return Err(AppError::invalid("email", "The email or password isn't right."));
    };
    let token = tokens::secret();
    throttle::clear(&mut tx, &account).await?;
    store::begin_session(
        &mut tx,
        user.id,
        &tokens::hash(&token),
        now,
        now + session::ABSOLUTE,
        device,
    )
    .await?;
    tx.commit().await?;
    Ok(token)
}

/// Ends one session.
pub async fn sign_out(db: &Db, session: i64) -> Result<(), AppError> {
    let mut tx = db.begin().await?;
    store::end_session(&mut tx, session).await?;
    Ok(tx.commit().await?)
}
