//! What a connection is at, and since when: from that follows when it is given up.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::Limits;

/// So many bytes are progress; fewer are a way to hold a place.
const LEAST_PROGRESS: usize = 1024;

/// Told by the connection's parts of what they do; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Activity(Arc<Mutex<Beat>>);

#[derive(Debug)]
struct Beat {
    phase: Phase,
    receiving: Wait,
    sending: Wait,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Between two requests, or before the first.
    Idle(Instant),
    /// A part of a head has come.
    Head(Instant),
    /// A request is being answered: that takes as long as it takes.
    Answering,
}

/// Waiting for the other end. Only the time spent waiting counts, not what is done between.
#[derive(Debug, Default)]
struct Wait {
    since: Option<Instant>,
    spent: Duration,
    moved: usize,
}

impl Wait {
    fn begin(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    fn moved(&mut self, bytes: usize, now: Instant) {
        self.moved += bytes;
        if self.moved >= LEAST_PROGRESS {
            *self = Self::default();
        } else if let Some(since) = self.since.take() {
            self.spent += now.saturating_duration_since(since);
        }
    }

    fn is_over_at(&self, limit: Duration) -> Option<Instant> {
        self.since.map(|since| since + limit.saturating_sub(self.spent))
    }
}

impl Activity {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Beat {
            phase: Phase::Idle(Instant::now()),
            receiving: Wait::default(),
            sending: Wait::default(),
        })))
    }

    fn change(&self, change: impl FnOnce(&mut Beat, Instant)) {
        let mut beat = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut beat, Instant::now());
    }

    /// Bytes came in: between two requests they begin a head.
    pub(super) fn bytes_came(&self) {
        self.change(|beat, now| {
            if matches!(beat.phase, Phase::Idle(_)) {
                beat.phase = Phase::Head(now);
            }
        });
    }

    /// A whole head is there.
    pub(super) fn answering(&self) {
        self.change(|beat, _| beat.phase = Phase::Answering);
    }

    /// The answer has been handed over.
    pub(super) fn answered(&self) {
        self.change(|beat, now| beat.phase = Phase::Idle(now));
    }

    /// More of the request's body is asked for and not there.
    pub(super) fn body_awaited(&self) {
        self.change(|beat, now| beat.receiving.begin(now));
    }

    /// A part of the request's body came.
    pub(super) fn body_came(&self, bytes: usize) {
        self.change(|beat, now| beat.receiving.moved(bytes, now));
    }

    /// Nobody asks for the request's body any more.
    pub(super) fn body_over(&self) {
        self.change(|beat, _| beat.receiving = Wait::default());
    }

    /// The other end takes nothing at the moment.
    pub(super) fn taking_awaited(&self) {
        self.change(|beat, now| beat.sending.begin(now));
    }

    /// It took something.
    pub(super) fn taken(&self, bytes: usize) {
        self.change(|beat, now| beat.sending.moved(bytes, now));
    }

    /// When it is given up, if nothing changes.
    fn deadline(&self, limits: &Limits, is_crowded: bool) -> Option<Instant> {
        let beat = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = if is_crowded {
            limits.idle_when_crowded
        } else {
            limits.idle
        };
        let phase = match beat.phase {
            Phase::Idle(since) => Some(since + idle),
            Phase::Head(since) => Some(since + limits.head),
            Phase::Answering => None,
        };
        let waits = [&beat.receiving, &beat.sending].map(|wait| wait.is_over_at(limits.progress));
        waits.into_iter().chain([phase]).flatten().min()
    }

    /// Returns when the connection has stood still for too long.
    pub(super) async fn expires(&self, limits: &Limits, is_crowded: impl Fn() -> bool) {
        // Whatever begins meanwhile lasts at least this long.
        let nap = limits.head.min(limits.progress).min(limits.idle_when_crowded);
        loop {
            let now = Instant::now();
            match self.deadline(limits, is_crowded()) {
                Some(deadline) if deadline <= now => return,
                Some(deadline) => tokio::time::sleep_until(deadline.min(now + nap)).await,
                None => tokio::time::sleep(nap).await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        head: Duration::from_secs(10),
        progress: Duration::from_secs(30),
        idle: Duration::from_secs(60),
        idle_when_crowded: Duration::from_secs(5),
        connections: 1,
    };

    /// Seconds until it is given up.
    async fn lasts(activity: &Activity, is_crowded: bool) -> u64 {
        let begun = Instant::now();
        activity.expires(&LIMITS, || is_crowded).await;
        begun.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn each_thing_has_its_own_time() {
        assert_eq!(lasts(&Activity::new(), false).await, 60);
        assert_eq!(lasts(&Activity::new(), true).await, 5, "others wait for the place");
        let head = Activity::new();
        head.bytes_came();
        assert_eq!(lasts(&head, true).await, 10);
        let body = Activity::new();
        body.answering();
        body.body_awaited();
        assert_eq!(lasts(&body, false).await, 30);
        let deaf = Activity::new();
        deaf.answering();
        deaf.taking_awaited();
        assert_eq!(lasts(&deaf, false).await, 30);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_takes_as_long_as_it_takes() {
        let activity = Activity::new();
        activity.bytes_came();
        activity.answering();
        let waited = tokio::time::timeout(Duration::from_secs(3600), activity.expires(&LIMITS, || false)).await;
        assert!(waited.is_err());
        activity.answered();
        assert_eq!(lasts(&activity, false).await, 60);
    }

    #[tokio::test(start_paused = true)]
    async fn slow_is_fine_and_a_drip_is_not() {
        let of = |bytes| async move {
            let activity = Activity::new();
            activity.answering();
            let drips = async {
                for _ in 0..20 {
                    activity.body_awaited();
                    tokio::time::sleep(Duration::from_secs(20)).await;
                    activity.body_came(bytes);
                }
            };
            tokio::select! {
                () = drips => true,
                () = activity.expires(&LIMITS, || false) => false,
            }
        };
        assert!(of(4096).await);
        assert!(!of(1).await);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_done_between_two_parts_of_a_body_is_no_waiting() {
        let activity = Activity::new();
        activity.answering();
        let work = async {
            for _ in 0..5 {
                activity.body_awaited();
                tokio::time::sleep(Duration::from_secs(1)).await;
                activity.body_came(10);
                tokio::time::sleep(Duration::from_secs(100)).await;
            }
        };
        tokio::select! {
            () = work => {}
            () = activity.expires(&LIMITS, || false) => panic!("it was working"),
        }
    }
}
