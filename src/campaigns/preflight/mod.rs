//! A message looked at before it goes: who gets it, what is in the way, what is worth a glance, and
//! what is asked before a send that matters.

#[cfg(feature = "ssr")]
pub mod checks;
#[cfg(feature = "ssr")]
pub mod confirmation;
#[cfg(feature = "ssr")]
pub mod content_lint;
#[cfg(feature = "ssr")]
pub mod queries;
#[cfg(feature = "ssr")]
pub mod rules;

pub mod model;
