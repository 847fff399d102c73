//! The seconds in which a send can be taken back.

use std::time::Duration;

use leptos::prelude::*;

use super::progress::reload;
use crate::sends::words::people;

/// Between two looks at the clock.
const STEP: Duration = Duration::from_millis(200);
/// How many seconds before the end it is said again.
const LAST_CALL: i64 = 5;

/// The bar with Undo, which counts down to the first message. Its buttons are plain forms: the
/// server alone decides what was in time.
#[island]
pub fn HoldBar(customers: i64, seconds: i64, at: String, children: Children) -> impl IntoView {
    let left = RwSignal::new(None::<i64>);
    let said = RwSignal::new(String::new());
    Effect::new(move |_| {
        let until = js_sys::Date::now() + seconds as f64 * 1000.0;
        let words = format!(
            "Sending to {} in {}. Undo is available.",
            people(customers),
            self::seconds(seconds)
        );
        said.set(words);
        count_down(until, left, said);
    });
    let when = move || match left.get() {
        Some(left) => format!(" in {}.", self::seconds(left)),
        None => format!(" at {at}."),
    };
    view! {
        <section class="hold" aria-label="Sending soon" tabindex="-1" autofocus>
            <p role="timer" aria-live="off">{format!("Sending to {}", people(customers))}<b>{when}</b></p>
            <div class="acts">{children()}</div>
            <p class="vh" role="status">{said}</p>
        </section>
    }
}

fn count_down(until: f64, left: RwSignal<Option<i64>>, said: RwSignal<String>) {
    let seconds = ((until - js_sys::Date::now()) / 1000.0).ceil() as i64;
    left.set(Some(seconds.max(0)));
    if seconds <= 0 {
        // The page that follows is the same address, with the send under way.
        set_timeout(reload, 2 * STEP);
        return;
    }
    if seconds == LAST_CALL {
        said.set(format!("{LAST_CALL} seconds left to undo."));
    }
    set_timeout(move || count_down(until, left, said), STEP);
}

fn seconds(n: i64) -> String {
    let noun = if n == 1 { "second" } else { "seconds" };
    format!("{n} {noun}")
}
