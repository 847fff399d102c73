//! Moments, always in the store's time, for people and for machines.

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use crate::time;

/// How a moment and its distance from now are said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Distance {
    /// Only the moment.
    #[default]
    Without,
    /// The distance on a line of its own: below what is to come, before what was within a month.
    With,
}

/// `Sat 2 May 2026, 9:00 am AEST`, if asked with `in 3 days`.
#[component]
pub fn Moment(at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz, #[prop(optional)] distance: Distance) -> impl IntoView {
    let machine = at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let exact = time::absolute(at, zone);
    let away = time::relative(at, now);
    let recent = at <= now && (now - at).num_days() <= 30;
    match distance {
        Distance::Without => view! { <time datetime=machine>{exact}</time> }.into_any(),
        Distance::With if recent => view! {
            {away}<br/><span class="hint"><time datetime=machine>{exact}</time></span>
        }
        .into_any(),
        Distance::With => view! {
            <time datetime=machine>{exact}</time><br/><span class="hint">{away}</span>
        }
        .into_any(),
    }
}
