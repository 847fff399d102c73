//! A store and its settings.

pub mod settings;
