//! When a temporary refusal is tried again.

use std::time::Duration;

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

#[cfg(test)]
mod tests {
    use super::*;

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
