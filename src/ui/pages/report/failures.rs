//! Many failures deserve a look, grouped by what the provider said, each with what to do about it.

use leptos::prelude::*;

use crate::{
    messages::{model::Tally, timeline::FailureGroup},
    sends::words::many_failed,
    text::grouped,
    ui::components::{Banner, Tone},
};

/// What the failures with one code have in common, and what to do.
fn advice(code: Option<i64>) -> &'static str {
    match code {
        Some(550 | 551 | 553 | 556) => "The address is wrong or closed. Correct it with the customer, or remove it.",
        Some(552) => "The mailbox is full. Try these customers again another week.",
        Some(554) => "Their provider turned the message away. Check its wording and your sender address.",
        Some(421 | 450 | 451 | 452) => {
            "The provider wanted us to slow down. Send to smaller groups, or try these again later."
        }
        Some(400..=499) => "The provider couldn't take it at the time. Try these customers again later.",
        _ => "Look at these customers one by one.",
    }
}

/// The panel, when the failures are many.
pub fn view(groups: &[FailureGroup], tally: &Tally, review: String) -> Option<AnyView> {
    let title = many_failed(tally)?;
    let items: Vec<_> = groups
        .iter()
        .map(|group| {
            let people = if group.people == 1 { "customer" } else { "customers" };
            let said = group
                .reply
                .clone()
                .filter(|words| !words.is_empty())
                .map(|words| view! { <br/><span class="hint">{words}</span> });
            view! {
                <li>
                    <strong>{format!("{} {people}. ", grouped(group.people))}</strong>
                    {advice(group.reply_code)}{said}
                </li>
            }
        })
        .collect();
    Some(
        view! {
            <Banner tone=Tone::Warning title>
                <ul class="reasons">{items}</ul>
                <p><a href=review>"Review these customers"</a></p>
            </Banner>
        }
        .into_any(),
    )
}
