//! What staff write once and send once.

pub mod model;
