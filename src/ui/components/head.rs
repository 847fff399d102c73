//! The top of a page: where it stands, what it is, what can be done with it.

use leptos::prelude::*;

/// The title of a page, a line below it, and its actions as children. An eyebrow (a badge) stands
/// above the title.
#[component]
pub fn PageHead(
    #[prop(into)] title: String,
    #[prop(optional, into)] words: Option<String>,
    #[prop(optional)] eyebrow: Option<AnyView>,
    /// Something was done and its place is gone: whoever uses the keyboard goes on from here.
    #[prop(optional)]
    focused: bool,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="head">
            <div>
                {eyebrow.map(|eyebrow| view! { <div class="eyebrow">{eyebrow}</div> })}
                <h1 tabindex="-1" autofocus=focused>{title}</h1>
                {words.map(|words| view! { <p>{words}</p> })}
            </div>
            {children.map(|inside| view! { <div class="acts">{inside()}</div> })}
        </div>
    }
}

/// The way back up: links, then the name of this page.
#[component]
pub fn Crumbs(links: Vec<(&'static str, &'static str)>, #[prop(into)] here: String) -> impl IntoView {
    let links: Vec<_> = links
        .into_iter()
        .map(|(label, path)| view! { <li><a href=path>{label}</a></li> })
        .collect();
    view! {
        <nav class="crumbs" aria-label="Breadcrumb">
            <ol>{links}<li aria-current="page">{here}</li></ol>
        </nav>
    }
}
