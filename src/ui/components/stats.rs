//! Numbers that matter, side by side.

use leptos::prelude::*;

use crate::text::grouped;

/// One number, what it counts, and what that means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    pub label: &'static str,
    pub count: i64,
    pub hint: Option<&'static str>,
}

/// The numbers as a list of terms, in tabular figures: nothing moves when they change.
#[component]
pub fn Stats(items: Vec<Stat>) -> impl IntoView {
    let items: Vec<_> = items
        .into_iter()
        .map(|stat| {
            view! {
                <div>
                    <dt>{stat.label}</dt>
                    <dd class="n">{grouped(stat.count)}</dd>
                    {stat.hint.map(|words| view! { <dd class="hint">{words}</dd> })}
                </div>
            }
        })
        .collect();
    view! { <dl class="stats">{items}</dl> }
}
