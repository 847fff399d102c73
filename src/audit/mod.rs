//! Who did what, when. Rows are only ever added, in the transaction of what they tell of.

pub mod history_sql;
pub mod store;

pub use store::{Entry, record};
