//! Random tokens. What leaves in a cookie or a message is random from the operating system and
//! at least 128 bits; what is kept of a session is only its hash.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// A new secret token of 256 bits, safe in cookies and addresses.
pub fn secret() -> String {
    URL_SAFE_NO_PAD.encode(random::<32>())
}

/// A new public token of 128 bits: names something without saying what.
pub fn public() -> String {
    URL_SAFE_NO_PAD.encode(random::<16>())
}

/// Eight letters and digits to find a failure in the log by.
pub fn short() -> String {
    hex::encode(random::<4>())
}

/// What is kept of a secret token.
pub fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// A secret of its own for one purpose, from the installation's key: HMAC-SHA256 of the purpose and
/// a text. What is made for one purpose is worth nothing for another.
pub fn derive(key: &SecretString, purpose: &str, text: &str) -> Option<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes()).ok()?;
    mac.update(purpose.as_bytes());
    mac.update(&[0]);
    mac.update(text.as_bytes());
    Some(mac.finalize().into_bytes().into())
}

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Without randomness there is no safe way to go on.
    if let Err(error) = getrandom::fill(&mut bytes) {
        tracing::error!(error = %error, "the operating system gives no random bytes");
        std::process::abort();
    }
    bytes
}
