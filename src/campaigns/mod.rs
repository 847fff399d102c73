//! What staff write once and send once.
//!
//! A campaign has exactly four statuses. Everything that changes one is a guarded update whose
//! row count is the answer; a sent or sending campaign is a record and is never changed here.
//! **Save, then check**: whatever was typed is kept before anything about it is judged.

pub mod api;
pub mod model;
pub mod preflight;

#[cfg(feature = "ssr")]
pub mod actions;
#[cfg(feature = "ssr")]
pub mod bulk;
#[cfg(feature = "ssr")]
pub mod draft;
#[cfg(feature = "ssr")]
pub mod draft_queries;
#[cfg(feature = "ssr")]
pub mod list;
#[cfg(feature = "ssr")]
pub mod queries;
#[cfg(feature = "ssr")]
mod reschedule;
#[cfg(feature = "ssr")]
pub mod resend;
#[cfg(feature = "ssr")]
pub mod rules;
#[cfg(feature = "ssr")]
pub mod schedule;
#[cfg(feature = "ssr")]
pub mod send_now;
