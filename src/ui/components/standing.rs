//! The mark before a check.

use leptos::prelude::*;

use crate::campaigns::preflight::model::CheckStatus;

/// Its icon. `to_do`: nobody has tried to send it yet, so what is missing is only still to do.
#[component]
pub fn StandingIcon(status: CheckStatus, #[prop(optional)] to_do: bool) -> impl IntoView {
    let (class, line) = match status {
        CheckStatus::Done => ("ok", "m4 8.4 2.7 2.7 5.3-6"),
        CheckStatus::Review => ("look", "M8 4v4.6M8 11.6v.2"),
        CheckStatus::Fix if to_do => ("todo", "M13.2 8A5.2 5.2 0 1 1 2.8 8a5.2 5.2 0 0 1 10.4 0z"),
        CheckStatus::Fix => ("fix", "m4.6 4.6 6.8 6.8M11.4 4.6l-6.8 6.8"),
    };
    view! {
        <svg class=class viewBox="0 0 16 16" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.6"
            stroke-linecap="round" stroke-linejoin="round"><path d=line></path></svg>
    }
}
