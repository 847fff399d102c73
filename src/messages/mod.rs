//! One row per person per send: the outbox, the history, and the numbers counted from it.

pub mod model;
#[cfg(feature = "ssr")]
pub mod queries;

#[cfg(feature = "ssr")]
pub mod export;
#[cfg(feature = "ssr")]
pub mod goes;
#[cfg(feature = "ssr")]
pub mod pending;
#[cfg(feature = "ssr")]
pub mod people;
#[cfg(feature = "ssr")]
pub mod readers;
#[cfg(feature = "ssr")]
mod settled;
#[cfg(feature = "ssr")]
pub mod tallies;
#[cfg(feature = "ssr")]
pub mod timeline;

#[cfg(feature = "ssr")]
pub(crate) use pending::{has_in_flight, has_pending};
#[cfg(feature = "ssr")]
pub(crate) use settled::outcome_is;
