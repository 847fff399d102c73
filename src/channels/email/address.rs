//! An e-mail address that any mail server will take.
//!
//! Narrower than the standards on purpose: no quoted local parts, no address literals, no
//! one-word domains, ASCII only. An international domain becomes its `xn--` form, which is the same
//! domain. What is left can stand in a header and in an SMTP command as it is.

use std::{fmt, str::FromStr};

/// The longest path a mail server has to take, without its brackets.
const LONGEST: usize = 254;
const LONGEST_LOCAL: usize = 64;
const LONGEST_LABEL: usize = 63;

/// A checked address. Its domain is lower case; the part before `@` is as it was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailAddress {
    text: String,
    at: usize,
}

/// Why something is not an address we write to; `Display` says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum AddressProblem {
    #[error("Enter an email address")]
    Empty,
    #[error("An email address needs one @, like name@example.com")]
    NoAt,
    #[error("The part before the @ is not right")]
    Local,
    #[error("The part after the @ is not right")]
    Domain,
    #[error("The part after the @ needs a dot, like example.com")]
    NoDot,
    #[error("The part before the @ has letters that mail servers don't take")]
    NotAscii,
    #[error("This address is too long")]
    TooLong,
}

impl EmailAddress {
    /// Reads one address; space around it is ignored.
    pub fn parse(typed: &str) -> Result<Self, AddressProblem> {
        let typed = typed.trim();
        if typed.is_empty() {
            return Err(AddressProblem::Empty);
        }
        let (local, domain) = typed.split_once('@').ok_or(AddressProblem::NoAt)?;
        if domain.contains('@') {
            return Err(AddressProblem::NoAt);
        }
        if typed.chars().any(|c| c.is_control() || c.is_whitespace()) {
            let in_local = local.chars().any(|c| c.is_control() || c.is_whitespace());
            return Err(if in_local {
                AddressProblem::Local
            } else {
                AddressProblem::Domain
            });
        }
        if !local.is_ascii() {
            return Err(AddressProblem::NotAscii);
        }
        let domain = in_ascii(domain)?;
        if local.len() + 1 + domain.len() > LONGEST {
            return Err(AddressProblem::TooLong);
        }
        check_local(local)?;
        check_domain(&domain)?;
        Ok(Self {
            at: local.len(),
            text: format!("{local}@{domain}"),
        })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The domain, lower case.
    pub fn domain(&self) -> &str {
        self.text.get(self.at + 1..).unwrap_or_default()
    }

    /// All lower case: two addresses that differ only in case are one person's.
    pub fn normalised(&self) -> String {
        self.text.to_ascii_lowercase()
    }
}

/// A domain as DNS and mail servers know it, in lower case.
fn in_ascii(domain: &str) -> Result<String, AddressProblem> {
    if domain.is_ascii() {
        return Ok(domain.to_ascii_lowercase());
    }
    idna::domain_to_ascii(domain).map_err(|_| AddressProblem::Domain)
}

fn check_local(local: &str) -> Result<(), AddressProblem> {
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
    };
    if local.len() > LONGEST_LOCAL {
        Err(AddressProblem::TooLong)
    } else if local.split('.').all(is_atom) {
        Ok(())
    } else {
        Err(AddressProblem::Local)
    }
}

