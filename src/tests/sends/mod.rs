//! Sends from their start to what is known of everybody.

pub mod after_sending;
pub mod asking;
pub mod attempts;
pub mod contacts;
pub mod correcting;
pub mod drifting;
pub mod idempotent_retries;
pub mod late_opt_out;
pub mod people_of_a_send;
pub mod provider_events;
pub mod quiet_hours;
pub mod reconcile;
pub mod resend_rest;
pub mod second_copies;
pub mod stalled;
pub mod tallies;
