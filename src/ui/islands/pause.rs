//! Waiting for a pause: what changes with every key is asked about once nothing changes any more.

use std::{cell::Cell, time::Duration};

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};

/// One thing that is waited for.
#[derive(Default)]
pub struct Pause {
    waiting: Cell<Option<TimeoutHandle>>,
    turn: Cell<u64>,
}

impl Pause {
    /// Does something after `pause`, instead of whatever was to be done by then.
    pub fn then(&self, pause: Duration, act: impl FnOnce() + 'static) {
        self.stop();
        self.waiting.set(set_timeout_with_handle(act, pause).ok());
    }

    /// Nothing is waited for; answers to earlier questions are out of date.
    pub fn stop(&self) {
        if let Some(waiting) = self.waiting.take() {
            waiting.clear();
        }
        self.turn.set(self.turn.get() + 1);
    }

    /// Which question is the latest: an answer to another one is dropped.
    pub fn turn(&self) -> u64 {
        self.turn.get()
    }
}
