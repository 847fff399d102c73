//! How many messages the mail server takes over one connection. It is nowhere announced: it shows
//! when a connection that has carried some is refused more, and a fresh one goes on. What has been
//! learned spares the next connections the refusal; for all workers of this process, and for an
//! hour, because a server that was restarted looks the same for a moment.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::Instant;

const HOLDS_FOR: Duration = Duration::from_secs(3600);

/// A connection's end, as one connection has met it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Met {
    /// So many messages it had carried.
    pub(crate) taken: u32,
    /// The server said in words that this was why.
    pub(crate) in_words: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct ConnectionLimit {
    /// 0: none is known. Read for each message, so not behind the lock.
    most: AtomicU32,
    learned: Mutex<Learned>,
}

#[derive(Debug, Default)]
struct Learned {
    /// Where the last connection ended, until another one ends there too.
    seen_once: Option<u32>,
    until: Option<Instant>,
}

impl ConnectionLimit {
    /// Whether a connection that has carried so many is to carry no more.
    pub(crate) fn is_reached(&self, taken: u32, now: Instant) -> bool {
        let most = self.most.load(Relaxed);
        if most == 0 || taken < most {
            return false;
        }
        let learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = learned.until.is_some_and(|until| now < until);
        if !holds {
            self.most.store(0, Relaxed);
        }
        holds
    }

    /// A connection met its end, and the message it was refused went over a fresh one. Once says
    /// nothing unless it was said in words: servers close connections for other reasons.
    pub(crate) fn learn(&self, met: Met, now: Instant) {
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        if !met.in_words && learned.seen_once != Some(met.taken) {
            learned.seen_once = Some(met.taken);
            return;
        }
        learned.until = Some(now + HOLDS_FOR);
        self.most.store(met.taken.max(1), Relaxed);
        tracing::info!(
            messages = met.taken,
            "the mail server takes so many messages over one connection"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(taken: u32, in_words: bool) -> Met {
        Met { taken, in_words }
    }

    #[test]
    fn what_is_met_twice_or_said_in_words_is_learned() {
        let (limit, now) = (ConnectionLimit::default(), Instant::now());
        limit.learn(met(7, false), now);
        limit.learn(met(3, false), now);
        assert!(!limit.is_reached(100, now), "closed twice, not at the same place");
        limit.learn(met(3, false), now);
        assert!(limit.is_reached(3, now) && limit.is_reached(4, now) && !limit.is_reached(2, now));
        limit.learn(met(20, true), now);
        assert!(limit.is_reached(20, now) && !limit.is_reached(19, now));
    }

    #[test]
    fn after_an_hour_it_is_tried_again() {
        let (limit, now) = (ConnectionLimit::default(), Instant::now());
        limit.learn(met(1, true), now);
        assert!(limit.is_reached(1, now + HOLDS_FOR / 2));
        assert!(!limit.is_reached(1, now + HOLDS_FOR));
        assert!(!limit.is_reached(1, now), "forgotten");
    }
}
