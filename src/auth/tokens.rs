//! Random tokens. What leaves in a cookie or a message is random from the operating system and
//! at least 128 bits; what is kept of a session is only its hash.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
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

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Without randomness there is no safe way to go on.
    if let Err(error) = getrandom::fill(&mut bytes) {
        tracing::error!(error = %error, "the operating system gives no random bytes");
        std::process::abort();
    }
    bytes
}
