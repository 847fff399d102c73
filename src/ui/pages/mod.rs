//! The pages. Each handler loads what it needs, then describes the page; no page calls the
//! database while it renders.

pub mod login;
pub mod problem;
pub mod setup;
pub mod unsubscribe;
