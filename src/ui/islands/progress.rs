//! The seconds in which a send can be taken back, and the send itself, brought to life: the
//! server has drawn them, these change what they say.

use std::{cell::Cell, rc::Rc, time::Duration};

use leptos::{prelude::*, task::spawn_local};
use web_sys::Element;

use super::dom::{by_id, fill, make, put, say};
use crate::{
    communications::model::Tally,
    recipients::model::grouped,
    sends::{
        api::send_progress,
        model::{Progress, ProgressRow, SendState},
        words::{at_the_end, many_failed, people},
    },
};

/// Shortest pause between two questions, in milliseconds.
const FLOOR: f64 = 1000.0;
/// After a question without an answer, in milliseconds.
const LOST: f64 = 5000.0;
/// A screen reader hears how far it is at each quarter, and otherwise this often: milliseconds.
const SPEAK_EVERY: f64 = 15_000.0;

/// Counts down to the first message.
#[island]
pub fn WakeHold(customers: i64, seconds: i64) -> impl IntoView {
    Effect::new(move |_| {
        let until = js_sys::Date::now() + seconds as f64 * 1000.0;
        let words = format!(
            "Sending to {} in {}. Undo is available.",
            people(customers),
            self::seconds(seconds)
        );
        say("hold-said", &words);
        count_down(until);
    });
    view! { <span hidden></span> }
}

fn count_down(until: f64) {
    let left = ((until - js_sys::Date::now()) / 1000.0).ceil() as i64;
    say("hold-when", &format!(" in {}.", seconds(left.max(0))));
    if left <= 0 {
        // The page that follows is the same address, with the send under way.
        set_timeout(reload, Duration::from_millis(400));
        return;
    }
    if left == 5 {
        say("hold-said", "5 seconds left to undo.");
    }
    set_timeout(move || count_down(until), Duration::from_millis(200));
}

/// What is remembered between two answers.
#[derive(Clone)]
struct Live {
    send_id: i64,
    /// When counting began, and how many had an outcome then.
    began: (f64, i64),
    /// Whether the page says that it stands still.
    stalled: bool,
    /// When something was last said, and at which quarter.
    said: Rc<Cell<(f64, i64)>>,
}

/// Asks how far a send is, again and again until it has ended.
#[island]
pub fn WakeProgress(send_id: i64, settled: i64, stalled: bool) -> impl IntoView {
    Effect::new(move |_| {
        let now = js_sys::Date::now();
        let live = Live {
            send_id,
            began: (now, settled),
            stalled,
            said: Rc::new(Cell::new((now, 0))),
        };
        ask_later(live, FLOOR);
    });
    view! { <span hidden></span> }
}

fn ask_later(live: Live, milliseconds: f64) {
    set_timeout(move || ask(live), Duration::from_millis(milliseconds as u64));
}

fn ask(live: Live) {
    // Nobody looks: nobody asks.
    if document().hidden() {
        return ask_later(live, FLOOR);
    }
    let asked = js_sys::Date::now();
    spawn_local(async move {
        match send_progress(live.send_id).await {
            Ok(progress) => show(live, &progress, js_sys::Date::now() - asked),
            Err(_) => {
                say(
                    "progress-note",
                    "Couldn't reach Loupe. Sending carries on; trying again.",
                );
                ask_later(live, LOST);
            }
        }
    });
}

fn show(live: Live, progress: &Progress, took: f64) {
    let tally = &progress.tally;
    say("progress-title", &heading(progress));
    if let Some(bar) = by_id::<Element>("progress-bar") {
        let _ = bar.set_attribute("max", &tally.audience().max(1).to_string());
        let _ = bar.set_attribute("value", &tally.settled().to_string());
    }
    for (ids, n) in [
        (["n-sent", "by-sent"], tally.sent),
        (["n-failed", "by-failed"], tally.failed),
        (["n-skipped", "by-skipped"], tally.skipped),
        (["n-waiting", "by-waiting"], tally.waiting),
        (["n-unconfirmed", ""], tally.unconfirmed),
    ] {
        for id in ids {
            say(id, &grouped(n));
        }
    }
    fill("newest", progress.newest.iter().map(person));
    match progress.state {
        // What can be done about it is another page.
        SendState::Holding | SendState::Sending if progress.stalled != live.stalled => reload(),
        SendState::Holding | SendState::Sending => {
            say("progress-note", &note(progress));
            if let Some(card) = by_id::<Element>("sending") {
                let _ = card.set_attribute("data-paused", if progress.paused { "true" } else { "false" });
            }
            say("progress-eta", &time_left(&live, tally));
            speak_now_and_then(&live, tally);
            // A slow answer is a busy server: ask it less.
            ask_later(live, (250.0 * took.sqrt() - 1000.0).max(FLOOR));
        }
        SendState::Done => {
            say("progress-eta", "");
            say("progress-note", "");
            if let (Some(words), Some(warning)) = (many_failed(tally), by_id::<Element>("progress-failed")) {
                say("progress-failed-words", &words);
                let _ = warning.remove_attribute("hidden");
            }
            let words = [tally.sent, tally.failed, tally.skipped].map(grouped);
            let [sent, failed, skipped] = words;
            say(
                "progress-said",
                &format!("Finished. {sent} sent, {failed} failed, {skipped} skipped."),
            );
            // The style sheet shows on this what belongs to a finished send.
            if let Some(main) = by_id::<Element>("main") {
                let _ = main.set_attribute("data-send", "done");
            }
        }
        // The campaign is a draft again: that is another page.
        SendState::Reverted | SendState::Cancelled => reload(),
    }
}

