//! The process dies at every place before, in and after everything that is done with a send
//! ([`dispatch::failpoints`]): by a person, by the scheduler, by the dispatcher. Then it is started
//! again, the person presses once more, and it must all come right: one copy at most, nobody
//! missing, every number the number of its rows, nothing stuck. Real processes: they abort.

mod ending;
mod scenario;
mod steps;

use std::panic::AssertUnwindSafe;

use futures::{FutureExt as _, StreamExt as _};
use loupe::{db::Backend, failpoints::Point};

use crate::dispatch::{crash_points::scenario::Scenario, crash_recovery};

/// What is being done when it dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// A message is on its way: see [`crashes`].
    Sending,
    SendRest,
    SendToNobody,
    Bulk,
    BulkRest,
    Undo,
    UndoAgain,
    Hurry,
    Stop,
    Pause,
    Resume,
    GoOn,
    /// After some had got it.
    EndStalled,
    EndUntouched,
    TreatAsSent,
    /// Queuing once more what was never answered.
    Repeat,
    /// Its key is too old by then.
    RepeatTooLate,
    /// Hearing what the provider tells.
    ProviderEvent,
    Again,
    Correct,
    Confirm,
    /// Somebody opts out between lease and mark.
    OptOut,
    /// The answer comes when the message has been taken over.
    LateAnswer,
    LateAnswerAfterStop,
    AnswerAfterStop,
    Outage,
    OutageOver,
    /// An hour of it.
    TroubleForLong,
    /// What was on the wire when it was stopped is known.
    Reconcile,
    /// When its people were last written to is noted, a piece at a time.
    Contacts,
    SettleOld,
    Fire,
    FireForNobody,
    FireTooLate,
}

