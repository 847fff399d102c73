//! Tests of the whole program: the rules on both databases, the routes over HTTP, the forms as a
//! browser without JavaScript sends them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod support;

mod campaigns;
mod consent;
mod customers;
mod design;
mod dispatch;
mod forms;
mod mime;
mod pages;
mod smtp;
mod smtp_accounts;
mod smtp_content;
