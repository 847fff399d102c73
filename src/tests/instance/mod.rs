//! Copies, backups, databases that were swapped.

pub mod backup;
pub mod clone_detection;
pub mod database_swapped;
