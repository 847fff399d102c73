//! What is wrong with a field, beside it.

use leptos::prelude::*;

/// The words beside a field; the field points to them by the id `{field}-error`.
#[component]
pub fn FieldError(field: &'static str, words: Option<String>) -> impl IntoView {
    words.map(|words| {
        view! { <p class="error" id=format!("{field}-error")><span class="vh">"Error: "</span>{words}</p> }
    })
}
