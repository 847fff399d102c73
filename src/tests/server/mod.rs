//! Every page and endpoint.

pub mod design;
pub mod endpoints;
pub mod forms;
pub mod health;
pub mod history;
pub mod logs;
pub mod pages;
pub mod security;
