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
mod after_sending;
mod asking;
mod attempts;
mod auth;
mod backup;
mod batch;
mod campaign_pages;
mod campaigns;
mod changes;
mod circuit_breaker;
mod cli;
mod clone_detection;
mod connection_limits;
mod consent;
mod contacts;
mod correcting;
mod crash_points;
mod crash_recovery;
mod customers;
mod database_swapped;
mod deadlocks;
mod demo;
mod design;
mod dispatch;
mod domains;
mod drifting;
mod endpoints;
mod fairness;
mod faults;
mod first_look;
mod former_lives;
mod forms;
mod goes;
mod health;
mod history;
mod idempotent_retries;
mod import;
mod isolation;
mod late_opt_out;
mod layout;
mod lease_handover;
mod lease_model;
mod limits;
mod listening;
mod logs;
mod mime;
#[expect(dead_code, reason = "the chaos program adds up rounds with the rest of it")]
#[path = "../chaos/oracle.rs"]
mod oracle;
mod oracle_verdict;
mod outages;
mod pages;
mod people_of_a_send;
mod preflight;
mod provider_events;
mod quiet_hours;
mod recipients;
mod reconcile;
mod refusal_words;
mod replaced_file;
mod resend_rest;
mod results;
mod scheduler;
mod schedules;
mod second_copies;
mod security;
mod settings;
mod sign_ins;
mod smtp;
mod smtp_accounts;
mod smtp_content;
mod smtp_sign_in;
mod stalled;
mod supply_chain;
mod suppressions;
mod tallies;
mod timing;
mod unreadable;
mod upgrading;
mod webhook_tokens;
mod writing;
