//! Secrets of others that are kept in the database, sealed with the installation's key: whoever reads
//! a copy of the database alone does not have them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use secrecy::SecretString;

use crate::tokens;

const PURPOSE: &str = "sealed secrets";

/// Seals a secret for one place; it opens nowhere else. Nothing when that cannot be done.
pub fn encrypt(key: &SecretString, place: &str, secret: &str) -> Option<String> {
    let nonce: [u8; NONCE_LEN] = tokens::random();
    let mut bytes = secret.as_bytes().to_vec();
    cipher(key)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut bytes)
        .ok()?;
    Some(STANDARD.encode([&nonce[..], &bytes].concat()))
}

/// Opens what [`seal`] sealed for this place with this key.
pub fn decrypt(key: &SecretString, place: &str, sealed: &str) -> Option<String> {
    let bytes = STANDARD.decode(sealed).ok()?;
    let (nonce, secret) = bytes.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut secret = secret.to_vec();
    let opened = cipher(key)?.open_in_place(nonce, Aad::from(place), &mut secret).ok()?;
    String::from_utf8(opened.to_vec()).ok()
}

fn cipher(key: &SecretString) -> Option<LessSafeKey> {
    let key = tokens::derive(key, PURPOSE, "")?;
    UnboundKey::new(&CHACHA20_POLY1305, &key).ok().map(LessSafeKey::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_with_its_key_and_in_its_place_only() {
        let key: SecretString = "a key of an installation, long enough".to_owned().into();
        let sealed = encrypt(&key, "here", "whsec_abc").unwrap_or_default();
        assert!(!sealed.contains("whsec"));
        assert_eq!(decrypt(&key, "here", &sealed).as_deref(), Some("whsec_abc"));
        assert_eq!(decrypt(&key, "there", &sealed), None);
        let other: SecretString = "another key of an installation, long".to_owned().into();
        assert_eq!(decrypt(&other, "here", &sealed), None);
        assert_eq!(decrypt(&key, "here", "AAAA"), None);
        assert_ne!(sealed, encrypt(&key, "here", "whsec_abc").unwrap_or_default());
    }
}
