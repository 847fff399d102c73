//! What can be set: by flag, by `LOUPE_*` in the environment, or in `Leptos.toml`, in that order.
//! Secrets and provider addresses are never read from the file. A wrong value names its key and
//! stops the start.

mod file;
mod key;
pub mod proxies;

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use secrecy::SecretString;

use self::{file::File, proxies::TrustedProxies};
use crate::channels::email::smtp::Account;

/// The settings as given, before defaults. One struct is the flags, the environment and their
/// documentation.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Settings")]
pub struct Given {
    /// Where to listen [default: 127.0.0.1:3000]
    #[arg(long, env = "LOUPE_ADDR", global = true)]
    pub addr: Option<String>,
    /// The address people reach Loupe at, for links in messages [default: http://ADDR]
    #[arg(long, env = "LOUPE_BASE_URL", global = true, hide_short_help = true)]
    pub base_url: Option<String>,
    /// sqlite://FILE or postgres://USER@HOST/DATABASE [default: sqlite://data/loupe.db]
    #[arg(long, env = "LOUPE_DATABASE_URL", global = true, hide_env_values = true)]
    pub database_url: Option<String>,
    /// smtp://USER:PASSWORD@HOST:PORT or smtps://…, with ?auth=xoauth2 when the password is an access
    /// token; without it the built-in outbox keeps every message and mails nothing
    #[arg(
        long,
        env = "LOUPE_SMTP_URL",
        global = true,
        hide_short_help = true,
        hide_env_values = true
    )]
    pub smtp_url: Option<String>,
    /// Seconds between Send now and the first message, 0 to 120; overrides the store's setting
    #[arg(long, env = "LOUPE_UNDO_SECONDS", global = true, hide_short_help = true)]
    pub undo_seconds: Option<String>,
    /// on: this process sends messages; off: it only serves pages [default: on]
    #[arg(long, env = "LOUPE_DISPATCH", global = true, hide_short_help = true)]
    pub dispatch: Option<String>,
    /// Proxies in front, as networks such as 10.0.0.0/8 behind commas: only what they say in
    /// X-Forwarded-For is believed about where people come from [default: none]
    #[arg(long, env = "LOUPE_TRUSTED_PROXIES", global = true, hide_short_help = true)]
    pub trusted_proxies: Option<String>,
    /// Where /metrics is to be found, such as 127.0.0.1:9464 [default: nowhere]
    #[arg(long, env = "LOUPE_METRICS_ADDR", global = true, hide_short_help = true)]
    pub metrics_addr: Option<String>,
    /// Seconds after which a silent sender's messages are taken over [default: 30]
    #[arg(long, env = "LOUPE_LEASE_SECONDS", global = true, hide_short_help = true)]
    pub lease_seconds: Option<String>,
    /// Shortens the waits before a temporary refusal is tried again, 0.0001 to 1; for tests
    #[arg(long, env = "LOUPE_RETRY_SCALE", global = true, hide = true)]
    pub retry_scale: Option<String>,
    /// Secret that peppers passwords, at least 32 characters; made and kept beside an SQLite file
    #[arg(
        long,
        env = "LOUPE_SECRET_KEY",
        global = true,
        hide_short_help = true,
        hide_env_values = true
    )]
    pub secret_key: Option<String>,
    /// A file with that secret
    #[arg(long, env = "LOUPE_SECRET_KEY_FILE", global = true, hide_short_help = true)]
    pub secret_key_file: Option<PathBuf>,
    /// What to log: error, warn, info, debug, or a tracing filter [default: info]
    #[arg(long, env = "LOUPE_LOG", global = true, hide_short_help = true)]
    pub log: Option<String>,
    /// The folder with the built site [default: site beside the program, or target/site]
    #[arg(long, env = "LOUPE_SITE_ROOT", global = true, hide_short_help = true)]
    pub site_root: Option<PathBuf>,
    /// Let a demo store, whose passwords are known to all, be reached from other machines
    #[arg(long, env = "LOUPE_DEMO_PUBLIC", global = true, hide_short_help = true)]
    pub demo_public: Option<String>,
}

