//! How a message leaves.

pub mod mime;
pub mod smtp;
pub mod smtp_accounts;
pub mod smtp_content;
