//! The pages. Each handler loads what it needs, then describes the page; no page calls the
//! database while it renders.

pub mod account;
pub mod audit_log;
pub mod bulk_email;
pub mod campaigns;
pub mod customers;
pub mod login;
pub mod mail_provider;
pub mod message_view;
pub mod outbox;
pub mod problem;
pub mod report;
pub mod settings;
pub mod setup;
pub mod team;
pub mod unavailable;
pub mod unsubscribe;
