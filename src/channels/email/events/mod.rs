//! What mail providers tell of messages that carry our id: their events, proved to be theirs and
//! read. What an event means to a message is [`crate::sends::provider_events`]'s business.

mod mailgun;
mod postmark;
mod resend;

pub use postmark::USER as POSTMARK_USER;

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha2::Sha256;

use super::smtp::is_this_machine;

/// Longest body of an event, in bytes: an event is a few kilobytes.
pub const LONGEST: usize = 256 * 1024;

/// A signed event is believed for so long, before and after.
const FRESH: TimeDelta = TimeDelta::minutes(5);

/// The token of an event that is accepted only once must be remembered for so long: until nothing that
/// carries it can be believed any more.
pub const TOKENS_KEPT: TimeDelta = TimeDelta::hours(48);

/// A mail provider we know something about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    Mailgun,
    Postmark,
    Resend,
}

/// What somebody posted as an event.
#[derive(Clone, Copy, Debug)]
pub struct Posted<'a> {
    pub headers: &'a HeaderMap,
    /// As it came: what was signed.
    pub body: &'a [u8],
    pub now: DateTime<Utc>,
}

/// A post that is proved to be the provider's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proved {
    /// Nothing when it is about something else than a message of ours.
    pub event: Option<Event>,
    /// Accepted only once, where the signature says nothing of the rest: whoever caught it could
    /// put another event beside it.
    pub token: Option<String>,
}

/// What a provider tells of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub message: OurId,
    pub kind: EventKind,
}

/// Our id of a message, as it left with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OurId {
    /// The id of the `messages` row.
    pub message: i64,
    /// Tells this installation's from another's.
    pub installation: String,
}

/// What is known from an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The provider had the message, because this happened to it.
    Had(&'static str),
    /// The provider did not take it, for this reason: nobody got it.
    NeverTook(String),
}

/// Why an event is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Nothing proves that it is the provider's.
    NotTheirs,
    /// It is theirs, and no event as we know them.
    NotUnderstood,
    /// It is theirs, and signed in the future: one of the two clocks is wrong.
    TooEarly,
}

impl From<Option<Event>> for Proved {
    fn from(event: Option<Event>) -> Self {
        Self { event, token: None }
    }
}

impl Provider {
    pub const ALL: [Self; 3] = [Self::Mailgun, Self::Postmark, Self::Resend];

    /// How it is kept and sent in forms.
    pub fn key(self) -> &'static str {
        match self {
            Self::Mailgun => "mailgun",
            Self::Postmark => "postmark",
            Self::Resend => "resend",
        }
    }

    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.key() == key)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Mailgun => "Mailgun",
            Self::Postmark => "Postmark",
            Self::Resend => "Resend",
        }
    }

    /// The header field that takes our id to the provider, where the Message-ID does not.
    pub fn id_field(self) -> Option<&'static str> {
        match self {
            Self::Mailgun => None,
            Self::Postmark => Some(postmark::ID_FIELD),
            Self::Resend => Some(resend::KEY_FIELD),
        }
    }

    /// Whether it takes a message with the same key only once.
    pub fn is_idempotent(self) -> bool {
        self == Self::Resend
    }

    /// Whether a mail server can be its own, where it matters: what is tried again because a provider
    /// takes it only once must not go to another one. On this machine it may pass mail on.
    pub fn may_own(self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let is_theirs = host.strip_suffix(resend::DOMAIN);
        !self.is_idempotent()
            || is_this_machine(&host)
            || is_theirs.is_some_and(|before| before.is_empty() || before.ends_with('.'))
    }

    /// What is wrong with a secret for its events.
    pub fn problem_of(self, secret: &str) -> Option<&'static str> {
        match self {
            Self::Resend if resend::signing_key(secret).is_none() => {
                Some("Enter the signing secret of the webhook at Resend; it begins with whsec_")
            }
            Self::Resend => None,
            _ if secret.len() < 16 || !secret.bytes().all(|b| b.is_ascii_graphic()) => {
                Some("Use at least 16 letters, digits and signs, without spaces")
            }
            _ => None,
        }
    }

    /// Whether it gives up an event that is answered with 406, and posts again after anything else.
    pub fn gives_up_at_406(self) -> bool {
        self == Self::Mailgun
    }

    /// Reads an event.
    pub fn read(self, posted: Posted<'_>, secret: &str) -> Result<Proved, Refused> {
        match self {
            Self::Mailgun => mailgun::read(posted, secret),
            Self::Postmark => postmark::read(posted, secret).map(Proved::from),
            Self::Resend => resend::read(posted, secret).map(Proved::from),
        }
    }
}

impl OurId {
    /// Reads what [`crate::channels::email::Prepared`] writes: a Message-ID, with or without its
    /// brackets, or only what stands before its domain.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('<').trim_end_matches('>');
        let (message, rest) = text.split_once('.')?;
        let installation = rest.split_once('@').map_or(rest, |(before, _)| before);
        Some(Self {
            message: message.parse().ok().filter(|id| *id > 0)?,
            installation: (!installation.is_empty()).then(|| installation.to_owned())?,
        })
    }
}

/// Whether this is the HMAC-SHA256 of these parts, one after the other; compared in constant time.
fn is_signed(key: &[u8], parts: &[&[u8]], signature: &[u8]) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return false;
    };
    for part in parts {
        mac.update(part);
    }
    mac.verify_slice(signature).is_ok()
}

/// A moment, in seconds since 1970.
fn moment(seconds: &str) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds.parse().ok()?, 0)
}

/// Whether a moment is now.
fn is_fresh(seconds: &str, now: DateTime<Utc>) -> bool {
    moment(seconds).is_some_and(|at| (now - at).abs() <= FRESH)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Refused> {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.ok_or(Refused::NotTheirs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_id_comes_back_in_every_form_it_left_in() {
        let id = Some(OurId {
            message: 42,
            installation: "1a2b3c4d".to_owned(),
        });
        for text in [
            "<42.1a2b3c4d@shop.example.com>",
            "42.1a2b3c4d@shop.example.com",
            "42.1a2b3c4d",
        ] {
            assert_eq!(OurId::parse(text), id, "{text}");
        }
        for text in [
            "",
            "42",
            "42.",
            "42.@x",
            "x.1a2b",
            "-1.1a2b",
            "<0100018@email.amazonses.com>",
        ] {
            assert_eq!(OurId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_provider_that_takes_it_once_has_its_own_mail_server() {
        for host in ["smtp.resend.com", "resend.com", "127.0.0.1", "localhost"] {
            assert!(Provider::Resend.may_own(host), "{host}");
        }
        for host in ["smtp.example.com", "notresend.com", "resend.com.example.com"] {
            assert!(!Provider::Resend.may_own(host), "{host}");
        }
        assert!(Provider::Mailgun.may_own("smtp.eu.mailgun.org"));
    }

    #[test]
    fn a_secret_must_be_one() {
        assert!(Provider::Mailgun.problem_of("short").is_some());
        assert!(Provider::Postmark.problem_of("with spaces in between").is_some());
        assert!(Provider::Postmark.problem_of("correct-horse-battery").is_none());
        assert!(Provider::Resend.problem_of("correct-horse-battery").is_some());
        assert!(Provider::Resend.problem_of("whsec_").is_some());
        assert!(Provider::Resend.problem_of("whsec_c2VjcmV0IG9mIGEgaG9vaw==").is_none());
        for provider in Provider::ALL {
            assert_eq!(Provider::from_key(provider.key()), Some(provider));
        }
    }
}
