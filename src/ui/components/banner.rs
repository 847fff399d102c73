//! What stands out on a page: a bar, an icon, a sentence. One per page; merge rather than stack.

use leptos::prelude::*;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Info,
    Success,
    Warning,
    Error,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Tone::Info => "banner info",
            Tone::Success => "banner success",
            Tone::Warning => "banner warning",
            Tone::Error => "banner error",
        }
    }

    /// Errors interrupt a screen reader; everything else waits its turn.
    fn role(self) -> &'static str {
        match self {
            Tone::Error => "alert",
            _ => "status",
        }
    }

    pub fn icon(self) -> impl IntoView {
        let line = match self {
            Tone::Info => "M10 9v5M10 6.2v.2",
            Tone::Success => "m6.3 10.4 2.5 2.5 5-5.4",
            Tone::Warning | Tone::Error => "M10 5.8v5M10 14v.2",
        };
        view! {
            <svg viewBox="0 0 20 20" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.5"
                stroke-linecap="round" stroke-linejoin="round">
                <circle cx="10" cy="10" r="8"/>
                <path d=line/>
            </svg>
        }
    }
}

/// A message at the top of what it concerns. With a title, it has a heading.
#[component]
pub fn Banner(
    tone: Tone,
    #[prop(optional, into)] title: Option<String>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class=tone.class() role=tone.role()>
            {tone.icon()}
            <div>
                {title.map(|words| view! { <h2>{words}</h2> })}
                {children.map(|inside| inside())}
            </div>
        </div>
    }
}
