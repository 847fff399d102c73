//! What stands between the title and the buttons of the question before a send: the same on its
//! own page and in the dialog.

use leptos::prelude::*;

use super::banner::Tone;
use crate::campaigns::preflight::model::Question;

/// The facts and the warnings. `outbox`: nothing is really mailed, and it says so.
#[component]
pub fn QuestionFacts(question: Question, outbox: bool) -> impl IntoView {
    let nothing = question.warnings.is_empty();
    let warnings: Vec<_> = question
        .warnings
        .into_iter()
        .map(|words| view! { <li>{words}</li> })
        .collect();
    view! {
        <dl class="facts">
            <dt>"Subject"</dt><dd>{question.subject}</dd>
            <dt>"From"</dt><dd>{question.from}</dd>
            <dt>"Goes to"</dt><dd>{question.goes_to}</dd>
        </dl>
        <div class="banner warning" hidden=nothing>
            {Tone::Warning.icon()}
            <ul>{warnings}</ul>
        </div>
        {outbox.then(|| view! { <p class="hint">"Nothing is mailed: messages stay in the outbox."</p> })}
    }
}
