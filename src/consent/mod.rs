//! May we write to this person on this channel, and how do we know?
//!
//! The ledger is append-only: who said what, when, where, on whose word. The state on the
//! customer is the latest line of their own; [`rules::change`] is the only function that moves either.
//! Beside it stands the suppression list, which is about addresses, whoever has them: [`suppressions_sql`].

pub mod api;
pub mod model;

#[cfg(feature = "ssr")]
pub mod link;
#[cfg(feature = "ssr")]
pub mod queries;
#[cfg(feature = "ssr")]
pub mod rules;
#[cfg(feature = "ssr")]
pub mod suppressions_queries;
