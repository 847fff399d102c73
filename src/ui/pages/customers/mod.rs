//! The pages of customers.

pub mod communications;
