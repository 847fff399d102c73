//! The parts that run in the browser: leaf components with plain values as properties, calling
//! server functions. Nothing heavy may be reached from here: this is all the browser downloads.

pub mod progress;
