//! The program from its command line.

pub mod commands;
pub mod demo;
