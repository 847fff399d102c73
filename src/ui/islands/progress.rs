//! The seconds in which a send can be taken back, and the send itself, live.

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local};

use crate::{
    communications::model::Tally,
    recipients::model::grouped,
    sends::{
        api::send_progress,
        model::{Progress, ProgressRow, SendState},
    },
    ui::components::Badge,
};

/// Shortest pause between two questions, in milliseconds.
const FLOOR: f64 = 1000.0;
/// After a question without an answer, in milliseconds.
const LOST: f64 = 5000.0;
/// A screen reader hears how far it is at each quarter, and otherwise this often: milliseconds.
const SPEAK_EVERY: f64 = 15_000.0;

/// Counts down to the first message. Both buttons are plain forms; the server alone decides what
/// was in time.
#[island]
pub fn HoldBar(send_id: i64, customers: i64, seconds: i64, at: String) -> impl IntoView {
    let left = RwSignal::new(None::<i64>);
    let spoken = RwSignal::new(String::new());
    let people = people(customers);
    let sending_to = format!("Sending to {people}");
    Effect::new(move |_| {
        let until = js_sys::Date::now() + seconds as f64 * 1000.0;
        spoken.set(format!(
            "Sending to {} in {}. Undo is available.",
            self::people(customers),
            self::seconds(seconds)
        ));
        count_down(until, left, spoken);
    });
    let when = move || match left.get() {
        None => format!(" at {at}."),
        Some(n) => format!(" in {}.", self::seconds(n)),
    };
    view! {
        <section class="hold" aria-label="Sending soon" tabindex="-1" autofocus>
            <p role="timer" aria-live="off">{sending_to}<b>{when}</b></p>
            <div class="acts">
                <form method="post" action="/api/sends/undo">
                    <input type="hidden" name="send_id" value=send_id.to_string()/>
                    <button class="btn primary" type="submit">"Undo"</button>
                </form>
                <form method="post" action="/api/sends/go">
                    <input type="hidden" name="send_id" value=send_id.to_string()/>
                    <button class="btn" type="submit">"Send immediately"</button>
                </form>
            </div>
            <p class="vh" role="status">{move || spoken.get()}</p>
        </section>
    }
}

fn count_down(until: f64, left: RwSignal<Option<i64>>, spoken: RwSignal<String>) {
    let now = js_sys::Date::now();
    let n = ((until - now) / 1000.0).ceil() as i64;
    if n <= 0 {
        left.set(Some(0));
        // The page that follows is the same address, with the send under way.
        set_timeout(reload, Duration::from_millis(400));
        return;
    }
    if left.get_untracked() != Some(n) {
        left.set(Some(n));
        if n == 5 {
            spoken.set("5 seconds left to undo.".to_owned());
        }
    }
    set_timeout(move || count_down(until, left, spoken), Duration::from_millis(200));
}

/// What the panel shows and remembers between two answers.
#[derive(Clone, Copy)]
struct Live {
    send_id: i64,
    progress: RwSignal<Progress>,
    spoken: RwSignal<String>,
    eta: RwSignal<String>,
    lost: RwSignal<bool>,
    /// When counting began, and how many had an outcome then.
    began: StoredValue<(f64, i64)>,
    /// When something was last said, and at which quarter.
    said: StoredValue<(f64, i64)>,
}

/// How far a send is, asked again and again until it has ended. It starts from what the server
/// rendered, so the page reads the same before and without scripts. With the address of its page
/// it also shows the newest outcomes.
#[island]
pub fn SendProgress(send_id: i64, start: Progress, rows_of: Option<String>) -> impl IntoView {
    let live = Live {
        send_id,
        began: StoredValue::new((0.0, start.tally.settled())),
        said: StoredValue::new((0.0, quarter(&start.tally))),
        progress: RwSignal::new(start),
        spoken: RwSignal::new(String::new()),
        eta: RwSignal::new(String::new()),
        lost: RwSignal::new(false),
    };
    Effect::new(move |_| {
        let now = js_sys::Date::now();
        live.began.update_value(|b| b.0 = now);
        live.said.update_value(|s| s.0 = now);
        ask_later(live, FLOOR);
    });
    let tally = move || live.progress.with(|p| p.tally);
    let title = move || live.progress.with(heading);
    let note = move || {
        if live.lost.get() {
            "Couldn't reach Loupe. Sending carries on; trying again."
        } else if live.progress.with(|p| p.state.is_open()) {
            "You can leave this page. Sending carries on. The list of customers is fixed now."
        } else {
            "Everyone has an outcome."
        }
    };
    let number = move |label: &'static str, pick: fn(&Tally) -> i64| {
        view! { <div><dt>{label}</dt><dd class="n">{move || grouped(pick(&tally()))}</dd></div> }
    };
    view! {
        <div class="stack">
            <section class="card pad" aria-labelledby="progress-title">
                <div class="sending-head">
                    <h2 id="progress-title">{title}</h2>
                    <span class="hint num">{move || live.eta.get()}</span>
                </div>
                <progress aria-labelledby="progress-title" max=move || tally().audience().max(1).to_string()
                    value=move || tally().settled().to_string()></progress>
                <p class="hint">{note}</p>
                <p class="vh" role="status">{move || live.spoken.get()}</p>
            </section>
            <dl class="stats">
                {number("Sent", |t| t.sent)}
                {number("Failed", |t| t.failed)}
                {number("Skipped", |t| t.skipped)}
                {number("Waiting", |t| t.waiting)}
                {number("Unconfirmed", |t| t.unconfirmed)}
            </dl>
            {rows_of.map(|path| view! { <NewestRows live path/> })}
        </div>
    }
}

