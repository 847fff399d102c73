//! What came of it in one look: a sentence, one bar, the numbers.

use leptos::prelude::*;

use crate::{
    messages::model::Tally,
    sends::{model::SendState, queries::SendRecord, words::at_the_end},
    text::grouped,
};

/// A part of everybody: its name, how many, what that means, and its colour.
struct Part {
    label: &'static str,
    people: i64,
    hint: &'static str,
    class: &'static str,
}

/// The card. `tally` may be of more than this go.
pub fn view(send: &SendRecord, tally: &Tally) -> AnyView {
    let parts = parts(tally);
    let sentence = sentence(send, tally);
    let numbers: Vec<_> = parts
        .iter()
        .map(|part| {
            view! {
                <div>
                    <dt class="keyed">
                        <svg class="swatch" viewBox="0 0 10 10" aria-hidden="true">
                            <rect class=part.class width="10" height="10" rx="2"></rect>
                        </svg>
                        {part.label}
                    </dt>
                    <dd class="n">{grouped(part.people)}</dd>
                    <dd class="hint">{part.hint}</dd>
                </div>
            }
        })
        .collect();
    view! {
        <section class="card outcome" aria-label="Outcome">
            <div class="told">{sentence.map(|words| view! { <h2>{words}</h2> })}{bar(&parts)}</div>
            <dl class="stats">{numbers}</dl>
        </section>
    }
    .into_any()
}

fn sentence(send: &SendRecord, tally: &Tally) -> Option<String> {
    match send.state {
        SendState::Done => Some(at_the_end(tally, send.replies_to())),
        SendState::Reverted => {
            let meant = tally.audience() + tally.cancelled;
            Some(format!("{} of {} got it.", grouped(tally.sent), grouped(meant)))
        }
        SendState::Holding | SendState::Sending | SendState::Cancelled => None,
    }
}

fn parts(tally: &Tally) -> Vec<Part> {
    let part = |label, people, hint, class| Part {
        label,
        people,
        hint,
        class,
    };
    let always = [
        part("Sent", tally.sent, "The provider accepted it", "sent"),
        part(
            "Failed",
            tally.failed,
            "The provider rejected it, usually a wrong or closed address",
            "failed",
        ),
        part("Skipped", tally.skipped, "Left out, with a reason each", "skipped"),
    ];
    let sometimes = [
        part("Waiting", tally.waiting, "Still to go out", "rest"),
        part(
            "Unconfirmed",
            tally.unconfirmed,
            "The provider didn't answer; it may have arrived",
            "open",
        ),
        part("Not sent", tally.cancelled, "Taken back before it went out", "rest"),
        part("Already had it", tally.already, "From an earlier go", "share"),
    ];
    let there = sometimes.into_iter().filter(|part| part.people > 0);
    always.into_iter().chain(there).collect()
}

/// One bar of everybody, with gaps of the paper between its parts.
fn bar(parts: &[Part]) -> AnyView {
    let all: i64 = parts.iter().map(|part| part.people).sum();
    let share = |people: i64| percent(people, all);
    let mut before = 0;
    let mut drawn = Vec::new();
    for part in parts.iter().filter(|part| part.people > 0) {
        let (x, width) = (share(before), share(part.people));
        let gap = (before > 0).then(|| view! { <rect class="gap" x=x.clone() width="2" height="100%"></rect> });
        drawn.push(view! { <rect class=part.class x=x.clone() width=width height="100%"></rect>{gap} });
        before += part.people;
    }
    view! { <svg class="parts" aria-hidden="true">{drawn}</svg> }.into_any()
}

/// `62.50%`
fn percent(people: i64, all: i64) -> String {
    let of_ten_thousand = 10_000 * people / all.max(1);
    format!("{}.{:02}%", of_ten_thousand / 100, of_ten_thousand % 100)
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn shares_are_exact_to_a_hundredth() {
        assert_eq!(percent(5, 8), "62.50%");
        assert_eq!(percent(1, 3000), "0.03%");
        assert_eq!(percent(0, 0), "0.00%");
        assert_eq!(percent(7, 7), "100.00%");
    }
}
