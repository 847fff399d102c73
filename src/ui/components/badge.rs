//! A status as an icon and a word: never by colour alone.

use leptos::{either::EitherOf4, prelude::*};

use crate::{campaigns::model::CampaignStatus, messages::model::MessageState};

/// What a badge can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Draft,
    Scheduled,
    Overdue,
    Sending,
    Sent,
    Waiting,
    Accepted,
    Failed,
    Unconfirmed,
    Skipped,
    NotSent,
}

impl From<CampaignStatus> for Mark {
    fn from(status: CampaignStatus) -> Self {
        match status {
            CampaignStatus::Draft => Mark::Draft,
            CampaignStatus::Scheduled => Mark::Scheduled,
            CampaignStatus::Sending => Mark::Sending,
            CampaignStatus::Sent => Mark::Sent,
        }
    }
}

impl From<MessageState> for Mark {
    fn from(state: MessageState) -> Self {
        match state {
            MessageState::Queued | MessageState::Leased | MessageState::Attempting => Mark::Waiting,
            MessageState::Accepted => Mark::Accepted,
            MessageState::Rejected | MessageState::Failed => Mark::Failed,
            MessageState::Unconfirmed => Mark::Unconfirmed,
            MessageState::Skipped => Mark::Skipped,
            MessageState::Cancelled => Mark::NotSent,
        }
    }
}

impl Mark {
    /// The word beside the icon.
    pub fn word(self) -> &'static str {
        match self {
            Mark::Draft => "Draft",
            Mark::Scheduled => "Scheduled",
            Mark::Overdue => "Overdue",
            Mark::Sending => "Sending",
            Mark::Sent => "Sent",
            Mark::Waiting => "Waiting",
            Mark::Accepted => "Sent",
            Mark::Failed => "Failed",
            Mark::Unconfirmed => "Unconfirmed",
            Mark::Skipped => "Skipped",
            Mark::NotSent => "Not sent",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Mark::Draft | Mark::Waiting | Mark::NotSent => "badge b-draft",
            Mark::Scheduled => "badge b-scheduled",
            Mark::Overdue | Mark::Unconfirmed => "badge b-overdue",
            Mark::Sending => "badge b-sending",
            Mark::Sent | Mark::Accepted => "badge b-sent",
            Mark::Failed => "badge b-failed",
            Mark::Skipped => "badge b-skip",
        }
    }

    /// The icon, 12 by 12, in the colour of the text.
    fn icon(self) -> impl IntoView {
        match self {
            Mark::Draft => EitherOf4::A(view! {
                <circle cx="6" cy="6" r="4.5" fill="none" stroke="currentColor" stroke-width="1.5" stroke-dasharray="2 1.6"/>
            }),
            Mark::Sending => EitherOf4::B(view! { <circle class="pulse" cx="6" cy="6" r="4" fill="currentColor"/> }),
            Mark::Scheduled | Mark::Overdue => EitherOf4::C(view! {
                <circle cx="6" cy="6" r="4.6" fill="none" stroke="currentColor" stroke-width="1.4"/>
                <path d="M6 3.4V6l1.8 1.2" fill="none" stroke="currentColor" stroke-width="1.4" stroke-linecap="round"/>
            }),
            other => {
                let line = match other {
                    Mark::Sent | Mark::Accepted => "m2.5 6.4 2.3 2.3 4.7-5",
                    Mark::Failed => "M6 2v4.6M6 9.3v.3",
                    Mark::Unconfirmed => "M4.2 4.3a1.9 1.9 0 1 1 2.6 1.8c-.6.3-.8.6-.8 1.3M6 9.6v.2",
                    Mark::Waiting => "M2.6 6h.2M6 6h.2M9.4 6h.2",
                    Mark::NotSent => "m3.2 3.2 5.6 5.6M8.8 3.2 3.2 8.8",
                    _ => "M2.5 6h7",
                };
                EitherOf4::D(view! {
                    <path d=line fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round"
                        stroke-linejoin="round"/>
                })
            }
        }
    }
}

/// A status: icon and word. Another word may stand in for the usual one.
#[component]
pub fn Badge(#[prop(into)] mark: Mark, #[prop(optional)] word: Option<&'static str>) -> impl IntoView {
    view! {
        <span class=mark.class()>
            <svg viewBox="0 0 12 12" aria-hidden="true">{mark.icon()}</svg>
            {word.unwrap_or(mark.word())}
        </span>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_badge_says_the_same_as_the_model() {
        for status in CampaignStatus::ALL {
            assert_eq!(Mark::from(status).word(), status.label());
        }
        for state in [
            MessageState::Queued,
            MessageState::Leased,
            MessageState::Attempting,
            MessageState::Accepted,
            MessageState::Rejected,
            MessageState::Failed,
            MessageState::Unconfirmed,
            MessageState::Skipped,
            MessageState::Cancelled,
        ] {
            assert_eq!(Mark::from(state).word(), state.label());
        }
    }
}
