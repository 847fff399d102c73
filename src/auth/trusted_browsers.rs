//! Browsers that have signed in before. A signed cookie says for which account; it signs nobody
//! in, it only lets the throttle tell its owner from a stranger at the same account.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::SecretString;
use subtle::ConstantTimeEq;

use crate::tokens;

/// Kept for a year.
const KEPT_SECONDS: i64 = 365 * 24 * 60 * 60;

/// The cookie's name.
pub fn cookie_name(https: bool) -> &'static str {
    if https { "__Host-known" } else { "known" }
}

/// A new mark for a browser of this account.
pub fn mark(key: &SecretString, user: i64) -> Option<String> {
    let device = tokens::public();
    Some(format!("{user}.{device}.{}", signature(key, user, &device)?))
}

/// The `Set-Cookie` with a mark.
pub fn cookie(https: bool, mark: &str) -> String {
    let secure = if https { "; Secure" } else { "" };
    format!(
        "{}={mark}; Path=/; HttpOnly; SameSite=Lax; Max-Age={KEPT_SECONDS}{secure}",
        cookie_name(https)
    )
}

/// The device a mark names, if it is ours and for this account.
pub fn device(key: &SecretString, mark: &str, user: i64) -> Option<String> {
    let mut parts = mark.split('.');
    let (of, device, signed) = (parts.next()?, parts.next()?, parts.next()?);
    let wanted = signature(key, user, device)?;
    let ours = of == user.to_string() && bool::from(wanted.as_bytes().ct_eq(signed.as_bytes()));
    ours.then(|| device.to_owned())
}

fn signature(key: &SecretString, user: i64, device: &str) -> Option<String> {
    tokens::derive(key, "known device", &format!("{user}.{device}")).map(|mac| URL_SAFE_NO_PAD.encode(mac))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_good_for_its_own_account_only() {
        let key = SecretString::from("k".repeat(32));
        let made = mark(&key, 7).unwrap_or_default();
        assert!(device(&key, &made, 7).is_some());
        assert_eq!(device(&key, &made, 8), None);
        assert_eq!(device(&key, &made.replacen('7', "8", 1), 8), None);
        assert_eq!(device(&SecretString::from("j".repeat(32)), &made, 7), None);
        assert_eq!(device(&key, "7..", 7), None);
    }
}
