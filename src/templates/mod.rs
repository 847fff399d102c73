//! What a message says: wording to start from, and rendering for each person.

pub mod builtin;
pub mod queries;
