//! Who someone is and what they may do.
//!
//! Every server function and every page begins with [`guard`]; what the page leaves out is
//! comfort, what the guard refuses is law.

#[cfg(feature = "ssr")]
pub mod api;

#[cfg(feature = "ssr")]
pub mod password;
#[cfg(feature = "ssr")]
pub mod queries;
#[cfg(feature = "ssr")]
pub mod rules;
#[cfg(feature = "ssr")]
pub mod session;
#[cfg(feature = "ssr")]
pub mod setup;
#[cfg(feature = "ssr")]
mod setup_queries;
#[cfg(feature = "ssr")]
mod sign_in_log;
#[cfg(feature = "ssr")]
pub mod team;
#[cfg(feature = "ssr")]
pub mod throttle;
#[cfg(feature = "ssr")]
mod throttle_queries;
#[cfg(feature = "ssr")]
pub mod trusted_browsers;
