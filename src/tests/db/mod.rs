//! Both databases.

pub mod batch;
