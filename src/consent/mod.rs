//! May we write to this person on this channel, and how do we know?
//!
//! The ledger is append-only: who said what, when, where, on whose word. The state on the
//! customer is its latest line; [`rules::change`] is the only function that moves either.

pub mod api;
pub mod model;

#[cfg(feature = "ssr")]
pub mod rules;
#[cfg(feature = "ssr")]
pub mod store;
