//! What changed between the number somebody was shown and the send: the receipt.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use crate::{
    sends::{
        drift::{Change, Drift, is_large},
        model::SendState,
        queries::SendRecord,
    },
    text::grouped,
    ui::components::{Banner, Distance, Moment, Tone},
};

/// The receipt, loud when the difference is one nobody expects.
pub fn view(drift: &Drift, send: &SendRecord, now: DateTime<Utc>, zone: Tz) -> AnyView {
    let words = sentence(drift, send.state);
    let changes = drift.changes.as_deref().unwrap_or_default();
    let when = drift.shown_at.map(|at| {
        let what = match send.scheduled_at {
            Some(_) => "Counted when it was scheduled, ",
            None => "Counted when Send now was pressed, ",
        };
        view! { <p class="hint">{what}<Moment at now zone distance=Distance::With/></p> }
    });
    let unknown = drift
        .changes
        .is_none()
        .then(|| view! { <p class="hint">"Only the number was kept, not the names."</p> });
    let list = (!changes.is_empty()).then(|| {
        let lines: Vec<_> = changes.iter().map(change).collect();
        view! { <dl class="why">{lines}</dl> }
    });
    if drift.changes.as_ref().is_some_and(Vec::is_empty) && drift.shown == drift.went {
        return view! { <p class="hint drift">{words}</p> }.into_any();
    }
    let inside = if is_large(drift.shown, drift.went) {
        view! { <Banner tone=Tone::Warning title=words>{list}{when}{unknown}</Banner> }.into_any()
    } else {
        view! { <div class="card pad"><p><b>{words}</b></p>{list}{when}{unknown}</div> }.into_any()
    };
    view! {
        <section class="drift" aria-labelledby="drift-title">
            <h2 id="drift-title">"What changed since you looked"</h2>
            {inside}
        </section>
    }
    .into_any()
}

/// `You saw 214. It went to 211.`
fn sentence(drift: &Drift, state: SendState) -> String {
    let (shown, went) = (grouped(drift.shown), grouped(drift.went));
    let unchanged = drift.changes.as_ref().is_some_and(Vec::is_empty);
    match (state, unchanged) {
        (SendState::Holding | SendState::Sending, true) => {
            format!("You saw {shown} and it goes to these {went}: nobody joined or left.")
        }
        (SendState::Done, true) => format!("You saw {shown} and it went to these {went}: nobody joined or left."),
        (_, true) => format!("You saw {shown} and it was for these {went}: nobody joined or left."),
        (SendState::Holding | SendState::Sending, false) => format!("You saw {shown}. It goes to {went}."),
        (SendState::Done, false) => format!("You saw {shown}. It went to {went}."),
        (_, false) => format!("You saw {shown}. It was for {went}."),
    }
}

/// `2 left: Unsubscribed`, with their names.
fn change(change: &Change) -> AnyView {
    let verb = if change.why.joined() { "joined" } else { "left" };
    let words = format!("{verb}: {}", change.why.words());
    let listed = i64::try_from(change.names.len()).unwrap_or(0);
    let names: Vec<_> = change
        .names
        .iter()
        .map(|person| view! { <li><a href=format!("/customers/{}", person.id)>{person.name.clone()}</a></li> })
        .collect();
    let more =
        (change.people > listed).then(|| view! { <li>{format!("and {} more", grouped(change.people - listed))}</li> });
    view! {
        <dt>{grouped(change.people)}</dt>
        <dd>
            <details>
                <summary><span>{words}" "</span><span class="see">"See who"</span></summary>
                <ul>{names}{more}</ul>
            </details>
        </dd>
    }
    .into_any()
}
