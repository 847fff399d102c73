//! Who did what, when. Rows are only ever added, in the transaction of what they tell of; the
//! database itself refuses to change or remove one. No message bodies, no passwords.

pub mod export;
pub mod history_queries;
pub mod queries;
pub mod reading;

pub use queries::{Entry, record};