fn check_domain(domain: &str) -> Result<(), AddressProblem> {
    let is_label = |label: &str| {
        (1..=LONGEST_LABEL).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if !domain.split('.').all(is_label) {
        return Err(AddressProblem::Domain);
    }
    let (_, top) = domain.rsplit_once('.').ok_or(AddressProblem::NoDot)?;
    if top.len() < 2 || top.bytes().all(|b| b.is_ascii_digit()) {
        Err(AddressProblem::Domain)
    } else {
        Ok(())
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for EmailAddress {
    type Err = AddressProblem;

    fn from_str(typed: &str) -> Result<Self, AddressProblem> {
        Self::parse(typed)
    }
}

/// What the limit goes by: the domain as mail servers know it.
pub(crate) fn domain(address: &str) -> String {
    match EmailAddress::parse(address) {
        Ok(address) => address.domain().to_owned(),
        // Nothing goes there; what is known of it is enough to tell.
        Err(_) => address.rsplit('@').next().unwrap_or_default().to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_addresses_are_taken() {
        for typed in [
            "a@example.com",
            "first.last+tag@mail.example.com.au",
            "o'brien@example.ie",
            "x@xn--bcher-kva.example",
        ] {
            assert_eq!(EmailAddress::parse(typed).map(|a| a.to_string()).as_deref(), Ok(typed));
        }
        let address = EmailAddress::parse("  Amara@Example.COM ");
        assert_eq!(address.as_ref().map(|a| a.as_str()), Ok("Amara@example.com"));
        assert_eq!(
            address.as_ref().map(|a| a.normalised()).as_deref(),
            Ok("amara@example.com")
        );
        assert_eq!(address.as_ref().map(|a| a.domain()), Ok("example.com"));
    }

    #[test]
    fn a_domain_in_any_script_is_the_one_dns_knows() {
        for (typed, taken) in [
            ("Amara@Bücher.example", "Amara@xn--bcher-kva.example"),
            ("amara@宝石.例え.jp", "amara@xn--pbt627d.xn--r8jz45g.jp"),
            ("amara@xn--bcher-kva.example", "amara@xn--bcher-kva.example"),
        ] {
            assert_eq!(EmailAddress::parse(typed).as_ref().map(EmailAddress::as_str), Ok(taken));
        }
    }

    #[test]
    fn each_wrong_address_is_wrong_for_its_reason() {
        let long = format!("{}@example.com", "a".repeat(65));
        let longer = format!("a@{}.com", "a.".repeat(130));
        for (typed, why) in [
            ("", AddressProblem::Empty),
            ("amara", AddressProblem::NoAt),
            ("a@b@example.com", AddressProblem::NoAt),
            ("a@localhost", AddressProblem::NoDot),
            ("a@[127.0.0.1]", AddressProblem::Domain),
            ("a@127.0.0.1", AddressProblem::Domain),
            ("\"a b\"@example.com", AddressProblem::Local),
            ("a..b@example.com", AddressProblem::Local),
            (".a@example.com", AddressProblem::Local),
            ("@example.com", AddressProblem::Local),
            ("a@example..com", AddressProblem::Domain),
            ("a@-example.com", AddressProblem::Domain),
            ("a@example.com.", AddressProblem::Domain),
            ("a@exa mple.com", AddressProblem::Domain),
            ("a@example.com\r\nRCPT TO:<b@example.com>", AddressProblem::NoAt),
            ("a@example.com\r\nDATA", AddressProblem::Domain),
            ("a<b>@example.com", AddressProblem::Local),
            ("Amara <a@example.com>", AddressProblem::Local),
            ("ü@example.com", AddressProblem::NotAscii),
            ("ü@bücher.example", AddressProblem::NotAscii),
            ("a@bü cher.example", AddressProblem::Domain),
            ("a@bücher", AddressProblem::NoDot),
            ("a@b\u{fffd}cher.example", AddressProblem::Domain),
            (&long, AddressProblem::TooLong),
            (&longer, AddressProblem::TooLong),
        ] {
            assert_eq!(EmailAddress::parse(typed), Err(why), "{typed}");
        }
    }

    proptest! {
        #[test]
        fn an_address_that_is_taken_is_safe_in_a_command(typed in "[ -~\\r\\n\u{0}é@.]{0,20}@?[a-z0-9.@<>\\r\\n -]{0,20}") {
            if let Ok(address) = EmailAddress::parse(&typed) {
                prop_assert!(address.as_str().bytes().all(|b| b.is_ascii_graphic() && !b"<>()[],;:\\\"".contains(&b)));
                let again = EmailAddress::parse(address.as_str());
                prop_assert_eq!(again, Ok(address));
            }
        }
    }
}
