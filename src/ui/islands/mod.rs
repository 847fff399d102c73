//! The parts that run in the browser. Nothing heavy may be reached from here: this is all the
//! browser downloads.
//!
//! Fields are never bound: an island finds them by id and reads what is in them, so that typing
//! before it came to life is not lost and everything works without it. The form for writing has
//! one island that wakes what the server has drawn, instead of drawing it a second time: drawn by
//! the framework, the same parts weigh twice what a page may.

pub mod audience_panel;
pub mod campaign_editor;
mod copy;
mod customers;
mod debounce;
mod dom;
mod editing;
pub mod hold;
mod keeper;
mod looking;
pub mod marks;
mod pause;
mod post;
pub mod progress;
mod schedule;
mod toolbar;
mod wording;
