//! Wording to start from.

pub mod builtin;
pub mod store;
