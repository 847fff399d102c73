//! What every request can reach.

use std::sync::Arc;

use leptos::prelude::LeptosOptions;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Settings, assets::Assets};
use crate::{context::send_gate::SendGate, db::Db, time::Clock};

/// Shared by all requests; cheap to clone.
#[derive(Clone, Debug)]
pub struct AppState {
    pub db: Db,
    pub clock: Clock,
    pub settings: Arc<Settings>,
    pub assets: Arc<Assets>,
    /// Wakes the dispatcher when there is something new to send.
    pub wake: Arc<Notify>,
    /// Wakes the scheduler when something was planned.
    pub schedule_changed: Arc<Notify>,
    /// Whether this database may send.
    pub send_gate: Arc<SendGate>,
    /// Cancelled when the program is asked to stop: nothing new is begun from then on.
    pub leaving: CancellationToken,
}

impl AppState {
    pub fn new(db: Db, clock: Clock, settings: Settings) -> Self {
        let assets = Arc::new(Assets::find(&settings.site_root));
        Self {
            db,
            clock,
            settings: Arc::new(settings),
            assets,
            wake: Arc::new(Notify::new()),
            schedule_changed: Arc::new(Notify::new()),
            send_gate: Arc::new(SendGate::default()),
            leaving: CancellationToken::new(),
        }
    }

    /// With a guard that has watched the database from its first connection on.
    #[must_use]
    pub fn gated_by(self, send_gate: Arc<SendGate>) -> Self {
        Self { send_gate, ..self }
    }

    /// What the framework wants to know to point pages at their browser code.
    pub fn leptos_options(&self) -> LeptosOptions {
        self.assets.leptos_options.clone()
    }
}
