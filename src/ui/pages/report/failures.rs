//! A few failures are normal; more than one in twenty deserve a look, grouped by what the
//! provider said, each with what to do about it.

use leptos::prelude::*;

use crate::{
    communications::{model::Tally, store::FailureGroup},
    recipients::model::grouped,
    ui::components::{Banner, Tone},
};

/// Whether more than 5 in 100 of those with an answer failed.
fn is_high(tally: &Tally) -> bool {
    tally.failed * 20 > tally.sent + tally.failed
}

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
pub fn view(groups: &[FailureGroup], tally: &Tally, path: &str) -> Option<AnyView> {
    if !is_high(tally) {
        return None;
    }
    let percent = 100 * tally.failed / (tally.sent + tally.failed).max(1);
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
    let path = format!("{path}?show=failed#people");
    Some(
        view! {
            <Banner tone=Tone::Warning title=format!("{percent} % failed: more than usual.")>
                <ul class="reasons">{items}</ul>
                <p><a href=path>"Review these customers"</a></p>
            </Banner>
        }
        .into_any(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_twenty_is_usual_and_more_is_not() {
        let of = |sent, failed| {
            is_high(&Tally {
                sent,
                failed,
                ..Tally::default()
            })
        };
        assert!(!of(95, 5));
        assert!(of(94, 6));
        assert!(!of(0, 0));
        assert!(of(0, 1));
    }
}
