//! The web server: settings, state, routes, and the layers every request passes.

pub mod assets;
pub mod forms;
pub mod headers;
mod host;
pub mod listen;
pub mod origin;
mod readable;
pub mod replaced;
pub mod respond;
pub mod router;
pub mod settings;
pub mod state;
pub mod visit;

pub use settings::Settings;
pub use state::AppState;
