//! What leaves, and what becomes of it: limits, leases, crashes.

pub mod circuit_breaker;
pub mod crash_points;
pub mod crash_recovery;
pub mod deadlocks;
pub mod domains;
pub mod fairness;
pub mod faults;
pub mod lease_handover;
pub mod lease_model;
pub mod limits;
pub mod sending;
