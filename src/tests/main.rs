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
mod breaker;
mod bystanders;
mod campaign_pages;
mod campaigns;
mod changes;
mod cli;
mod connection_limits;
mod consent;
mod contacts;
mod copies;
mod correcting;
mod crashes;
mod customers;
mod deaths;
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
mod handover;
mod health;
mod history;
mod idempotent_retries;
mod import;
mod in_the_way;
mod last_word;
mod layout;
mod lease_model;
mod limits;
mod listening;
mod logs;
mod mime;
#[expect(dead_code, reason = "the chaos program adds up rounds with the rest of it")]
#[path = "../chaos/oracle.rs"]
mod oracle;
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
mod rest;
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
mod turned_back;
mod unreadable;
mod upgrading;
mod verdicts;
mod webhook_tokens;
mod writing;
