//! Saved groups of customers, evaluated against today's book whenever they are used.

pub mod model;
pub mod queries;
pub mod rule_queries;
