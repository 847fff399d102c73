//! The pages of campaigns.

pub mod builder;
mod card;
pub mod delete;
pub mod detail;
pub mod form;
pub mod list;
mod locked;
mod notes;
mod plan;
pub mod review;
