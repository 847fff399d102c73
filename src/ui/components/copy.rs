//! Something to be read to others, such as a number, and a button that copies it. Without scripts
//! the button is not there.

use leptos::{nonce::use_nonce, prelude::*};

/// The text after its name, and Copy.
#[component]
pub fn Copy(name: &'static str, #[prop(into)] text: String) -> impl IntoView {
    let label = format!("Copy {name}");
    view! {
        <p class="copy hint">
            {name}" "<code>{text}</code>
            <button class="link" type="button" aria-live="polite" title=label hidden>"Copy"</button>
            <script nonce=use_nonce()>{include_str!("copy.js")}</script>
        </p>
    }
}
