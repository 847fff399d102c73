//! What every request and every loop works with: the state, the settings, who asks and when.

pub mod actor;
#[cfg(feature = "ssr")]
pub mod assets;
#[cfg(feature = "ssr")]
pub mod response;
#[cfg(feature = "ssr")]
pub mod settings;
#[cfg(feature = "ssr")]
pub mod state;

#[cfg(feature = "ssr")]
pub mod ctx;
#[cfg(feature = "ssr")]
pub mod encryption;
#[cfg(feature = "ssr")]
pub mod installation;
#[cfg(feature = "ssr")]
pub mod send_gate;

#[cfg(feature = "ssr")]
pub use settings::Settings;
#[cfg(feature = "ssr")]
pub use state::AppState;
