//! Every statement that writes the table `messages`: nobody else does.

pub mod freeze;
pub mod idempotent_retry;

pub mod cancel;
pub mod domain_wait;
pub mod late;
pub mod leases;
pub mod locks;
pub mod provider_events;
pub mod put_back;
pub mod recover;
pub mod reopen;
pub mod settle;
