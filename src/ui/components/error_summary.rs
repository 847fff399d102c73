//! What a refused form says: once at the top, with links, and once beside each field, in the same
//! words.

use leptos::prelude::*;

use super::banner::Tone;
use crate::{error::Problem, server::forms::Flash};

/// What is wrong with a field, if anything.
pub fn problem_of(problems: &[Problem], field: &str) -> Option<String> {
    problems.iter().find(|p| p.field == field).map(|p| p.words.clone())
}

/// "There is a problem", with a link to every field concerned. Takes the focus when the page
/// loads, so that it is read first. Nothing at all when nothing is wrong.
#[component]
pub fn ErrorSummary(#[prop(optional)] flash: Option<Flash>, #[prop(optional)] problems: Vec<Problem>) -> impl IntoView {
    let mut all = flash.map(|f| f.problems).unwrap_or_default();
    all.extend(problems);
    (!all.is_empty()).then(|| {
        let items: Vec<_> = all
            .into_iter()
            .map(|problem| {
                if problem.field.is_empty() {
                    view! { <li>{problem.words}</li> }.into_any()
                } else {
                    view! { <li><a href=format!("#{}", problem.field)>{problem.words}</a></li> }.into_any()
                }
            })
            .collect();
        view! {
            <div class="banner error" id="error-summary" role="alert" tabindex="-1" autofocus>
                {Tone::Error.icon()}
                <div>
                    <h2>"There is a problem"</h2>
                    <ul>{items}</ul>
                </div>
            </div>
        }
    })
}
