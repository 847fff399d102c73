//! Tests of the whole program: the rules on both databases, the routes over HTTP, the forms as a
//! browser without JavaScript sends them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod support;

#[path = "../chaos/oracle.rs"]
mod oracle;

mod consent;
mod crashes;
mod customers;
mod design;
mod dispatch;
mod faults;
mod lease_model;
mod mime;
mod pages;
mod smtp;
mod smtp_accounts;
mod smtp_content;
