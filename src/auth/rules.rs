//! Signing in and out, and one's own password.

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use super::{
    password, queries, session,
    sign_in_log::{self, Refused, Tried},
    throttle::{self, Limit},
    trusted_browsers,
};
use crate::{
    audit,
    context::{actor::Actor, response::Device},
    db::{Db, Tx},
    error::AppError,
    ids::StoreId,
    tokens,
};

/// Somebody who has just signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// Of the new session; goes into the cookie.
    pub token: String,
    /// What tells this browser from a stranger's next time.
    pub known: Option<String>,
}

/// What somebody typed to sign in.
#[derive(Debug, Default)]
pub struct SignInTry {
    pub email: String,
    pub password: String,
    /// The mark of an earlier sign-in, if the browser brought one.
    pub known: Option<String>,
}

/// Signs somebody in. The same words for an unknown account and a wrong password. Every sign-in
/// makes a session of its own: nothing the browser brought along becomes one.
pub async fn sign_in(
    db: &Db,
    key: &SecretString,
    typed: SignInTry,
    device: &Device,
    now: DateTime<Utc>,
) -> Result<SignedIn, AppError> {
    let account = typed.email.trim().to_lowercase();
    let held = queries::user_by_email(db, &account).await?;
    let tried = Tried {
        account: &account,
        holder: held.as_ref().map(|user| (StoreId(user.store_id), user.id)),
        from: device.ip.as_deref(),
    };
    let user = held.as_ref().filter(|u| u.disabled_at.is_none());
    let known = match (user, &typed.known) {
        (Some(user), Some(mark)) => trusted_browsers::device(key, mark, user.id),
        _ => None,
    };
    let limits = match &known {
        Some(device) => vec![Limit::known_device(device)],
        None => vec![Limit::account(&account), Limit::address(device.ip.as_deref())],
    };
    let counted = match throttle::enter(db, &limits, now).await {
        Err(refused @ AppError::TooMany { .. }) => {
            sign_in_log::refused(db, &tried, Refused::Throttled, now).await?;
            return Err(refused);
        }
        entered => entered?,
    };
    let hash = user.map(|u| u.password_hash.clone());
    let right = password::verify(key, typed.password, hash)
        .await
        .map_err(|e| AppError::internal(&e))?;
    let (true, Some(user)) = (right, user) else {
        sign_in_log::refused(db, &tried, Refused::Wrong, now).await?;
        return Err(AppError::invalid("email", "The email or password isn't right."));
    };
    let mut tx = db.begin().await?;
    let token = begin(&mut tx, user.id, device, now).await?;
    sign_in_log::signed_in(&mut tx, user, device.ip.as_deref(), now).await?;
    tx.commit().await?;
    counted.succeeded(db).await?;
    Ok(SignedIn {
        token,
        known: match known {
            Some(_) => typed.known,
            None => trusted_browsers::mark(key, user.id),
        },
    })
}

/// Begins a session and answers its token.
pub(crate) async fn begin(tx: &mut Tx, user: i64, device: &Device, now: DateTime<Utc>) -> sqlx::Result<String> {
    let token = tokens::secret();
    queries::forget_dead_sessions(tx, now, now - session::IDLE).await?;
    queries::begin_session(tx, user, &tokens::hash(&token), now, now + session::ABSOLUTE, device).await?;
    Ok(token)
}

/// Ends one session.
pub async fn sign_out(db: &Db, session: i64) -> Result<(), AppError> {
    let mut tx = db.begin().await?;
    queries::end_session(&mut tx, session).await?;
    Ok(tx.commit().await?)
}

/// Ends all sessions of a person but the one they ask from.
pub async fn end_other_sessions(db: &Db, actor: &Actor, now: DateTime<Utc>) -> Result<(), AppError> {
    let mut tx = db.begin().await?;
    queries::end_other_sessions(&mut tx, actor.user_id, actor.session_id).await?;
    let summary = "Signed out everywhere else".to_owned();
    note(&mut tx, actor, "user.sessions_ended", summary, now).await?;
    Ok(tx.commit().await?)
}

/// A line about what somebody did with their own account.
async fn note(
    tx: &mut Tx,
    actor: &Actor,
    action: &'static str,
    summary: String,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let entry = audit::Entry {
        actor: &actor.name,
        action,
        subject: "user",
        subject_id: Some(actor.user_id),
        summary,
        before: None,
        after: None,
    };
    audit::record(tx, actor.store_id, entry, now).await
}

/// A person's own new password. Ends every session of theirs, this one too, and answers the
/// token of a new one.
pub async fn change_own_password(
    db: &Db,
    key: &SecretString,
    actor: &Actor,
    present: String,
    new: String,
    device: &Device,
    now: DateTime<Utc>,
) -> Result<String, AppError> {
    if let Some(words) = password::weakness(&new, &actor.email) {
        return Err(AppError::invalid("new-password", words));
    }
    let counted = throttle::enter(db, &[Limit::own_password(actor.user_id)], now).await?;
    let user = queries::user(db, actor.store_id, actor.user_id)
        .await?
        .ok_or(AppError::SignedOut)?;
    let right = password::verify(key, present, Some(user.password_hash))
        .await
        .map_err(|e| AppError::internal(&e))?;
    if !right {
        return Err(AppError::invalid(
            "present-password",
            "This isn't your present password",
        ));
    }
    let hash = password::hash(key, new).await.map_err(|e| AppError::internal(&e))?;
    let mut tx = db.begin().await?;
    queries::set_password(&mut tx, actor.store_id, actor.user_id, &hash).await?;
    let token = begin(&mut tx, actor.user_id, device, now).await?;
    let summary = "Changed their own password".to_owned();
    note(&mut tx, actor, "user.password_changed", summary, now).await?;
    tx.commit().await?;
    counted.succeeded(db).await?;
    Ok(token)
}
