//! Channels, and what a person said about each.

use serde::{Deserialize, Serialize};

/// A way to reach a person, each with a consent of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type))]
#[cfg_attr(feature = "ssr", sqlx(type_name = "text", rename_all = "lowercase"))]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    Email,
    WhatsApp,
}

impl Channel {
    pub const ALL: [Channel; 2] = [Channel::Email, Channel::WhatsApp];

    /// The word in the database and in forms.
    pub fn key(self) -> &'static str {
        match self {
            Channel::Email => "email",
            Channel::WhatsApp => "whatsapp",
        }
    }

    /// As the page says it.
    pub fn label(self) -> &'static str {
        match self {
            Channel::Email => "Email",
            Channel::WhatsApp => "WhatsApp",
        }
    }
}

/// What is known of a person's wish for a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type))]
#[cfg_attr(feature = "ssr", sqlx(type_name = "text", rename_all = "snake_case"))]
#[serde(rename_all = "snake_case")]
pub enum ConsentState {
    /// Nothing was ever said.
    #[default]
    None,
    Granted,
    Withdrawn,
}

impl ConsentState {
    pub fn key(self) -> &'static str {
        match self {
            ConsentState::None => "none",
            ConsentState::Granted => "granted",
            ConsentState::Withdrawn => "withdrawn",
        }
    }

    /// As the page says it, of this channel.
    pub fn words(self, channel: Channel) -> &'static str {
        match (self, channel) {
            (ConsentState::None, _) => "Hasn't said either way",
            (ConsentState::Granted, _) => "Agreed to marketing messages",
            (ConsentState::Withdrawn, Channel::Email) => "Unsubscribed",
            (ConsentState::Withdrawn, Channel::WhatsApp) => "Opted out",
        }
    }
}

/// What can happen to a consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    Grant,
    Withdraw,
}

impl Wish {
    /// The state it leads to.
    pub fn state(self) -> ConsentState {
        match self {
            Wish::Grant => ConsentState::Granted,
            Wish::Withdraw => ConsentState::Withdrawn,
        }
    }
}

/// Where a wish was expressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type))]
#[cfg_attr(feature = "ssr", sqlx(type_name = "text", rename_all = "snake_case"))]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Told to a member of staff.
    Staff,
    /// A column of an imported file.
    Import,
    /// The link at the end of a message.
    Link,
    /// Made up for the demo store.
    Demo,
}

impl Source {
    pub fn key(self) -> &'static str {
        match self {
            Source::Staff => "staff",
            Source::Import => "import",
            Source::Link => "link",
            Source::Demo => "demo",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Source::Staff => "Told us",
            Source::Import => "Imported file",
            Source::Link => "Link in a message",
            Source::Demo => "Demo data",
        }
    }
}
