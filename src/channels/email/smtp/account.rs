//! The mail server as `LOUPE_SMTP_URL` names it.
//!
//! `smtp://user:pass@host:587?tls=starttls`, `smtps://user:pass@host:465`,
//! `smtp://127.0.0.1:2525`. Options: `tls=starttls|none`, `auth=xoauth2`, `pipelining=off`,
//! `connections=1..64`, `rate=` messages per second, `helo=` the name we greet with. Scheme, host and
//! options may be written in either case.

use std::{fmt, net::IpAddr, str::FromStr, sync::Arc, time::Duration};

use rustls::{ClientConfig, RootCertStore, pki_types::CertificateDer};
use secrecy::SecretString;

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    None,
    /// In the clear until `STARTTLS`; never carried on without it.
    StartTls,
    /// From the first byte.
    Implicit,
}

/// What we sign in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// By PLAIN or LOGIN, as the server takes it.
    Password,
    /// The password is an OAuth 2.0 access token.
    Xoauth2,
}

/// Who we sign in as.
#[derive(Clone, Debug)]
pub struct Login {
    pub user: String,
    pub password: SecretString,
    pub method: AuthMethod,
}

/// How long each step may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    pub connect: Duration,
    /// One command's answer, one write.
    pub command: Duration,
    /// The answer to a whole message: RFC 5321 gives a server ten minutes.
    pub content: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            command: Duration::from_secs(60),
            content: Duration::from_secs(600),
        }
    }
}

/// One mail server and how we use it.
#[derive(Clone)]
pub struct Account {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    pub login: Option<Login>,
    /// False: every command waits for its answer, whatever the server offers.
    pub pipelining: bool,
    /// Connections kept open while sending, 1 to 64.
    pub connections: usize,
    /// As many as may be set instead: what the URL says, or 64.
    pub most_connections: usize,
    /// Messages per second over all connections.
    pub rate: Option<u32>,
    /// What we call ourselves; our own address when absent.
    pub helo: Option<String>,
    pub waits: Waits,
    pub(super) tls_config: Arc<ClientConfig>,
}

/// Which part of the URL is wrong. Never holds a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountProblem {
    #[error("the mail server must start with smtp:// or smtps://")]
    Scheme,
    #[error("the mail server has no host name")]
    Host,
    #[error("the port “{0}” is not a number from 1 to 65535")]
    Port(String),
    #[error("the user name and password must be user:password, with %xx for special characters")]
    Login,
    #[error("the option {key}={value} is not understood: {choices}")]
    Value {
        key: String,
        value: String,
        choices: &'static str,
    },
    #[error("there is no option “{0}”: use tls, auth, pipelining, connections, rate or helo")]
    Option(String),
    #[error("tls=none would send the password readable over the network; it is only for this machine")]
    PlainLogin,
    #[error("secure connections cannot be set up: {0}")]
    Tls(String),
}

impl Account {
    /// Reads `LOUPE_SMTP_URL`.
    pub fn parse(url: &str) -> Result<Self, AccountProblem> {
        let (scheme, rest) = url.trim().split_once("://").ok_or(AccountProblem::Scheme)?;
        let implicit = match scheme.to_ascii_lowercase().as_str() {
            "smtp" => false,
            "smtps" => true,
            _ => return Err(AccountProblem::Scheme),
        };
        let (authority, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (userinfo, place) = match authority.rsplit_once('@') {
            Some((userinfo, place)) => (Some(userinfo), place),
            None => (None, authority),
        };
        let (host, port) = host_and_port(place.trim_end_matches('/'))?;
        let is_here = is_this_machine(&host);
        let mut account = Self {
            login: userinfo.map(read_login).transpose()?,
            port: port.unwrap_or(if implicit { 465 } else { 587 }),
            tls: match (implicit, is_here) {
                (true, _) => Tls::Implicit,
                (false, true) => Tls::None,
                (false, false) => Tls::StartTls,
            },
            pipelining: true,
            connections: 4,
            most_connections: 64,
            rate: None,
            helo: None,
            waits: Waits::default(),
            tls_config: tls_config(None)?,
            host,
        };
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let option = option.to_ascii_lowercase();
            let (key, value) = option.split_once('=').unwrap_or((&option, ""));
            account.set(key, value)?;
        }
        if account.tls == Tls::None && account.login.is_some() && !is_here {
            return Err(AccountProblem::PlainLogin);
        }
        Ok(account)
    }

    /// Names the account: who signs in where. Never holds a password.
    pub fn key(&self) -> String {
        let user = self.login.as_ref().map_or("", |login| &login.user);
        format!("{user}@{}:{}", self.host, self.port)
    }

