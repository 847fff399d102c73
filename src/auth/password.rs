//! Password hashes: argon2id with the crate's defaults (19 MiB, 2 passes), two at a time, and
//! peppered with the installation's secret key: a stolen database alone can't be guessed at.

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version};
use secrecy::SecretString;
use tokio::sync::Semaphore;

use crate::tokens;

/// Each hash takes 19 MiB and tens of milliseconds of a core: a flood of sign-ins must not take
/// the server with it.
static TWO_AT_A_TIME: Semaphore = Semaphore::const_new(2);

/// Shortest password taken, in characters.
pub const SHORTEST: usize = 10;
/// Longest password taken, in characters.
pub const LONGEST: usize = 200;
/// The password of every demo sign-in; known to all, so nobody else may have it.
pub const DEMO: &str = "aurelia-demo";

/// Stands in where there is no hash, so that an unknown account takes as long as a known one.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyB0aGlz$MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA";

/// Why a password could not be hashed or checked.
#[derive(Debug, thiserror::Error)]
#[error("the password could not be processed")]
pub struct PasswordProblem;

/// What is wrong with a new password, in words for the person choosing it. `email` is who it is for.
pub fn weakness(password: &str, email: &str) -> Option<String> {
    let length = password.chars().count();
    let lower = password.to_lowercase();
    if length < SHORTEST {
        Some(format!("Use at least {SHORTEST} characters for the password"))
    } else if length > LONGEST {
        Some(format!("Use at most {LONGEST} characters for the password"))
    } else if lower == DEMO {
        Some("This is the demo store's password, which everyone knows. Choose another".to_owned())
    } else if lower == email.trim().to_lowercase() {
        Some("Choose a password that is not the email address".to_owned())
    } else if password.chars().all(|c| password.starts_with(c)) {
        Some("Choose a password of more than one character repeated".to_owned())
    } else {
        None
    }
}

/// Hashes a new password under the installation's key.
pub async fn hash(key: &SecretString, password: String) -> Result<String, PasswordProblem> {
    let pepper = pepper(key)?;
    let _place = TWO_AT_A_TIME.acquire().await.map_err(|_| PasswordProblem)?;
    tokio::task::spawn_blocking(move || {
        hasher(&pepper)?
            .hash_password(password.as_bytes())
            .map(|h| h.to_string())
            .map_err(|_| PasswordProblem)
    })
    .await
    .map_err(|_| PasswordProblem)?
}

/// Whether the password is the one of the hash. Without a hash (no such account, or its password
/// was never set) it takes as long and says no, so that the time tells nothing.
pub async fn verify(key: &SecretString, password: String, hash: Option<String>) -> Result<bool, PasswordProblem> {
    let pepper = pepper(key)?;
    let _place = TWO_AT_A_TIME.acquire().await.map_err(|_| PasswordProblem)?;
    tokio::task::spawn_blocking(move || {
        let known = hash.as_deref().and_then(|text| PasswordHash::new(text).ok());
        let checked = match &known {
            Some(hash) => hash.clone(),
            None => PasswordHash::new(NOBODY).map_err(|_| PasswordProblem)?,
        };
        let fits = hasher(&pepper)?.verify_password(password.as_bytes(), &checked).is_ok();
        Ok(fits && known.is_some())
    })
    .await
    .map_err(|_| PasswordProblem)?
}

fn pepper(key: &SecretString) -> Result<[u8; 32], PasswordProblem> {
    tokens::derive(key, "password pepper", "").ok_or(PasswordProblem)
}

fn hasher(pepper: &[u8; 32]) -> Result<Argon2<'_>, PasswordProblem> {
    Argon2::new_with_secret(pepper, Algorithm::Argon2id, Version::V0x13, Params::default()).map_err(|_| PasswordProblem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_is_worth_nothing_without_the_key() {
        let key = SecretString::from("k".repeat(32));
        let other = SecretString::from("j".repeat(32));
        let made = hash(&key, "a good password".to_owned()).await.unwrap_or_default();
        let check = async |key: &SecretString, password: &str| {
            verify(key, password.to_owned(), Some(made.clone()))
                .await
                .unwrap_or_default()
        };
        assert!(check(&key, "a good password").await);
        assert!(!check(&key, "a bad password").await);
        assert!(!check(&other, "a good password").await);
    }

    #[tokio::test]
    async fn nobody_gets_in_without_a_hash() {
        let key = SecretString::from("k".repeat(32));
        for hash in [None, Some("no password".to_owned())] {
            assert!(matches!(
                verify(&key, "anything at all".to_owned(), hash).await,
                Ok(false)
            ));
        }
        assert!(PasswordHash::new(NOBODY).is_ok());
    }

    #[test]
    fn weak_passwords_are_told_apart() {
        for weak in ["short", "Aurelia-Demo", "owner@example.com", "aaaaaaaaaaaa"] {
            assert!(weakness(weak, "Owner@example.com").is_some(), "{weak}");
        }
        assert!(weakness(&"ab".repeat(101), "x").is_some());
        assert_eq!(weakness("ten chars!", "owner@example.com"), None);
    }
}
