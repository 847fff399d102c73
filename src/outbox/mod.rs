//! The built-in outbox: while no mail server is set, it keeps every message whole and mails
//! nothing. Owners and managers can look at what it holds; looking fetches nothing.

pub mod queries;
pub mod reading;

/// What every page that sends says while the outbox is the provider.
pub const NOTHING_IS_MAILED: &str = "Nothing is mailed: messages stay in the outbox.";

/// The words for a page that sends, if the outbox is the provider.
pub fn notice(settings: &crate::context::Settings) -> Option<&'static str> {
    settings.uses_outbox().then_some(NOTHING_IS_MAILED)
}