/// What the server runs with.
#[derive(Clone, Debug)]
pub struct Settings {
    pub addr: SocketAddr,
    /// Scheme and host in small letters, without a port that goes without saying and without a slash
    /// at the end.
    pub base_url: String,
    pub database_url: SecretString,
    /// None: the built-in outbox.
    pub smtp: Option<Account>,
    /// Seconds, 0 to 120, for every store; None: each store's own.
    pub undo_seconds: Option<i64>,
    pub dispatch: bool,
    /// Whose word about where people come from is believed.
    pub trusted_proxies: TrustedProxies,
    /// None: the metrics are off.
    pub metrics_addr: Option<SocketAddr>,
    /// Seconds, 5 to 600.
    pub lease_seconds: i64,
    /// 1, or less to shorten the waits between attempts in tests.
    pub retry_scale: f64,
    pub secret_key: SecretString,
    pub log: String,
    pub site_root: PathBuf,
    pub demo_public: bool,
}

/// A setting that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {words}")]
pub struct WrongSetting {
    pub key: &'static str,
    pub words: String,
}

fn wrong(key: &'static str, words: impl Into<String>) -> WrongSetting {
    WrongSetting {
        key,
        words: words.into(),
    }
}

impl Settings {
    /// Checks what was given and fills in the rest.
    pub fn resolve(given: Given, file_text: Option<&str>) -> Result<Self, WrongSetting> {
        let file = file_text.map_or_else(|| Ok(File::default()), File::read)?;
        let addr = given
            .addr
            .or(file.site.addr)
            .unwrap_or_else(|| "127.0.0.1:3000".to_owned());
        let addr: SocketAddr = addr.parse().map_err(|_| {
            wrong(
                "LOUPE_ADDR",
                format!("{addr:?} is not an address such as 127.0.0.1:3000"),
            )
        })?;
        let base_url = given.base_url.or(file.site.base_url).unwrap_or_else(|| unnamed(addr));
        let base_url = whole_address(&base_url)?;
        let database_url = given
            .database_url
            .or(file.database.address()?)
            .unwrap_or_else(|| "sqlite://data/loupe.db".to_owned());
        // What lies beside an embedded database is found by the file's own name.
        let database_url = crate::db::real_address(&database_url);
        if !["sqlite:", "postgres:", "postgresql:"]
            .iter()
            .any(|s| database_url.starts_with(s))
        {
            return Err(wrong(
                "LOUPE_DATABASE_URL",
                "it must begin with sqlite:// or postgres://",
            ));
        }
        let smtp = given
            .smtp_url
            .filter(|url| !url.is_empty())
            .map(|url| Account::parse(&url).map_err(|e| wrong("LOUPE_SMTP_URL", e.to_string())))
            .transpose()?;
        let undo_seconds = given
            .undo_seconds
            .or(file.dispatch.undo_seconds)
            .map(|text| number("LOUPE_UNDO_SECONDS", &text, 0, 120))
            .transpose()?;
        let dispatch = switch("LOUPE_DISPATCH", given.dispatch.or(file.dispatch.run).as_deref(), true)?;
        let trusted_proxies = given.trusted_proxies.or(file.site.trusted_proxies).unwrap_or_default();
        let trusted_proxies = TrustedProxies::parse(&trusted_proxies).map_err(|part| {
            let words = format!("{part:?} is neither an address nor a network such as 10.0.0.0/8");
            wrong("LOUPE_TRUSTED_PROXIES", words)
        })?;
        let metrics_addr = given
            .metrics_addr
            .or(file.site.metrics_addr)
            .filter(|text| !text.is_empty())
            .map(|text| {
                text.parse::<SocketAddr>().map_err(|_| {
                    wrong(
                        "LOUPE_METRICS_ADDR",
                        format!("{text:?} is not an address such as 127.0.0.1:9464"),
                    )
                })
            })
            .transpose()?;
        let lease_seconds = given
            .lease_seconds
            .or(file.dispatch.lease_seconds)
            .map_or(Ok(30), |text| number("LOUPE_LEASE_SECONDS", &text, 1, 600))?;
        let retry_scale = given.retry_scale.map_or(Ok(1.0), |text| {
            text.parse()
                .ok()
                .filter(|scale| (0.0001..=1.0).contains(scale))
                .ok_or_else(|| wrong("LOUPE_RETRY_SCALE", "it must be a number from 0.0001 to 1"))
        })?;
        let demo_public = switch(
            "LOUPE_DEMO_PUBLIC",
            given.demo_public.or(file.site.demo_public).as_deref(),
            false,
        )?;
        let secret_key = key::secret_key(given.secret_key, given.secret_key_file, &database_url)?;
        let log = given.log.or(file.log.level).unwrap_or_else(|| "info".to_owned());
        log.parse::<tracing_subscriber::EnvFilter>()
            .map_err(|e| wrong("LOUPE_LOG", e.to_string()))?;
        let site_root = given.site_root.or(file.site.root).unwrap_or_else(default_site_root);
        Ok(Self {
            addr,
            base_url,
            database_url: database_url.into(),
            smtp,
            undo_seconds,
            dispatch,
            trusted_proxies,
            metrics_addr,
            lease_seconds,
            retry_scale,
            secret_key,
            log,
            site_root,
            demo_public,
        })
    }

