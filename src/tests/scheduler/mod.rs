//! What goes out by itself.

pub mod due;
pub mod schedules;
pub mod timing;
