//! The slots this program may send at, where the mail account has a rate. They belong to no message:
//! whichever is ready first takes the next one. One that has passed by is gone, and whoever is left
//! without gets another from the account's row. So nothing ever goes out at a slot that was not
//! this program's, however late it was marked, and all programs together keep to the rate.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};

use super::account::SendSlot;

/// A message that is ready waits so long for a slot.
const SLOT_TIMEOUT: Duration = Duration::from_secs(5);

/// Whoever got none asks again: others may have had them all.
const ASK_INTERVAL: Duration = Duration::from_millis(100);

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct SlotPool {
    inside: Mutex<Inside>,
    /// How many wait for one that nobody has.
    wanting: AtomicUsize,
    came: Notify,
    slots_wanted: Notify,
}

#[derive(Debug, Default)]
struct Inside {
    free: VecDeque<SendSlot>,
    closed: bool,
}

/// Somebody who waits for a slot.
struct SlotWaiter<'a>(&'a AtomicUsize);

impl SlotPool {
    /// Adds slots, later than all there are.
    pub(crate) fn add(&self, slots: impl IntoIterator<Item = SendSlot>) {
        self.inside().free.extend(slots);
        self.came.notify_waiters();
    }

    /// Waits for a slot to go, and takes it. False: there was none for seconds, or there will be none.
    pub(crate) async fn next(&self) -> bool {
        match timeout(SLOT_TIMEOUT, self.take()).await {
            Ok(Some(slot)) => slot.come().await,
            Ok(None) | Err(_) => return false,
        }
        true
    }

    /// How many wait for a slot that nobody has.
    pub(crate) fn wanted(&self) -> usize {
        self.wanting.load(Ordering::Relaxed)
    }

    /// Waits until somebody wants a slot that nobody has.
    pub(crate) async fn slots_wanted(&self) {
        self.slots_wanted.notified().await;
    }

    /// Nobody goes any more.
    pub(crate) fn close(&self) {
        self.inside().closed = true;
        self.came.notify_waiters();
    }

    async fn take(&self) -> Option<SendSlot> {
        let mut wanting = None;
        loop {
            // Registered before looking, so that no slot is missed.
            let came = self.came.notified();
            tokio::pin!(came);
            came.as_mut().enable();
            {
                let mut inside = self.inside();
                if inside.closed {
                    return None;
                }
                if let Some(slot) = inside.first(Instant::now()) {
                    return Some(slot);
                }
            }
            wanting.get_or_insert_with(|| SlotWaiter::new(&self.wanting));
            self.slots_wanted.notify_one();
            let _ = timeout(ASK_INTERVAL, came).await;
        }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn first(&mut self, now: Instant) -> Option<SendSlot> {
        loop {
            let slot = self.free.pop_front()?;
            if !slot.has_passed(now) {
                return Some(slot);
            }
        }
    }
}

impl<'a> SlotWaiter<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for SlotWaiter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const GAP: Duration = Duration::from_millis(10);

    fn some(from: Instant, n: u32) -> impl Iterator<Item = SendSlot> {
        (0..n).map(move |i| SendSlot::new(from + GAP * i, GAP))
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_ready_goes_at_the_next_moment() {
        let (slots, begin) = (SlotPool::default(), Instant::now());
        slots.add(some(begin, 3));
        for n in 0..3 {
            assert!(slots.next().await);
            assert_eq!(begin.elapsed(), GAP * n);
        }
        assert_eq!(slots.wanted(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_passed_is_not_made_up_for() {
        let (slots, begin) = (SlotPool::default(), Instant::now());
        slots.add(some(begin, 10));
        // Held up for half of them: what follows is no closer than ever.
        tokio::time::sleep(GAP * 5 + GAP * 3 / 5).await;
        for n in 6..10 {
            assert!(slots.next().await);
            assert_eq!(begin.elapsed(), GAP * n);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_has_none_asks_and_waits() {
        let slots = Arc::new(SlotPool::default());
        let waiting = [0, 1].map(|_| {
            let slots = Arc::clone(&slots);
            tokio::spawn(async move { slots.next().await })
        });
        slots.slots_wanted().await;
        tokio::task::yield_now().await;
        assert_eq!(slots.wanted(), 2);
        slots.add(some(Instant::now(), 2));
        for one in waiting {
            assert!(matches!(one.await, Ok(true)));
        }
        assert_eq!(slots.wanted(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let slots = Arc::new(SlotPool::default());
        let begin = Instant::now();
        assert!(!slots.next().await);
        assert_eq!((begin.elapsed(), slots.wanted()), (SLOT_TIMEOUT, 0));
        let last = tokio::spawn({
            let slots = Arc::clone(&slots);
            async move { slots.next().await }
        });
        slots.slots_wanted().await;
        slots.close();
        assert!(matches!(last.await, Ok(false)));
        assert_eq!(begin.elapsed(), SLOT_TIMEOUT);
    }
}
