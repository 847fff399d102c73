//! The moments this program may send at, where the mail account has a rate. They belong to no message:
//! whichever is ready first takes the next one. One that has passed by is gone, and whoever is left
//! without gets another from the account's row. So nothing ever goes out at a moment that was not
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

use super::pace::Moment;

/// A message that is ready waits so long for a moment.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whoever got none asks again: others may have had them all.
const ASKS_AGAIN: Duration = Duration::from_millis(100);

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Moments {
    inside: Mutex<Inside>,
    /// How many wait for one that nobody has.
    wanting: AtomicUsize,
    came: Notify,
    ran_short: Notify,
}

#[derive(Debug, Default)]
struct Inside {
    free: VecDeque<Moment>,
    closed: bool,
}

/// Somebody who waits for a moment.
struct Wanting<'a>(&'a AtomicUsize);

impl Moments {
    /// Adds moments, later than all there are.
    pub(crate) fn add(&self, moments: impl IntoIterator<Item = Moment>) {
        self.inside().free.extend(moments);
        self.came.notify_waiters();
    }

    /// Waits for a moment to go, and takes it. False: there was none for seconds, or there will be none.
    pub(crate) async fn next(&self) -> bool {
        match timeout(PATIENCE, self.take()).await {
            Ok(Some(moment)) => moment.come().await,
            Ok(None) | Err(_) => return false,
        }
        true
    }

    /// How many wait for a moment that nobody has.
    pub(crate) fn wanted(&self) -> usize {
        self.wanting.load(Ordering::Relaxed)
    }

    /// Waits until somebody wants a moment that nobody has.
    pub(crate) async fn ran_short(&self) {
        self.ran_short.notified().await;
    }

    /// Nobody goes any more.
    pub(crate) fn close(&self) {
        self.inside().closed = true;
        self.came.notify_waiters();
    }

    async fn take(&self) -> Option<Moment> {
        let mut wanting = None;
        loop {
            // Registered before looking, so that no moment is missed.
            let came = self.came.notified();
            tokio::pin!(came);
            came.as_mut().enable();
            {
                let mut inside = self.inside();
                if inside.closed {
                    return None;
                }
                if let Some(moment) = inside.first(Instant::now()) {
                    return Some(moment);
                }
            }
            wanting.get_or_insert_with(|| Wanting::new(&self.wanting));
            self.ran_short.notify_one();
            let _ = timeout(ASKS_AGAIN, came).await;
        }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn first(&mut self, now: Instant) -> Option<Moment> {
        loop {
            let moment = self.free.pop_front()?;
            if !moment.has_passed(now) {
                return Some(moment);
            }
        }
    }
}

impl<'a> Wanting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Wanting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const GAP: Duration = Duration::from_millis(10);

    fn some(from: Instant, n: u32) -> impl Iterator<Item = Moment> {
        (0..n).map(move |i| Moment::new(from + GAP * i, GAP))
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_ready_goes_at_the_next_moment() {
        let (moments, begin) = (Moments::default(), Instant::now());
        moments.add(some(begin, 3));
        for n in 0..3 {
            assert!(moments.next().await);
            assert_eq!(begin.elapsed(), GAP * n);
        }
        assert_eq!(moments.wanted(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_passed_is_not_made_up_for() {
        let (moments, begin) = (Moments::default(), Instant::now());
        moments.add(some(begin, 10));
        // Held up for half of them: what follows is no closer than ever.
        tokio::time::sleep(GAP * 5 + GAP * 3 / 5).await;
        for n in 6..10 {
            assert!(moments.next().await);
            assert_eq!(begin.elapsed(), GAP * n);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_has_none_asks_and_waits() {
        let moments = Arc::new(Moments::default());
        let waiting = [0, 1].map(|_| {
            let moments = Arc::clone(&moments);
            tokio::spawn(async move { moments.next().await })
        });
        moments.ran_short().await;
        tokio::task::yield_now().await;
        assert_eq!(moments.wanted(), 2);
        moments.add(some(Instant::now(), 2));
        for one in waiting {
            assert!(matches!(one.await, Ok(true)));
        }
        assert_eq!(moments.wanted(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let moments = Arc::new(Moments::default());
        let begin = Instant::now();
        assert!(!moments.next().await);
        assert_eq!((begin.elapsed(), moments.wanted()), (PATIENCE, 0));
        let last = tokio::spawn({
            let moments = Arc::clone(&moments);
            async move { moments.next().await }
        });
        moments.ran_short().await;
        moments.close();
        assert!(matches!(last.await, Ok(false)));
        assert_eq!(begin.elapsed(), PATIENCE);
    }
}
