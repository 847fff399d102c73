//! Who a message is for, and who of them will not get it and why.
//!
//! One function ([`filter_sql`]) builds the condition for the count, the names, the sample and
//! the freeze, so the number shown is the number sent. For every book and every filter,
//! `matched = will_send + Σ skipped`.

pub mod api;
pub mod model;

#[cfg(feature = "ssr")]
pub mod filter_queries;
#[cfg(feature = "ssr")]
pub mod queries;
#[cfg(feature = "ssr")]
pub mod rules;
#[cfg(feature = "ssr")]
pub mod search;
#[cfg(feature = "ssr")]
pub mod words;
