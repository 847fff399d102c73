//! Messages as staff write them: the words, their personal fields, and what becomes of them.

#[cfg(feature = "ssr")]
pub mod render;
