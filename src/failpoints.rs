//! Places before and after each step of a send where a test can let the process die, as a power
//! cut would: `LOUPE_FAILPOINT=AfterMark:5` aborts the fifth time that place is reached,
//! `AfterMark:5:panic` only breaks the task that reaches it. Only in builds with debug assertions;
//! elsewhere it is nothing at all.

macro_rules! points {
    ($($point:ident)*) => {
        /// One place. `Before` a step, `Written` after its statements and before its commit, `After` its
        /// commit; of marks and outcomes `Written` only where they are not written in one trip.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Point {
            $($point),*
        }

        impl Point {
            pub const ALL: &'static [Point] = &[$(Point::$point),*];
        }
    };
}

points! {
    // Send now.
    BeforeClaim ClaimWritten FreezeWritten AfterFreeze
    BeforeNobody NobodyWritten AfterNobody
    BeforeBulk BulkWritten AfterBulk
    // The time to undo.
    BeforeUndo UndoWritten AfterUndo
    BeforeHurry HurryWritten AfterHurry
    BeforeHoldEnds AfterHoldEnds
    // One message's way.
    Preparing
    BeforeLease LeaseWritten AfterLease
    Building
    BeforeOffer AfterOffer
    BeforeMark MarkWritten AfterMark
    BeforeUnmarked UnmarkedWritten AfterUnmarked
    BeforeContent AfterContent AfterAnswer
    BeforeOutcome OutcomeWritten AfterOutcome
    BeforeLate LateWritten AfterLate
    BeforeRecovery RecoveryWritten AfterRecovery
    BeforeRelease ReleaseWritten AfterRelease
    // Trouble with the provider.
    BeforeOutage OutageReleased AfterOutageReleased
    BeforeOutagePause OutagePauseWritten AfterOutagePause
    BeforeOutageEnds OutageEndWritten AfterOutageEnds
    BeforeGivingBack GivingBackWritten AfterGivingBack
    // What a person does to a send.
    BeforeStop StopWritten AfterStop
    BeforePause PauseWritten AfterPause
    BeforeResume ResumeWritten AfterResume
    BeforeGoOn GoOnWritten AfterGoOn
    BeforeEndStalled StalledRecovered EndStalledWritten AfterEndStalled
    // How it ends, and what follows.
    BeforeEnd EndWritten AfterEnd
    BeforeIdempotentRetry IdempotentRetryWritten AfterIdempotentRetry
    BeforeIdempotentRetryEnds IdempotentRetryEndWritten AfterIdempotentRetryEnds
    BeforeProviderEvent ProviderEventWritten AfterProviderEvent
    BeforeTreatAsSent TreatAsSentWritten AfterTreatAsSent
    BeforeReconcile ReconcileWritten AfterReconcile
    BeforeContacts ContactsWritten AfterContacts
    BeforeSettleOld SettleOldWritten AfterSettleOld
    BeforeAgain FirstCopiesTaken AgainWritten AfterAgain
    BeforeCorrection CorrectionWritten AfterCorrection
    // The scheduler.
    BeforeFire FireClaimed FireWritten AfterFire
    BeforeFireNobody FireNobodyWritten AfterFireNobody
    BeforeMissed MissedWritten AfterMissed
    // A copy of the database.
    BeforeConfirm ConfirmGivenBack ConfirmWritten AfterConfirm AfterNote
}

impl Point {
    /// As it is written in the environment: `BeforeMark`.
    pub fn name(self) -> String {
        format!("{self:?}")
    }
}

/// Where a test's process may die.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub(crate) fn hit(_: Point) {}

/// Where a test's process may die.
#[cfg(debug_assertions)]
pub(crate) fn hit(point: Point) {
    use std::sync::{
        OnceLock,
        atomic::{AtomicI64, Ordering::Relaxed},
    };
    static ASKED: OnceLock<Option<(String, AtomicI64, bool)>> = OnceLock::new();
    #[expect(clippy::disallowed_methods, reason = "no setting: it is not for people")]
    let asked = ASKED.get_or_init(|| {
        let asked = std::env::var("LOUPE_FAILPOINT").ok()?;
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
