//! A copy of an SQLite database that can be trusted, and putting one back.
//!
//! A backup is made while the program runs, is checked whole before it gets its name, and has a
//! manifest beside it that says what is in it. Putting one back checks it again, never writes
//! over a database without being told to, and keeps what was there. What was put back starts
//! passive: see [`crate::instance`].
//!
//! PostgreSQL has `pg_dump`, which does this better than we could.

mod make;
mod manifest;
mod queries;
mod restore;

pub use make::make;
pub use manifest::{Manifest, Problem};
pub use queries::faults;
pub use restore::{PutBack, put_back};
