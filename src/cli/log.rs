//! The log: lines for people on a terminal, JSON for machines otherwise. It goes to standard
//! error and holds no addresses, names or message bodies.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt};

use super::Failure;
use crate::server::Settings;

/// Starts logging with `LOUPE_LOG`.
pub(super) fn start(settings: &Settings) -> Result<(), Failure> {
    let filter: EnvFilter = settings
        .log
        .parse()
        .map_err(|e| Failure::setting("LOUPE_LOG", format!("{e}")))?;
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if std::io::stderr().is_terminal() {
        lines.with_target(false).try_init()
    } else {
        lines.json().flatten_event(true).try_init()
    };
    started.map_err(|e| Failure::said(format!("The log can't be started: {e}")))
}
