//! Tests of the whole program: the rules on both databases, the routes over HTTP, the forms as a
//! browser without JavaScript sends them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::string_slice,
    reason = "a test that cannot go on has failed"
)]

mod support;

mod account_refusals;
mod auth;
mod campaigns;
mod changes;
mod channels;
mod cli;
mod connection_limits;
mod consent;
mod customers;
mod db;
mod dispatch;
mod first_look;
mod former_lives;
mod goes;
mod import;
mod instance;
mod isolation;
mod layout;
mod listening;
#[expect(dead_code, reason = "the chaos program adds up rounds with the rest of it")]
#[path = "../chaos/oracle.rs"]
mod oracle;
mod oracle_verdict;
mod outages;
mod recipients;
mod refusal_words;
mod replaced_file;
mod results;
mod scheduler;
mod sends;
mod server;
mod sign_ins;
mod smtp_sign_in;
mod stores;
mod supply_chain;
mod suppressions;
mod unreadable;
mod webhook_tokens;
