//! The customer book: who people are, how to reach them, what the shop knows of them.
//!
//! Everything typed goes through [`details`], which cleans it; the summary columns are
//! recomputed in the transaction that changes what they sum up; every change leaves a line in
//! the audit log.

pub mod api;
pub mod model;

#[cfg(feature = "ssr")]
pub mod agreement;
#[cfg(feature = "ssr")]
pub mod dates;
#[cfg(feature = "ssr")]
pub mod details;
#[cfg(feature = "ssr")]
mod facts_queries;
#[cfg(feature = "ssr")]
pub mod import;
#[cfg(feature = "ssr")]
pub mod list_queries;
#[cfg(feature = "ssr")]
pub mod money;
#[cfg(feature = "ssr")]
pub mod names;
#[cfg(feature = "ssr")]
pub mod phone;
#[cfg(feature = "ssr")]
pub mod queries;
#[cfg(feature = "ssr")]
pub mod rules;
#[cfg(feature = "ssr")]
mod tags_queries;
