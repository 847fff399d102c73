//! When a temporary refusal is tried again.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// Waits after the first, second, … temporary refusal, in seconds; after the last it has failed.
const WAITS: [u64; 6] = [60, 300, 900, 3600, 3 * 3600, 6 * 3600];

/// How long to wait after this many attempts, or nothing when they are used up. `asked` is the
/// provider's own wish. `spread` from 0 to 1 keeps many from coming back in the same moment.
pub(crate) fn wait_after(attempts: i64, asked: Option<Duration>, spread: f64) -> Option<Duration> {
    let at = usize::try_from(attempts.max(1) - 1).unwrap_or(usize::MAX);
    let base = WAITS.get(at)?;
    let wait = Duration::from_secs(*base).mul_f64(0.75 + spread.clamp(0.0, 1.0) / 2.0);
    Some(asked.map_or(wait, |asked| wait.max(asked)))
}

/// Between three quarters of a wait and all of it, so that those who failed together do not come
/// back together.
pub(crate) fn jittered(wait: Duration) -> Duration {
    // Every new state has keys of its own: dice enough for this.
    let dice = RandomState::new().hash_one(0) % 1000;
    wait.mul_f64(0.75 + f64::from(u32::try_from(dice).unwrap_or(0)) / 4000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_failed_together_come_back_apart() {
        let wait = Duration::from_secs(100);
        let waits: Vec<_> = (0..50).map(|_| jittered(wait)).collect();
        assert!(waits.iter().all(|w| (Duration::from_secs(75)..=wait).contains(w)));
        let distinct: std::collections::HashSet<_> = waits.iter().collect();
        assert!(distinct.len() > 5, "{waits:?}");
    }

    #[test]
    fn waits_grow_and_end() {
        let waits: Vec<_> = (1..=7).map(|n| wait_after(n, None, 0.5)).collect();
        assert!(waits.windows(2).all(|w| w[1].is_none() || w[0] < w[1]));
        assert_eq!(waits[6], None);
        assert_eq!(
            wait_after(1, Some(Duration::from_secs(900)), 0.0),
            Some(Duration::from_secs(900))
        );
    }
}
