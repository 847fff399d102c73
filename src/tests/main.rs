//! Tests of the whole program: the rules on both databases, the routes over HTTP, the forms as a
//! browser without JavaScript sends them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod support;

mod auth;
mod endpoints;
mod security;
mod settings;

mod cli;
mod consent;
mod customers;
mod demo;
mod design;
mod dispatch;
mod layout;
mod consent;
mod customers;
mod design;
mod dispatch;
mod mime;
mod pages;
mod smtp;
mod smtp_accounts;
mod smtp_content;
