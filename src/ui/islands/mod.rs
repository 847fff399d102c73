//! The parts that run in the browser: leaf components with plain values as properties, calling
//! server functions. Nothing heavy may be reached from here: this is all the browser downloads.
//!
//! Fields are never bound: an island finds them by id and reads what is in them, so that typing
//! before it came to life is not lost and everything works without it.

pub mod audience;
pub mod customers;
mod dom;
pub mod keeper;
pub mod progress;
pub mod schedule;
pub mod wording;
