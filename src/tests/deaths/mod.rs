//! The process dies at every place before, in and after everything that is done with a send
//! ([`dispatch::failpoints`]): by a person, by the scheduler, by the dispatcher. Then it is started
//! again, the person presses once more, and it must all come right: one copy at most, nobody
//! missing, every number the number of its rows, nothing stuck. Real processes: they abort.

mod ending;
mod hands;
mod scene;

use std::panic::AssertUnwindSafe;

use futures::{FutureExt as _, StreamExt as _};
use loupe::{db::Backend, dispatch::failpoints::Point};

use crate::{crashes, deaths::scene::Scene};

/// What is being done when it dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
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
    Told,
    Again,
    Correct,
    Confirm,
    /// Somebody opts out between lease and mark.
    OptOut,
    /// The answer comes when the message has been taken over.
    LateAnswer,
    LateAnswerAfterStop,
    AnswerAfterStop,
    Trouble,
    TroubleOver,
    /// An hour of it.
    TroubleForLong,
    /// What was on the wire when it was stopped is known.
    TieUp,
    /// When its people were last written to is noted, a piece at a time.
    Contacts,
    SettleOld,
    Fire,
    FireForNobody,
    FireTooLate,
}

/// Where each place is died at: a new one without a deed does not compile.
fn deeds(point: Point) -> &'static [Deed] {
    match point {
        Point::BeforeClaim | Point::ClaimWritten | Point::FreezeWritten | Point::AfterFreeze => {
            &[Deed::Sending, Deed::SendRest]
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
        | Point::AfterEnd => &[Deed::Sending],
        Point::BeforeOutcome | Point::AfterOutcome => &[Deed::Sending, Deed::AnswerAfterStop],
        Point::BeforeNobody | Point::NobodyWritten | Point::AfterNobody => &[Deed::SendToNobody],
        Point::BeforeBulk | Point::BulkWritten | Point::AfterBulk => &[Deed::Bulk, Deed::BulkRest],
        Point::BeforeUndo | Point::UndoWritten | Point::AfterUndo => &[Deed::Undo, Deed::UndoAgain],
        Point::BeforeHurry | Point::HurryWritten | Point::AfterHurry => &[Deed::Hurry],
        Point::BeforeUnmarked | Point::UnmarkedWritten | Point::AfterUnmarked => &[Deed::OptOut],
        Point::BeforeLate | Point::LateWritten | Point::AfterLate => &[Deed::LateAnswer, Deed::LateAnswerAfterStop],
        Point::BeforeOutage
        | Point::OutageReleased
        | Point::AfterOutageReleased
        | Point::BeforeOutagePause
        | Point::OutagePauseWritten
        | Point::AfterOutagePause => &[Deed::Trouble],
        Point::BeforeOutageEnds | Point::OutageEndWritten | Point::AfterOutageEnds => &[Deed::TroubleOver],
        Point::BeforeGivingBack | Point::GivingBackWritten | Point::AfterGivingBack => &[Deed::TroubleForLong],
        Point::BeforeStop | Point::StopWritten | Point::AfterStop => &[Deed::Stop],
        Point::BeforePause | Point::PauseWritten | Point::AfterPause => &[Deed::Pause],
        Point::BeforeResume | Point::ResumeWritten | Point::AfterResume => &[Deed::Resume],
        Point::BeforeGoOn | Point::GoOnWritten | Point::AfterGoOn => &[Deed::GoOn],
        Point::BeforeEndStalled | Point::StalledRecovered | Point::EndStalledWritten | Point::AfterEndStalled => {
            &[Deed::EndStalled, Deed::EndUntouched]
        }
        Point::BeforeIdempotentRetry | Point::IdempotentRetryWritten | Point::AfterIdempotentRetry => &[Deed::Repeat],
        Point::BeforeIdempotentRetryEnds | Point::IdempotentRetryEndWritten | Point::AfterIdempotentRetryEnds => {
            &[Deed::RepeatTooLate]
        }
        Point::BeforeProviderEvent | Point::ProviderEventWritten | Point::AfterProviderEvent => &[Deed::Told],
        Point::BeforeTreatAsSent | Point::TreatAsSentWritten | Point::AfterTreatAsSent => &[Deed::TreatAsSent],
        Point::BeforeReconcile | Point::ReconcileWritten | Point::AfterReconcile => &[Deed::TieUp],
        Point::BeforeContacts | Point::ContactsWritten | Point::AfterContacts => &[Deed::Contacts],
        Point::BeforeSettleOld | Point::SettleOldWritten | Point::AfterSettleOld => &[Deed::SettleOld],
        Point::BeforeAgain | Point::FirstCopiesTaken | Point::AgainWritten | Point::AfterAgain => &[Deed::Again],
        Point::BeforeCorrection | Point::CorrectionWritten | Point::AfterCorrection => &[Deed::Correct],
        Point::BeforeFire | Point::FireClaimed | Point::FireWritten | Point::AfterFire => &[Deed::Fire],
        Point::BeforeFireNobody | Point::FireNobodyWritten | Point::AfterFireNobody => &[Deed::FireForNobody],
        Point::BeforeMissed | Point::MissedWritten | Point::AfterMissed => &[Deed::FireTooLate],
        Point::BeforeConfirm
        | Point::ConfirmGivenBack
        | Point::ConfirmWritten
        | Point::AfterConfirm
        | Point::AfterNote => &[Deed::Confirm],
    }
}

async fn dies_at(backend: Backend, point: Point, deed: Deed) {
    if deed == Deed::Sending {
        return crashes::dies_at(backend, point).await;
    }
    let name = format!("{point:?} in {deed:?}");
    let mut scene = Scene::open(backend, deed, &name).await;
    scene.prepare(deed).await;
    let before = scene.rows().await;
    scene.dies(deed, point).await;
    if scene.is_quiet(deed) {
        let is_committed = point.name().starts_with("After");
        assert_eq!(
            scene.rows().await != before,
            is_committed,
            "{name}: all of it or nothing"
        );
    }
    scene.once_more(deed).await;
    scene.comes_right(deed).await;
}

/// A few at a time: each is a process that starts. All are played, and then told which failed.
async fn everywhere(backend: Backend) {
    let all = Point::ALL
        .iter()
        .flat_map(|point| deeds(*point).iter().map(|deed| (*point, *deed)));
    let failed: Vec<String> = futures::stream::iter(all)
        .map(|(point, deed)| async move {
            let played = AssertUnwindSafe(dies_at(backend, point, deed)).catch_unwind().await;
            played.err().map(|_| format!("{point:?} in {deed:?}"))
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
