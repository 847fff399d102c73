//! A look at the password that is being typed. It takes a few lines of script, which come with
//! the page and run by its nonce; without scripts the button is not there.

use leptos::{nonce::use_nonce, prelude::*};

/// The button, to stand right after the field it shows. Needs the field to be in a form.
#[component]
pub fn ShowPassword(field: &'static str) -> impl IntoView {
    view! {
        <button class="peek" type="button" aria-pressed="false" aria-controls=field hidden>"Show password"</button>
        <script nonce=use_nonce()>{include_str!("show_password.js")}</script>
    }
}
