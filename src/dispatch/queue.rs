//! Leased messages on their way to the carriers: a short queue.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::load::Job;

/// See the module.
#[derive(Debug)]
pub(crate) struct Queue {
    inside: Mutex<Inside>,
    filled: Notify,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct Inside {
    jobs: VecDeque<Job>,
    /// How many may be in it, as the last offer said.
    room: usize,
    closed: bool,
}

impl Queue {
    pub(crate) fn new() -> Self {
        Self {
            inside: Mutex::default(),
            filled: Notify::new(),
            emptied: Notify::new(),
        }
    }

    /// Puts a job in, or gives it back when so many are in it already.
    pub(crate) fn offer(&self, job: Job, room: usize) -> Option<Job> {
        let mut inside = self.inside();
        inside.room = room;
        if inside.jobs.len() >= room {
            return Some(job);
        }
        inside.jobs.push_back(job);
        drop(inside);
        self.filled.notify_one();
        None
    }

    /// Waits until there is room for many: whoever fills is not woken for every single one.
    pub(crate) async fn emptied(&self) {
        self.emptied.notified().await;
    }

    /// Waits for a job; nothing once the queue is closed and empty.
    pub(crate) async fn next(&self) -> Option<Job> {
        loop {
            // Registered before looking, so that no wake-up is lost.
            let filled = self.filled.notified();
            {
                let mut inside = self.inside();
                if let Some(job) = inside.jobs.pop_front() {
                    let (left, half) = (inside.jobs.len(), inside.room / 2);
                    drop(inside);
                    if left > 0 {
                        self.filled.notify_one();
                    }
                    self.taken(left, half);
                    return Some(job);
                }
                if inside.closed {
                    return None;
                }
            }
            filled.await;
        }
    }

    /// A job that is there already.
    pub(crate) fn at_hand(&self) -> Option<Job> {
        let mut inside = self.inside();
        let job = inside.jobs.pop_front()?;
        let (left, half) = (inside.jobs.len(), inside.room / 2);
        drop(inside);
        self.taken(left, half);
        Some(job)
    }

    /// Forgets what nobody has begun: their leases are given back or cancelled by whoever clears.
    pub(crate) fn clear(&self) {
        self.inside().jobs.clear();
        self.emptied.notify_one();
    }

    /// Lets waiting carriers go.
    pub(crate) fn close(&self) {
        let mut inside = self.inside();
        inside.closed = true;
        inside.jobs.clear();
        drop(inside);
        self.filled.notify_waiters();
        // Whoever has registered but not yet begun to wait.
        self.filled.notify_one();
    }

    fn taken(&self, left: usize, half: usize) {
        if left == half {
            self.emptied.notify_one();
        }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
