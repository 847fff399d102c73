//! A send: one attempt to reach an audience, of a campaign or by itself.
//!
//! Starting one is a single transaction: the claim on the campaign, the frozen message, one row
//! per person of the audience, the audit line. What follows happens in [`crate::dispatch`].

pub mod api;
pub mod model;
pub mod words;

#[cfg(feature = "ssr")]
pub mod asleep;
#[cfg(feature = "ssr")]
mod campaign_store;
#[cfg(feature = "ssr")]
pub mod contacts;
#[cfg(feature = "ssr")]
pub mod correction;
#[cfg(feature = "ssr")]
pub mod drift;
#[cfg(feature = "ssr")]
pub mod ending;
#[cfg(feature = "ssr")]
pub mod freezing;
#[cfg(feature = "ssr")]
pub mod halting;
#[cfg(feature = "ssr")]
pub mod hook;
#[cfg(feature = "ssr")]
pub mod loose_ends;
#[cfg(feature = "ssr")]
pub mod message_view;
#[cfg(feature = "ssr")]
pub mod planned;
#[cfg(feature = "ssr")]
pub mod progress;
#[cfg(feature = "ssr")]
pub mod repeats;
#[cfg(feature = "ssr")]
pub mod rules;
#[cfg(feature = "ssr")]
pub mod shown;
#[cfg(feature = "ssr")]
pub mod stalled;
#[cfg(feature = "ssr")]
pub mod store;
#[cfg(feature = "ssr")]
pub mod told;
#[cfg(feature = "ssr")]
mod tries;
#[cfg(feature = "ssr")]
pub mod unanswered;
#[cfg(feature = "ssr")]
pub mod undo;
#[cfg(feature = "ssr")]
mod webhook_store;
