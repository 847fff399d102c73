//! The pages of bulk email.

pub mod compose;
pub mod receipt;