fn person(row: &ProgressRow) -> Option<Element> {
    let link = format!("/customers/{}/communications", row.customer_id);
    let who = put(
        make("th", &[("scope", "row")], ""),
        [
            make("a", &[("href", &link)], &row.name),
            make("span", &[("class", "hint")], &row.address),
        ],
    );
    let state = make("td", &[], "")?;
    // The server has drawn one mark of each kind.
    if let Some(mark) = by_id::<Element>(&format!("mark-{}", row.state.key()))
        && let Ok(copy) = mark.clone_node_with_deep(true)
        && let Some(inside) = copy.first_child()
    {
        let _ = state.append_child(&inside);
    }
    let (why, at) = (
        make("td", &[], &row.why),
        make("td", &[("class", "num nowrap")], &row.at),
    );
    put(make("tr", &[], ""), [who, Some(state), why, at])
}

/// What the page says below the bar: why nothing goes out, or that nobody has to wait for it.
pub fn note(progress: &Progress) -> String {
    match &progress.problem {
        Some(problem) if progress.paused => match &progress.again_at {
            Some(at) => format!("{problem} It is tried again at {at}."),
            None => format!("{problem} Nothing goes out until somebody resumes it."),
        },
        _ => {
            let words = "You can leave this page. Sending carries on. The list of customers is fixed now.";
            match &progress.waits {
                Some(waits) => format!("{words} {waits}"),
                None => words.to_owned(),
            }
        }
    }
}

/// The headline of a send.
pub fn heading(progress: &Progress) -> String {
    let tally = &progress.tally;
    match progress.state {
        SendState::Holding | SendState::Sending => {
            let word = if progress.paused { "Paused" } else { "Sending" };
            format!("{word} — {} of {}", grouped(tally.settled()), grouped(tally.audience()))
        }
        SendState::Done => at_the_end(tally, &progress.replies_to),
        SendState::Reverted | SendState::Cancelled => "Sending stopped".to_owned(),
    }
}

fn quarter(tally: &Tally) -> i64 {
    4 * tally.settled() / tally.audience().max(1)
}

fn speak_now_and_then(live: &Live, tally: &Tally) {
    let now = js_sys::Date::now();
    let (said_at, said_quarter) = live.said.get();
    if quarter(tally) > said_quarter || now - said_at >= SPEAK_EVERY {
        live.said.set((now, quarter(tally)));
        let words = format!(
            "Sending, {} of {}.",
            grouped(tally.settled()),
            grouped(tally.audience())
        );
        say("progress-said", &words);
    }
}

/// From the pace since the page was opened; nothing while there is too little to tell.
fn time_left(live: &Live, tally: &Tally) -> String {
    let (began, settled_then) = live.began;
    let elapsed = ((js_sys::Date::now() - began) / 1000.0) as i64;
    let done = tally.settled() - settled_then;
    if elapsed < 4 || done <= 0 {
        return String::new();
    }
    match tally.waiting * elapsed / done {
        ..20 => "a few seconds left".to_owned(),
        20..90 => "about a minute left".to_owned(),
        left @ 90..5400 => format!("about {} minutes left", (left + 30) / 60),
        left => format!("about {} hours left", (left + 1800) / 3600),
    }
}

fn seconds(n: i64) -> String {
    let noun = if n == 1 { "second" } else { "seconds" };
    format!("{n} {noun}")
}

fn reload() {
    let _ = window().location().reload();
}
