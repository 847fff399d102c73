//! Mail accounts: how fast an owner lets them send, over how many connections, and which provider they belong to.

pub mod account_queries;
pub mod api;
pub mod domain_queries;
pub mod limits;
pub mod provider_queries;

#[cfg(feature = "ssr")]
pub mod mail_provider;
#[cfg(feature = "ssr")]
pub mod smtp_settings;
