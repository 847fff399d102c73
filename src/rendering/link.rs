//! Where a link may lead, and how its address is written.

/// The label of `button: label`.
pub(super) fn without_button(text: &str) -> Option<&str> {
    let (word, label) = text.split_once(':')?;
    word.trim().eq_ignore_ascii_case("button").then(|| label.trim_start())
}

/// True for `https://x`, false for `https://` alone.
pub(super) fn starts_with_scheme(address: &str, scheme: &str) -> bool {
    address.len() > scheme.len()
        && address
            .get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

/// An e-mail address where a link's address should be.
pub(super) fn is_bare_mail(address: &str) -> bool {
    address.contains('@') && !address.contains([':', '/', '?'])
}

/// Everything but visible ASCII as `%xx`, and the characters that end an address in plain text.
pub(super) fn percent_encoded(address: &str) -> String {
    let mut out = String::with_capacity(address.len());
    for byte in address.trim().bytes() {
        if byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_it_is() {
        assert!(starts_with_scheme("HTTPS://x", "https://") && !starts_with_scheme("https://", "https://"));
        assert!(is_bare_mail("hi@example.com") && !is_bare_mail("//x@example.com") && !is_bare_mail("javascript:a@b"));
        assert_eq!(
            percent_encoded(" https://x/\u{202e}a b\"é?q=1&r=%20 "),
            "https://x/%E2%80%AEa%20b%22%C3%A9?q=1&r=%20"
        );
        assert_eq!(without_button("Button : Go: on"), Some("Go: on"));
        assert_eq!(without_button("Buttons: x"), None);
    }
}
