//! Places before and after each step of a message's way where a test can let the process die, as
//! a power cut would: `LOUPE_FAULT_POINT=AfterMark:5` aborts the fifth time that place is
//! reached, `AfterMark:5:panic` only breaks the task that reaches it. Only in builds with debug assertions; elsewhere it is nothing at all.

/// One place. The names are the steps: claim, freeze, hold, preparing, lease, building, offer, mark, content, answer,
/// outcome, recovery, end, release. `Written` is after the statement and before its commit: of marks and
/// outcomes only where they are not written in one trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    BeforeClaim,
    ClaimWritten,
    FreezeWritten,
    AfterFreeze,
    BeforeHoldEnds,
    AfterHoldEnds,
    Preparing,
    BeforeLease,
    LeaseWritten,
    AfterLease,
    Building,
    BeforeOffer,
    AfterOffer,
    BeforeMark,
    MarkWritten,
    AfterMark,
    BeforeContent,
    AfterContent,
    AfterAnswer,
    BeforeOutcome,
    OutcomeWritten,
    AfterOutcome,
    BeforeRecovery,
    RecoveryWritten,
    AfterRecovery,
    BeforeEnd,
    EndWritten,
    AfterEnd,
    BeforeRelease,
    ReleaseWritten,
    AfterRelease,
}

impl Point {
    pub const ALL: [Point; 31] = [
        Point::BeforeClaim,
        Point::ClaimWritten,
        Point::FreezeWritten,
        Point::AfterFreeze,
        Point::BeforeHoldEnds,
        Point::AfterHoldEnds,
        Point::Preparing,
        Point::BeforeLease,
        Point::LeaseWritten,
        Point::AfterLease,
        Point::Building,
        Point::BeforeOffer,
        Point::AfterOffer,
        Point::BeforeMark,
        Point::MarkWritten,
        Point::AfterMark,
        Point::BeforeContent,
        Point::AfterContent,
        Point::AfterAnswer,
        Point::BeforeOutcome,
        Point::OutcomeWritten,
        Point::AfterOutcome,
        Point::BeforeRecovery,
        Point::RecoveryWritten,
        Point::AfterRecovery,
        Point::BeforeEnd,
        Point::EndWritten,
        Point::AfterEnd,
        Point::BeforeRelease,
        Point::ReleaseWritten,
        Point::AfterRelease,
    ];

    /// As it is written in the environment: `BeforeMark`.
    pub fn name(self) -> String {
        format!("{self:?}")
    }
}

/// Where a test's process may die.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub(crate) fn reach(_: Point) {}

/// Where a test's process may die.
#[cfg(debug_assertions)]
pub(crate) fn reach(point: Point) {
    use std::sync::{
        OnceLock,
        atomic::{AtomicI64, Ordering::Relaxed},
    };
    static ASKED: OnceLock<Option<(String, AtomicI64, bool)>> = OnceLock::new();
    #[expect(clippy::disallowed_methods, reason = "no setting: it is not for people")]
    let asked = ASKED.get_or_init(|| {
        let asked = std::env::var("LOUPE_FAULT_POINT").ok()?;
        let (name, times) = asked.split_once(':').unwrap_or((&asked, "1"));
        let (times, panics) = times
            .split_once(':')
            .map_or((times, false), |(times, how)| (times, how == "panic"));
        Some((name.to_owned(), AtomicI64::new(times.parse().unwrap_or(1)), panics))
    });
    if let Some((name, left, panics)) = asked
        && *name == point.name()
        && left.fetch_sub(1, Relaxed) == 1
    {
        if *panics {
            std::panic::panic_any("ordered");
        }
        std::process::abort();
    }
}