    /// The same once it is known where it listens: with port 0 the system chose. Links lead there,
    /// unless an address was given for them.
    #[must_use]
    pub fn listening_at(mut self, at: SocketAddr) -> Self {
        if self.base_url == unnamed(self.addr) {
            self.base_url = unnamed(at);
        }
        self.addr = at;
        self
    }

    /// Whether people come over https: then cookies are Secure and tied to the host.
    pub fn https(&self) -> bool {
        self.base_url.starts_with("https://")
    }

    /// Whether the built-in outbox is the provider: then nothing is mailed.
    pub fn uses_outbox(&self) -> bool {
        self.smtp.is_none()
    }
}

/// The address people reach Loupe at when none was given.
fn unnamed(addr: SocketAddr) -> String {
    format!("http://{addr}")
}

/// The address people reach Loupe at: http or https, a host, perhaps a port, and nothing more, for
/// pages link to each other from the root.
fn whole_address(typed: &str) -> Result<String, WrongSetting> {
    scheme_and_host(typed.trim_end_matches('/')).ok_or_else(|| {
        let words = format!("{typed:?} is not http:// or https:// and a host, such as https://loupe.example.com");
        wrong("LOUPE_BASE_URL", words)
    })
}

/// In the one spelling that browsers use too, so that it can be compared.
fn scheme_and_host(typed: &str) -> Option<String> {
    let uri: http::Uri = typed.parse().ok().filter(|_| !typed.contains('#'))?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let usual = match scheme.as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => return None,
    };
    let host = uri.authority()?.as_str().to_ascii_lowercase();
    let is_whole = !uri.host()?.is_empty() && !host.contains('@');
    let is_alone = matches!(uri.path_and_query().map(|path| path.as_str()), None | Some("/"));
    let host = host.strip_suffix(usual).unwrap_or(&host);
    (is_whole && is_alone).then(|| format!("{scheme}://{host}"))
}

fn number(key: &'static str, text: &str, least: i64, most: i64) -> Result<i64, WrongSetting> {
    text.parse::<i64>()
        .ok()
        .filter(|n| (least..=most).contains(n))
        .ok_or_else(|| wrong(key, format!("{text:?} is not a whole number from {least} to {most}")))
}

fn switch(key: &'static str, text: Option<&str>, default: bool) -> Result<bool, WrongSetting> {
    match text {
        None | Some("") => Ok(default),
        Some("on" | "true" | "1" | "yes") => Ok(true),
        Some("off" | "false" | "0" | "no") => Ok(false),
        Some(other) => Err(wrong(key, format!("{other:?} is neither on nor off"))),
    }
}

fn default_site_root() -> PathBuf {
    let beside = std::env::current_exe()
        .ok()
        .and_then(|exe| exe.parent().map(PathBuf::from));
    let places = beside.iter().flat_map(|dir| [dir.join("site"), dir.join("../site")]);
    places
        .into_iter()
        .find(|p| p.join("main.css").exists())
        .unwrap_or_else(|| PathBuf::from("target/site"))
}

#[cfg(test)]
mod tests;
