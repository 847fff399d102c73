//! The only text area there is.
//!
//! The framework writes the children of a `<textarea>` as they are, so a text that closes the
//! element would run as markup. Here the text is escaped before it is written. Islands find the
//! element by its id; the value is never bound.

use leptos::prelude::*;

use crate::ui::escape;

/// A text area whose text is escaped.
#[component]
pub fn SafeTextArea(
    id: &'static str,
    name: &'static str,
    #[prop(into)] value: String,
    #[prop(default = 12)] rows: u32,
    #[prop(optional, into)] described_by: Option<String>,
    #[prop(optional)] invalid: bool,
) -> impl IntoView {
    // A line break right after the tag is dropped by browsers: give it one to drop.
    let html = format!("\n{}", escape::text(&value));
    view! {
        <textarea id=id name=name rows=rows aria-describedby=described_by aria-invalid=invalid.then_some("true")
            spellcheck="true" inner_html=html></textarea>
    }
}
