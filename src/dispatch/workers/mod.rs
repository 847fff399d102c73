//! The workers: one connection each, a queue before them, and what they have in flight.

pub mod in_flight;
pub mod pool;
pub mod prepared_send;
pub mod queue;
pub mod retry;
pub mod worker;
