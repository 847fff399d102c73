//! Second tries and corrections, each with the way to what came of it.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use crate::{
    sends::{model::SendKind, queries::SendRecord},
    ui::components::{Distance, Moment},
};

/// The list; nothing when nothing followed.
pub fn view(sends: &[SendRecord], now: DateTime<Utc>, zone: Tz) -> Option<AnyView> {
    if sends.is_empty() {
        return None;
    }
    let lines: Vec<_> = sends
        .iter()
        .map(|send| {
            let what = match send.kind {
                SendKind::Correction => "Corrected",
                SendKind::Bulk => "Sent to the rest",
                SendKind::Again | SendKind::Campaign => "Sent again",
            };
            let words = format!("{what} by {}", send.started_by);
            let at = send.started_at;
            view! { <li><a href=send.page()>{words}</a>", "<Moment at now zone distance=Distance::With/></li> }
        })
        .collect();
    Some(
        view! {
            <section aria-labelledby="followed-title">
                <h2 id="followed-title">"What followed"</h2>
                <ul class="reasons">{lines}</ul>
            </section>
        }
        .into_any(),
    )
}
