//! The pages of campaigns.

mod card;
pub mod delete;
pub mod detail;
pub mod list;
mod notes;
