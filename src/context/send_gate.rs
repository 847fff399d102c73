//! Whether this process may send, as it knows without asking the database.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Why nothing is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It was put back from a backup by `loupe restore`.
    Restored,
    /// It lives in another place than the one that sent last.
    Elsewhere,
    /// It is not the state that ran here last.
    Older,
    /// Another file was put in its place while it was in use.
    Replaced,
}

impl Why {
    /// What happened, for the people who have to decide.
    pub fn words(self) -> &'static str {
        match self {
            Why::Restored => "This database was restored from a backup.",
            Why::Elsewhere => "This is a copy, or it was moved: the database was last used in another place.",
            Why::Replaced => "Another file was put in the place of the database while Loupe was running.",
            Why::Older => "This is a copy from another time: it is not the state of the database that ran here last.",
        }
    }
}

/// Shared by everything in the process that sends.
#[derive(Debug, Default)]
pub struct SendGate {
    passive: AtomicBool,
    known: Mutex<Known>,
    opened: Notify,
}

#[derive(Debug, Default)]
struct Known {
    why: Option<Why>,
    /// The timeline of the PostgreSQL server that was last connected to.
    timeline: Option<String>,
    /// What stops whoever sends.
    halts: Vec<CancellationToken>,
}

impl SendGate {
    /// Whether nothing may be sent until an owner has confirmed.
    pub fn is_passive(&self) -> bool {
        self.passive.load(Ordering::Acquire)
    }

    /// Why it is passive; nothing when it is not.
    pub fn why(&self) -> Option<Why> {
        self.known().why
    }

    /// Whether there is no database to go on with, and nobody's word can change that.
    pub fn is_replaced(&self) -> bool {
        self.is_passive() && self.why() == Some(Why::Replaced)
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

    /// A stop that also comes at the very moment from which nothing may be sent.
    pub fn halting(&self, stop: &CancellationToken) -> CancellationToken {
        let halt = stop.child_token();
        let mut known = self.known();
        match known.why {
            Some(_) => halt.cancel(),
            None => {
                known.halts.retain(|earlier| !earlier.is_cancelled());
                known.halts.push(halt.clone());
            }
        }
        halt
    }

    /// Told of every new connection before anything is done over it. Another timeline than before:
    /// a replica has taken over, or the server was put back to an earlier moment.
    pub fn connected(&self, timeline: &str) {
        let before = self.known().timeline.replace(timeline.to_owned());
        if before.is_some_and(|before| before != timeline) {
            self.close(Why::Elsewhere);
        }
    }

    /// Lets nothing more be sent until an owner has confirmed.
    pub fn close(&self, why: Why) {
        tracing::warn!(why = ?why, "nothing is sent until an owner confirms on the page");
        self.set(Some(why));
    }

    /// Ends everything: there is no database any more.
    pub(crate) fn end(&self) {
        tracing::error!(
            "another file was put in the place of the database: nothing is sent, and nothing was written into it. \
             Stop Loupe, put the backup back with `loupe restore FILE --replace`, and start it again"
        );
        self.set(Some(Why::Replaced));
    }

    pub(crate) fn set(&self, why: Option<Why>) {
        let mut known = self.known();
        if known.why == Some(Why::Replaced) {
            return;
        }
        known.why = why;
        self.passive.store(why.is_some(), Ordering::Release);
        if why.is_some() {
            known.halts.drain(..).for_each(|halt| halt.cancel());
        } else {
            drop(known);
            self.opened.notify_waiters();
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