#[component]
fn NewestRows(live: Live, path: String) -> impl IntoView {
    let rows = move || live.progress.with(|p| p.newest.clone());
    let everyone = format!("{path}?show=everyone#people");
    let narrow = |key: &'static str, label: &'static str, pick: fn(&Tally) -> i64| {
        let count = move || grouped(live.progress.with(|p| pick(&p.tally)));
        view! { <li><a href=format!("{path}?show={key}#people")>{label}" "<span class="num">{count}</span></a></li> }
    };
    view! {
        <section id="people" aria-labelledby="people-title">
            <h2 id="people-title">"Recipients"</h2>
            <nav class="narrow" aria-label="Recipients by status">
                <ul>
                    <li><a href=path.clone() aria-current="true">"Newest outcomes"</a></li>
                    {narrow("everyone", "All", |t| t.audience() + t.skipped)}
                    {narrow("sent", "Sent", |t| t.sent)}
                    {narrow("failed", "Failed", |t| t.failed)}
                    {narrow("skipped", "Skipped", |t| t.skipped)}
                    {narrow("waiting", "Waiting", |t| t.waiting)}
                </ul>
            </nav>
            <div class="card scroll" role="region" tabindex="0" aria-label="Recipients table">
                <table class="table">
                    <caption class="vh">"The newest outcomes, newest first"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Customer"</th>
                            <th scope="col">"Status"</th>
                            <th scope="col">"Why"</th>
                            <th scope="col" class="num">"Time"</th>
                        </tr>
                    </thead>
                    <tbody>
                        <For each=rows key=|row| (row.message_id, row.state.key()) children=person/>
                    </tbody>
                </table>
            </div>
            <p class="pages">
                <a href=everyone>"Show everyone"</a>
                <a href=path.clone()>"Refresh"</a>
            </p>
        </section>
    }
}

fn person(row: ProgressRow) -> impl IntoView {
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/customers/{}/communications", row.customer_id)>{row.name}</a>
                <span class="hint">{row.address}</span>
            </th>
            <td><Badge mark=row.state/></td>
            <td>{row.why}</td>
            <td class="num nowrap">{row.at}</td>
        </tr>
    }
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
            Ok(progress) => {
                live.lost.set(false);
                let took = js_sys::Date::now() - asked;
                take(live, progress, took);
            }
            Err(_) => {
                live.lost.set(true);
                ask_later(live, LOST);
            }
        }
    });
}

fn take(live: Live, progress: Progress, took: f64) {
    let state = progress.state;
    let tally = progress.tally;
    live.progress.set(progress);
    match state {
        SendState::Holding | SendState::Sending => {
            live.eta.set(time_left(live, &tally));
            speak_now_and_then(live, &tally);
            // A slow answer is a busy server: ask it less.
            ask_later(live, (250.0 * took.sqrt() - 1000.0).max(FLOOR));
        }
        SendState::Done => {
            live.eta.set(String::new());
            live.spoken.set(format!(
                "Finished. {} sent, {} failed, {} skipped.",
                grouped(tally.sent),
                grouped(tally.failed),
                grouped(tally.skipped)
            ));
            // The style sheet shows on this what belongs to a finished send.
            if let Some(main) = document().get_element_by_id("main") {
                let _ = main.set_attribute("data-send", "done");
            }
        }
        // The campaign is a draft again: that is another page.
        SendState::Reverted | SendState::Cancelled => reload(),
    }
}

fn heading(progress: &Progress) -> String {
    let tally = &progress.tally;
    match progress.state {
        SendState::Holding | SendState::Sending => {
            format!(
                "Sending — {} of {}",
                grouped(tally.settled()),
                grouped(tally.audience())
            )
        }
        SendState::Done => format!("Sent to {}", people(tally.sent)),
        SendState::Reverted | SendState::Cancelled => "Sending stopped".to_owned(),
    }
}

fn quarter(tally: &Tally) -> i64 {
    4 * tally.settled() / tally.audience().max(1)
}

fn speak_now_and_then(live: Live, tally: &Tally) {
    let now = js_sys::Date::now();
    let (said_at, said_quarter) = live.said.get_value();
    if quarter(tally) > said_quarter || now - said_at >= SPEAK_EVERY {
        live.said.set_value((now, quarter(tally)));
        live.spoken.set(format!(
            "Sending, {} of {}.",
            grouped(tally.settled()),
            grouped(tally.audience())
        ));
    }
}

/// From the pace since the page was opened; nothing while there is too little to tell.
fn time_left(live: Live, tally: &Tally) -> String {
    let (began, settled_then) = live.began.get_value();
    let elapsed = (js_sys::Date::now() - began) / 1000.0;
    let done = tally.settled() - settled_then;
    if elapsed < 4.0 || done <= 0 {
        return String::new();
    }
    let left = tally.waiting as f64 * elapsed / done as f64;
    match left {
        _ if left < 20.0 => "a few seconds left".to_owned(),
        _ if left < 90.0 => "about a minute left".to_owned(),
        _ if left < 5400.0 => format!("about {} minutes left", (left / 60.0).round()),
        _ => format!("about {} hours left", (left / 3600.0).round()),
    }
}

fn people(n: i64) -> String {
    let noun = if n == 1 { "customer" } else { "customers" };
    format!("{} {noun}", grouped(n))
}

fn seconds(n: i64) -> String {
    let noun = if n == 1 { "second" } else { "seconds" };
    format!("{n} {noun}")
}

fn reload() {
    let _ = window().location().reload();
}
