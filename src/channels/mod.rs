//! What carries a message.
pub mod email;
