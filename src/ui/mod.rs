//! What people see. Pages are rendered on the server and ship no code; the islands are the few
//! parts that run in the browser as well.

pub mod components;
pub mod islands;

#[cfg(feature = "ssr")]
pub mod appearance_api;
#[cfg(feature = "ssr")]
pub mod escape;
#[cfg(feature = "ssr")]
pub mod form;
#[cfg(feature = "ssr")]
pub mod page;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod shell;
#[cfg(feature = "ssr")]
mod who_can_help;
