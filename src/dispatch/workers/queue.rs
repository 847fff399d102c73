//! Leased messages on their way to the workers: a short queue. Where there is a limit for each
//! recipient domain, what its slot has not come for waits beside it and holds up nobody.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::prepared_send::Job;
use crate::dispatch::rate_limit::account::Pacers;

/// See the module.
#[derive(Debug)]
pub(crate) struct Queue {
    inside: Mutex<Inside>,
    filled: Notify,
    emptied: Notify,
    /// What waits for its slot is not what it was.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Inside {
    jobs: VecDeque<Job>,
    paced: Paced,
    /// How many may be in it, as the last offer said.
    room: usize,
    closed: bool,
}

/// Messages to domains with a limit, by when they are due.
#[derive(Debug, Default)]
struct Paced {
    jobs: BTreeMap<(Instant, u64), Job>,
    pacers: Pacers,
    /// How many there have been: those due at the same time go in the order they came.
    count: u64,
}

impl Paced {
    fn add(&mut self, job: Job, due: Instant) {
        self.count += 1;
        self.jobs.insert((due, self.count), job);
    }

    /// How many wait for a worker only.
    fn due(&self, now: Instant) -> usize {
        self.jobs.range(..=(now, u64::MAX)).count()
    }

    fn take(&mut self, now: Instant) -> Option<Job> {
        while let Some((&(due, n), _)) = self.jobs.first_key_value()
            && due <= now
        {
            let job = self.jobs.remove(&(due, n))?;
            let Some((domain, slot)) = &job.domain else {
                return Some(job);
            };
            match self.pacers.go(job.slot, (domain, *slot), now) {
                Ok(()) => return Some(job),
                Err(later) => self.jobs.insert((later, n), job),
            };
        }
        None
    }
}

impl Inside {
    fn take(&mut self, now: Instant) -> Option<Job> {
        self.paced.take(now).or_else(|| self.jobs.pop_front())
    }

    /// How many could go now.
    fn ready(&self, now: Instant) -> usize {
        self.jobs.len() + self.paced.due(now)
    }

    fn clear(&mut self) {
        self.jobs.clear();
        self.paced.jobs.clear();
    }
}

impl Queue {
    pub(crate) fn new() -> Self {
        Self {
            inside: Mutex::default(),
            filled: Notify::new(),
            emptied: Notify::new(),
            changed: Notify::new(),
        }
    }

    /// Puts a job in, or gives it back when so many wait for a worker already.
    pub(crate) fn offer(&self, job: Job, room: usize) -> Option<Job> {
        let mut inside = self.inside();
        inside.room = room;
        let now = Instant::now();
        if inside.ready(now) >= room {
            return Some(job);
        }
        match job.due() {
            Some(due) => {
                inside.paced.add(job, due);
                drop(inside);
                self.changed.notify_one();
                if due > now {
                    return None;
                }
            }
            None => {
                inside.jobs.push_back(job);
                drop(inside);
            }
        }
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
            if let Some(job) = self.try_next() {
                return Some(job);
            }
            if self.inside().closed {
                return None;
            }
            filled.await;
        }
    }

    /// A job that is there already.
    pub(crate) fn try_next(&self) -> Option<Job> {
        let mut inside = self.inside();
        let now = Instant::now();
        let is_paced = !inside.paced.jobs.is_empty();
        let job = inside.take(now);
        let (left, half) = (inside.ready(now), inside.room / 2);
        drop(inside);
        if is_paced {
            self.changed.notify_one();
        }
        let job = job?;
        if left > 0 {
            self.filled.notify_one();
        }
        if left <= half {
            self.emptied.notify_one();
        }
        Some(job)
    }

    /// Wakes a worker whenever a slot has come, until the queue is closed.
    pub(crate) async fn wake_when_due(self: Arc<Self>) {
        loop {
            let changed = self.changed.notified();
            let next = {
                let inside = self.inside();
                if inside.closed {
                    return;
                }
                inside.paced.jobs.first_key_value().map(|((due, _), _)| *due)
            };
            let Some(due) = next else {
                changed.await;
                continue;
            };
            tokio::select! {
                () = self.changed.notified() => continue,
                () = sleep_until(due) => self.filled.notify_one(),
            }
            // Once is enough: whoever takes one tells.
            changed.await;
        }
    }

    /// How many messages wait, by domain with a limit.
    pub(crate) fn domains(&self) -> HashMap<String, usize> {
        let mut waiting = HashMap::new();
        for (domain, _) in self.inside().paced.jobs.values().filter_map(|job| job.domain.as_ref()) {
            *waiting.entry(domain.clone()).or_default() += 1;
        }
        waiting
    }

    /// Forgets what nobody has begun: their leases are given back or cancelled by whoever clears.
    pub(crate) fn clear(&self) {
        self.inside().clear();
        self.emptied.notify_one();
    }

    /// Lets waiting workers go.
    pub(crate) fn close(&self) {
        let mut inside = self.inside();
        inside.closed = true;
        inside.clear();
        drop(inside);
        self.changed.notify_one();
        self.filled.notify_waiters();
        // Whoever has registered but not yet begun to wait.
        self.filled.notify_one();
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
