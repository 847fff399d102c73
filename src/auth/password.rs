//! Password hashes: argon2id with the crate's defaults (19 MiB, 2 passes), two at a time.

use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

/// Each hash takes 19 MiB and tens of milliseconds of a core: a flood of sign-ins must not take
/// the server with it.
static TWO_AT_A_TIME: Semaphore = Semaphore::const_new(2);

/// Shortest password taken, in characters.
pub const SHORTEST: usize = 10;

/// Why a password could not be hashed or checked.
#[derive(Debug, thiserror::Error)]
#[error("the password could not be processed")]
pub struct PasswordProblem;

/// Hashes a new password.
pub async fn hash(password: String) -> Result<String, PasswordProblem> {
    let _place = TWO_AT_A_TIME.acquire().await.map_err(|_| PasswordProblem)?;
    tokio::task::spawn_blocking(move || {
        Argon2::default()
            .hash_password(password.as_bytes())
            .map(|h| h.to_string())
            .map_err(|_| PasswordProblem)
    })
    .await
    .map_err(|_| PasswordProblem)?
}

/// Whether the password is the one of the hash. Without a hash (no such account) it takes as
/// long and says no, so that the time tells nothing.
pub async fn verify(password: String, hash: Option<String>) -> Result<bool, PasswordProblem> {
    let _place = TWO_AT_A_TIME.acquire().await.map_err(|_| PasswordProblem)?;
    tokio::task::spawn_blocking(move || {
        let known = hash.is_some();
        let Some(hash) = hash.or_else(|| {
            Argon2::default()
                .hash_password(b"nobody has this password")
                .map(|h| h.to_string())
                .ok()
        }) else {
            return Err(PasswordProblem);
        };
        // An account whose password was never set has no readable hash: nobody gets in by it.
        let Ok(hash) = PasswordHash::new(&hash) else {
            return Ok(false);
        };
        Ok(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok() && known)
    })
    .await
    .map_err(|_| PasswordProblem)?
}
