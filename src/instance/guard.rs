//! Whether this process may send, as it knows without asking the database.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::Notify;

/// Why nothing is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It was put back from a backup by `loupe restore`.
    Restored,
    /// It lives in another place than the one that sent last.
    Elsewhere,
    /// It is not the state that ran here last.
    Older,
}

impl Why {
    /// What happened, for the people who have to decide.
    pub fn words(self) -> &'static str {
        match self {
            Why::Restored => "This database was restored from a backup.",
            Why::Elsewhere => "This is a copy, or it was moved: the database was last used in another place.",
            Why::Older => "This is a copy from another time: it is not the state of the database that ran here last.",
        }
    }
}

/// Shared by everything in the process that sends.
#[derive(Debug, Default)]
pub struct Guard {
    passive: AtomicBool,
    why: Mutex<Option<Why>>,
    opened: Notify,
}

impl Guard {
    /// Whether nothing may be sent until an owner has confirmed.
    pub fn is_passive(&self) -> bool {
        self.passive.load(Ordering::Acquire)
    }

    /// Why it is passive; nothing when it is not.
    pub fn why(&self) -> Option<Why> {
        *self.why.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it may send.
    pub async fn until_active(&self) {
        loop {
            // Registered before looking, so that no wake-up is lost.
            let opened = self.opened.notified();
            tokio::pin!(opened);
            opened.as_mut().enable();
            if !self.is_passive() {
                return;
            }
            opened.await;
        }
    }

    pub(super) fn set(&self, why: Option<Why>) {
        *self.why.lock().unwrap_or_else(PoisonError::into_inner) = why;
        self.passive.store(why.is_some(), Ordering::Release);
        if why.is_none() {
            self.opened.notify_waiters();
        }
    }
}
