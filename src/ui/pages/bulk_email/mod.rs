//! The pages of bulk email.

pub mod receipt;
