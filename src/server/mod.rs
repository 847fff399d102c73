//! The web server: settings, state, routes, and the layers every request passes.

pub mod forms;
pub mod headers;
mod host;
pub mod listen;
pub mod origin;
pub mod page_request;
mod readable;
pub mod replaced;
pub mod router;
