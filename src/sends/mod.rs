//! A send: one attempt to reach an audience, of a campaign or by itself.
//!
//! Starting one is a single transaction: the claim on the campaign, the frozen message, one row
//! per person of the audience, the audit line. What follows happens in [`crate::dispatch`].

pub mod api;
pub mod model;
pub mod words;

#[cfg(feature = "ssr")]
mod attempts;
#[cfg(feature = "ssr")]
pub mod audience_snapshot;
#[cfg(feature = "ssr")]
mod campaign_queries;
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
pub mod message_view;
#[cfg(feature = "ssr")]
pub mod pause_stop;
#[cfg(feature = "ssr")]
pub mod progress;
#[cfg(feature = "ssr")]
pub mod provider_events;
#[cfg(feature = "ssr")]
pub mod queries;
#[cfg(feature = "ssr")]
pub mod quiet_hours;
#[cfg(feature = "ssr")]
pub mod reconcile;
#[cfg(feature = "ssr")]
pub mod rules;
#[cfg(feature = "ssr")]
pub mod scheduled;
#[cfg(feature = "ssr")]
pub mod stalled;
#[cfg(feature = "ssr")]
pub mod unconfirmed;
#[cfg(feature = "ssr")]
pub mod undo;
#[cfg(feature = "ssr")]
pub mod webhook;
#[cfg(feature = "ssr")]
mod webhook_queries;
