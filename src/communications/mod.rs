//! One row per person per send: the outbox, the history, and the numbers counted from it.

pub mod model;

#[cfg(feature = "ssr")]
pub mod export;
#[cfg(feature = "ssr")]
pub mod people;
#[cfg(feature = "ssr")]
pub mod store;
