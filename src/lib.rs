//! x

#[cfg(feature = "ssr")]
pub mod channels;
pub mod templates;
