//! What all connections of one server share.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use tokio::sync::watch;

use super::{
    Keep, Settings,
    fault::{Fault, Rule},
};

/// One message that came in whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// With its brackets; empty when there is none.
    pub message_id: String,
    pub sender: String,
    pub recipient: String,
    pub bytes: Vec<u8>,
    /// What it was answered: 0 when it was not.
    pub answered: u16,
    /// When its final dot had come.
    pub at: Instant,
}

/// A moment's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub connections: u64,
    /// `MAIL` commands.
    pub offered: u64,
    /// Whole messages answered with 250.
    pub accepted: u64,
    /// Whole messages that were not answered at all.
    pub leave_unconfirmed: u64,
    /// Refusals, of whatever step.
    pub refused: u64,
    /// Content bytes of accepted messages, with doubled dots.
    pub bytes: u64,
    pub resets: u64,
    /// Commands sent ahead though pipelining was not offered.
    pub sent_ahead: u64,
}

#[derive(Debug, Default)]
struct Counters {
    connections: AtomicU64,
    offered: AtomicU64,
    accepted: AtomicU64,
    leave_unconfirmed: AtomicU64,
    refused: AtomicU64,
    bytes: AtomicU64,
    resets: AtomicU64,
    sent_ahead: AtomicU64,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) settings: Settings,
    has_rules: AtomicBool,
    rules: Mutex<Vec<Rule>>,
    counters: Counters,
    copies: Mutex<HashMap<String, u32>>,
    received: Mutex<Vec<Received>>,
    struck: Mutex<HashMap<&'static str, u64>>,
    held: watch::Sender<bool>,
}

impl State {
    pub(super) fn new(settings: Settings) -> Self {
        let rules = settings.rules.clone();
        Self {
            has_rules: AtomicBool::new(!rules.is_empty()),
            rules: Mutex::new(rules),
            counters: Counters::default(),
            copies: Mutex::new(HashMap::new()),
            received: Mutex::new(Vec::new()),
            struck: Mutex::default(),
            held: watch::Sender::new(false),
            settings,
        }
    }

    pub(super) fn set_rules(&self, rules: Vec<Rule>) {
        let has_rules = !rules.is_empty();
        *locked(&self.rules) = rules;
        self.has_rules.store(has_rules, Relaxed);
    }

    pub(super) fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    pub(super) async fn until_released(&self) {
        // An error would mean that the sender is gone; it is in `self`.
        let mut held = self.held.subscribe();
        let _released = held.wait_for(|held| !held).await;
    }

    /// The number of the message that begins.
    pub(super) fn begin(&self) -> u64 {
        self.counters.offered.fetch_add(1, Relaxed) + 1
    }

    pub(super) fn fault(&self, number: u64, sender: &str, recipient: &str) -> Option<Fault> {
        if !self.has_rules.load(Relaxed) {
            return None;
        }
        locked(&self.rules)
            .iter()
            .find(|rule| rule.fits(number, sender, recipient))
            .map(|rule| rule.fault)
    }

    /// A fault has done its work.
    pub(super) fn struck(&self, fault: Fault) {
        *locked(&self.struck).entry(fault.name()).or_default() += 1;
    }

    pub(super) fn faults(&self) -> HashMap<&'static str, u64> {
        locked(&self.struck).clone()
    }

    pub(super) fn connected(&self) {
        self.counters.connections.fetch_add(1, Relaxed);
    }

    pub(super) fn refused(&self) {
        self.counters.refused.fetch_add(1, Relaxed);
    }

    pub(super) fn reset(&self) {
        self.counters.resets.fetch_add(1, Relaxed);
    }

    pub(super) fn sent_ahead(&self) {
        self.counters.sent_ahead.fetch_add(1, Relaxed);
    }

    /// Keeps a whole message as it came over the wire, without its final dot.
    pub(super) fn keep(&self, sender: &str, recipient: &str, wire: &[u8], answered: u16) {
        match answered {
            250 => self.counters.accepted.fetch_add(1, Relaxed),
            0 => self.counters.leave_unconfirmed.fetch_add(1, Relaxed),
            _ => self.counters.refused.fetch_add(1, Relaxed),
        };
        if answered == 250 {
            self.counters.bytes.fetch_add(wire.len() as u64, Relaxed);
        }
        if self.settings.keep == Keep::Counts {
            return;
        }
        let message_id = match self.settings.keep {
            Keep::Recipients => recipient.to_owned(),
            _ => message_id(wire),
        };
        if matches!(answered, 0 | 250) {
            *locked(&self.copies).entry(message_id.clone()).or_default() += 1;
        }
        if self.settings.keep == Keep::All {
            let (sender, recipient) = (sender.to_owned(), recipient.to_owned());
            locked(&self.received).push(Received {
                message_id,
                sender,
                recipient,
                bytes: without_dots(wire),
                answered,
                at: Instant::now(),
            });
        }
    }

    pub(super) fn counts(&self) -> Counts {
        let c = &self.counters;
        Counts {
            connections: c.connections.load(Relaxed),
            offered: c.offered.load(Relaxed),
            accepted: c.accepted.load(Relaxed),
            leave_unconfirmed: c.leave_unconfirmed.load(Relaxed),
            refused: c.refused.load(Relaxed),
            bytes: c.bytes.load(Relaxed),
            resets: c.resets.load(Relaxed),
            sent_ahead: c.sent_ahead.load(Relaxed),
        }
    }

    pub(super) fn received(&self) -> Vec<Received> {
        locked(&self.received).clone()
    }

    pub(super) fn copies(&self) -> HashMap<String, u32> {
        locked(&self.copies).clone()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn message_id(wire: &[u8]) -> String {
    let head = memchr::memmem::find(wire, b"\r\n\r\n")
        .and_then(|end| wire.get(..end))
        .unwrap_or(wire);
    let lines = head.split(|b| *b == b'\n');
    let found = lines.filter_map(|line| {
        let (name, value) = line.split_at_checked(11)?;
        name.eq_ignore_ascii_case(b"message-id:")
            .then(|| String::from_utf8_lossy(value).trim().to_owned())
    });
    found.into_iter().next().unwrap_or_default()
}

fn without_dots(wire: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(wire.len());
    for line in wire.split_inclusive(|b| *b == b'\n') {
        out.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
    }
    out
}
