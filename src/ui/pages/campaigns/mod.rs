//! The pages of campaigns.

pub mod builder;
mod card;
pub mod delete;
pub mod detail;
pub mod form;
mod guard;
pub mod list;
mod notes;
mod plan;
pub mod review;