    /// Also trusts servers whose certificate was issued by this one.
    pub fn trusting(mut self, issuer: CertificateDer<'static>) -> Result<Self, AccountProblem> {
        self.tls_config = tls_config(Some(issuer))?;
        Ok(self)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), AccountProblem> {
        let wrong = |choices| {
            let value = value.chars().take(40).collect();
            Err(AccountProblem::Value {
                key: key.to_owned(),
                value,
                choices,
            })
        };
        match (key, value) {
            ("tls", "starttls") if self.tls != Tls::Implicit => self.tls = Tls::StartTls,
            ("tls", "none") if self.tls != Tls::Implicit => self.tls = Tls::None,
            ("tls", _) if self.tls == Tls::Implicit => return wrong("smtps:// is always secure, leave it out"),
            ("tls", _) => return wrong("use starttls or none"),
            ("auth", "password" | "xoauth2") => match &mut self.login {
                Some(login) if value == "xoauth2" => login.method = AuthMethod::Xoauth2,
                Some(login) => login.method = AuthMethod::Password,
                None => return wrong("put user:token@ before the host name"),
            },
            ("auth", _) => return wrong("use password or xoauth2"),
            ("pipelining", "on") => self.pipelining = true,
            ("pipelining", "off") => self.pipelining = false,
            ("pipelining", _) => return wrong("use on or off"),
            ("connections", _) => match value.parse() {
                Ok(n @ 1..=64) => (self.connections, self.most_connections) = (n, n),
                _ => return wrong("use a number from 1 to 64"),
            },
            ("rate", _) => match value.parse() {
                Ok(n @ 1..=100_000) => self.rate = Some(n),
                _ => return wrong("use messages per second, from 1 to 100000"),
            },
            ("helo", _) => {
                let is_name = !value.is_empty()
                    && value
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b".-_[]:".contains(&b));
                if !is_name || value.len() > 255 {
                    return wrong("use a host name");
                }
                self.helo = Some(value.to_owned());
            }
            _ => return Err(AccountProblem::Option(key.chars().take(40).collect())),
        }
        Ok(())
    }
}

fn host_and_port(place: &str) -> Result<(String, Option<u16>), AccountProblem> {
    let (host, port) = match place.strip_prefix('[') {
        Some(inner) => {
            let (host, after) = inner.split_once(']').ok_or(AccountProblem::Host)?;
            (host, after.strip_prefix(':'))
        }
        None => place
            .split_once(':')
            .map_or((place, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() || !host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_:".contains(&b)) {
        return Err(AccountProblem::Host);
    }
    let port = match port {
        Some(port) => match port.parse() {
            Ok(0) | Err(_) => return Err(AccountProblem::Port(port.chars().take(12).collect())),
            Ok(port) => Some(port),
        },
        None => None,
    };
    // One server, one account, however it is written.
    Ok((host.to_ascii_lowercase(), port))
}

pub(in crate::channels::email) fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn read_login(userinfo: &str) -> Result<Login, AccountProblem> {
    let (user, password) = userinfo.split_once(':').ok_or(AccountProblem::Login)?;
    let user = percent_decoded(user)
        .filter(|user| !user.is_empty())
        .ok_or(AccountProblem::Login)?;
    let password = percent_decoded(password).ok_or(AccountProblem::Login)?;
    Ok(Login {
        user,
        password: SecretString::from(password),
        method: AuthMethod::Password,
    })
}

/// `None` for a broken `%xx`, for what is not UTF-8 and for a zero byte.
fn percent_decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digit = |b: Option<u8>| {
            b.and_then(|b| char::from(b).to_digit(16))
                .and_then(|d| u8::try_from(d).ok())
        };
        out.push(digit(bytes.next())? * 16 + digit(bytes.next())?);
    }
    String::from_utf8(out).ok().filter(|text| !text.contains('\0'))
}

