//! Nothing here: says so, and what to do about it.

use leptos::prelude::*;

/// A title that names the next step, a sentence, and the actions inside it.
#[component]
pub fn EmptyState(
    #[prop(into)] title: String,
    #[prop(optional, into)] words: Option<String>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="card empty">
            <h2>{title}</h2>
            {words.map(|words| view! { <p>{words}</p> })}
            {children.map(|inside| view! { <div class="acts">{inside()}</div> })}
        </div>
    }
}
