//! E-mail.
pub mod address;
pub mod smtp;