fn tls_config(issuer: Option<CertificateDer<'static>>) -> Result<Arc<ClientConfig>, AccountProblem> {
    let wrong = |error: rustls::Error| AccountProblem::Tls(error.to_string());
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(issuer) = issuer {
        roots.add(issuer).map_err(wrong)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(wrong)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

impl FromStr for Account {
    type Err = AccountProblem;

    fn from_str(url: &str) -> Result<Self, AccountProblem> {
        Self::parse(url)
    }
}

/// The URL again, without the password.
impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls == Tls::Implicit { "smtps" } else { "smtp" };
        let login = if self.login.is_some() { "[login]@" } else { "" };
        let brackets = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(
            f,
            "{scheme}://{login}{}{}{}:{}",
            brackets.0, self.host, brackets.1, self.port
        )?;
        match self.tls {
            Tls::Implicit => Ok(()),
            Tls::StartTls => f.write_str("?tls=starttls"),
            Tls::None => f.write_str("?tls=none"),
        }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("server", &self.to_string())
            .field("pipelining", &self.pipelining)
            .field("connections", &self.connections)
            .field("rate", &self.rate)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn problem(url: &str) -> Option<AccountProblem> {
        Account::parse(url).err()
    }

    #[test]
    fn the_usual_urls_are_read() -> Result<(), AccountProblem> {
        let a = Account::parse(
            "smtp://hello%40aurelia.example.com:p%40ss:w@mail.example.com?connections=8&rate=14&helo=shop.example.com",
        )?;
        assert_eq!(
            (a.host.as_str(), a.port, a.tls),
            ("mail.example.com", 587, Tls::StartTls)
        );
        assert_eq!(
            (a.connections, a.rate, a.pipelining, a.helo.as_deref()),
            (8, Some(14), true, Some("shop.example.com"))
        );
        let login = a.login.clone().ok_or(AccountProblem::Login)?;
        assert_eq!(
            (login.user.as_str(), login.password.expose_secret()),
            ("hello@aurelia.example.com", "p@ss:w")
        );
        let a = Account::parse("smtps://u:p@mail.example.com/")?;
        assert_eq!((a.port, a.tls), (465, Tls::Implicit));
        let a = Account::parse("smtp://127.0.0.1:2525?pipelining=off")?;
        assert_eq!((a.port, a.tls, a.pipelining), (2525, Tls::None, false));
        assert_eq!(
            Account::parse("smtp://[::1]:25")?.to_string(),
            "smtp://[::1]:25?tls=none"
        );
        assert_eq!(Account::parse("smtp://relay.internal:25?tls=none")?.tls, Tls::None);
        Ok(())
    }

    #[test]
    fn letter_case_makes_no_difference() -> Result<(), AccountProblem> {
        let a = Account::parse("SMTPS://Shop%40example.com:Token@MAIL.Example.com?AUTH=XOAuth2&Connections=2")?;
        let b = Account::parse("smtps://Shop%40example.com:Token@mail.example.com?auth=xoauth2&connections=2")?;
        assert_eq!((a.tls, a.port, a.connections), (Tls::Implicit, 465, 2));
        assert_eq!((a.host.as_str(), a.key()), ("mail.example.com", b.key()));
        let login = a.login.ok_or(AccountProblem::Login)?;
        assert_eq!(
            (login.user.as_str(), login.password.expose_secret(), login.method),
            ("Shop@example.com", "Token", AuthMethod::Xoauth2)
        );
        assert_eq!(Account::parse("SMTP://LOCALHOST:2525?TLS=None")?.tls, Tls::None);
        Ok(())
    }

    #[test]
    fn a_wrong_part_is_named() {
        assert_eq!(problem("http://x"), Some(AccountProblem::Scheme));
        assert_eq!(problem("mail.example.com:587"), Some(AccountProblem::Scheme));
        assert_eq!(problem("smtp://:25"), Some(AccountProblem::Host));
        assert_eq!(
            problem("smtp://x:99999"),
            Some(AccountProblem::Port("99999".to_owned()))
        );
        assert_eq!(problem("smtp://user@x"), Some(AccountProblem::Login));
        assert_eq!(problem("smtp://user:%zz@x"), Some(AccountProblem::Login));
        assert_eq!(
            problem("smtp://u:p@mail.example.com?tls=none"),
            Some(AccountProblem::PlainLogin)
        );
        assert_eq!(
            problem("smtp://x?pool=3"),
            Some(AccountProblem::Option("pool".to_owned()))
        );
        for (url, key) in [
            ("smtp://x?tls=maybe", "tls"),
            ("smtps://x?tls=none", "tls"),
            ("smtp://x?connections=0", "connections"),
            ("smtp://x?connections=65", "connections"),
            ("smtp://x?rate=-1", "rate"),
            ("smtp://x?pipelining=perhaps", "pipelining"),
            ("smtp://x?helo=a%0d", "helo"),
            ("smtp://x?auth=xoauth2", "auth"),
            ("smtps://u:p@x?auth=oauth", "auth"),
        ] {
            assert!(
                matches!(problem(url), Some(AccountProblem::Value { key: k, .. }) if k == key),
                "{url}"
            );
        }
    }

    #[test]
    fn a_password_is_never_printed() -> Result<(), AccountProblem> {
        let account = Account::parse("smtp://someone:sesame@mail.example.com")?;
        let printed = format!("{account} {account:?} {:?}", account.login);
        assert!(!printed.contains("sesame"), "{printed}");
        assert!(account.to_string().contains("mail.example.com:587"));
        Ok(())
    }
}
