#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod mime;
mod smtp;
mod smtp_accounts;
mod smtp_content;
mod support;