/// Where each place is died at: a new one without a deed does not compile.
fn deeds(point: Point) -> &'static [Action] {
    match point {
        Point::BeforeClaim | Point::ClaimWritten | Point::FreezeWritten | Point::AfterFreeze => {
            &[Action::Sending, Action::SendRest]
        }
        Point::BeforeHoldEnds
        | Point::AfterHoldEnds
        | Point::Preparing
        | Point::BeforeLease
        | Point::LeaseWritten
        | Point::AfterLease
        | Point::Building
        | Point::BeforeOffer
        | Point::AfterOffer
        | Point::BeforeMark
        | Point::MarkWritten
        | Point::AfterMark
        | Point::BeforeContent
        | Point::AfterContent
        | Point::AfterAnswer
        | Point::OutcomeWritten
        | Point::BeforeRecovery
        | Point::RecoveryWritten
        | Point::AfterRecovery
        | Point::BeforeRelease
        | Point::ReleaseWritten
        | Point::AfterRelease
        | Point::BeforeEnd
        | Point::EndWritten
        | Point::AfterEnd => &[Action::Sending],
        Point::BeforeOutcome | Point::AfterOutcome => &[Action::Sending, Action::AnswerAfterStop],
        Point::BeforeNobody | Point::NobodyWritten | Point::AfterNobody => &[Action::SendToNobody],
        Point::BeforeBulk | Point::BulkWritten | Point::AfterBulk => &[Action::Bulk, Action::BulkRest],
        Point::BeforeUndo | Point::UndoWritten | Point::AfterUndo => &[Action::Undo, Action::UndoAgain],
        Point::BeforeHurry | Point::HurryWritten | Point::AfterHurry => &[Action::Hurry],
        Point::BeforeUnmarked | Point::UnmarkedWritten | Point::AfterUnmarked => &[Action::OptOut],
        Point::BeforeLate | Point::LateWritten | Point::AfterLate => &[Action::LateAnswer, Action::LateAnswerAfterStop],
        Point::BeforeOutage
        | Point::OutageReleased
        | Point::AfterOutageReleased
        | Point::BeforeOutagePause
        | Point::OutagePauseWritten
        | Point::AfterOutagePause => &[Action::Outage],
        Point::BeforeOutageEnds | Point::OutageEndWritten | Point::AfterOutageEnds => &[Action::OutageOver],
        Point::BeforeGivingBack | Point::GivingBackWritten | Point::AfterGivingBack => &[Action::TroubleForLong],
        Point::BeforeStop | Point::StopWritten | Point::AfterStop => &[Action::Stop],
        Point::BeforePause | Point::PauseWritten | Point::AfterPause => &[Action::Pause],
        Point::BeforeResume | Point::ResumeWritten | Point::AfterResume => &[Action::Resume],
        Point::BeforeGoOn | Point::GoOnWritten | Point::AfterGoOn => &[Action::GoOn],
        Point::BeforeEndStalled | Point::StalledRecovered | Point::EndStalledWritten | Point::AfterEndStalled => {
            &[Action::EndStalled, Action::EndUntouched]
        }
        Point::BeforeIdempotentRetry | Point::IdempotentRetryWritten | Point::AfterIdempotentRetry => &[Action::Repeat],
        Point::BeforeIdempotentRetryEnds | Point::IdempotentRetryEndWritten | Point::AfterIdempotentRetryEnds => {
            &[Action::RepeatTooLate]
        }
        Point::BeforeProviderEvent | Point::ProviderEventWritten | Point::AfterProviderEvent => {
            &[Action::ProviderEvent]
        }
        Point::BeforeTreatAsSent | Point::TreatAsSentWritten | Point::AfterTreatAsSent => &[Action::TreatAsSent],
        Point::BeforeReconcile | Point::ReconcileWritten | Point::AfterReconcile => &[Action::Reconcile],
        Point::BeforeContacts | Point::ContactsWritten | Point::AfterContacts => &[Action::Contacts],
        Point::BeforeSettleOld | Point::SettleOldWritten | Point::AfterSettleOld => &[Action::SettleOld],
        Point::BeforeAgain | Point::FirstCopiesTaken | Point::AgainWritten | Point::AfterAgain => &[Action::Again],
        Point::BeforeCorrection | Point::CorrectionWritten | Point::AfterCorrection => &[Action::Correct],
        Point::BeforeFire | Point::FireClaimed | Point::FireWritten | Point::AfterFire => &[Action::Fire],
        Point::BeforeFireNobody | Point::FireNobodyWritten | Point::AfterFireNobody => &[Action::FireForNobody],
        Point::BeforeMissed | Point::MissedWritten | Point::AfterMissed => &[Action::FireTooLate],
        Point::BeforeConfirm
        | Point::ConfirmGivenBack
        | Point::ConfirmWritten
        | Point::AfterConfirm
        | Point::AfterNote => &[Action::Confirm],
    }
}

async fn dies_at(backend: Backend, point: Point, action: Action) {
    if action == Action::Sending {
        return crash_recovery::dies_at(backend, point).await;
    }
    let name = format!("{point:?} in {action:?}");
    let mut scenario = Scenario::open(backend, action, &name).await;
    scenario.prepare(action).await;
    let before = scenario.rows().await;
    scenario.dies(action, point).await;
    if scenario.is_quiet(action) {
        let is_committed = point.name().starts_with("After");
        assert_eq!(
            scenario.rows().await != before,
            is_committed,
            "{name}: all of it or nothing"
        );
    }
    scenario.once_more(action).await;
    scenario.comes_right(action).await;
}

/// A few at a time: each is a process that starts. All are played, and then told which failed.
async fn everywhere(backend: Backend) {
    let all = Point::ALL
        .iter()
        .flat_map(|point| deeds(*point).iter().map(|action| (*point, *action)));
    let failed: Vec<String> = futures::stream::iter(all)
        .map(|(point, action)| async move {
            let played = AssertUnwindSafe(dies_at(backend, point, action)).catch_unwind().await;
            played.err().map(|_| format!("{point:?} in {action:?}"))
        })
        .buffer_unordered(4)
        .filter_map(std::future::ready)
        .collect()
        .await;
    assert_eq!(failed, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn dying_anywhere_doubles_and_loses_nothing_on_sqlite() {
    everywhere(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dying_anywhere_doubles_and_loses_nothing_on_postgres() {
    everywhere(Backend::Postgres).await;
}
