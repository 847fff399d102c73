//! A send under way: one view, drawn by the server with the page, that asks again and again until
//! the send has ended.

use std::time::Duration;

use leptos::prelude::*;

use crate::{
    messages::model::Tally,
    sends::{
        api::send_progress,
        model::{Progress, ProgressRow, SendState},
        words::{at_the_end, many_failed},
    },
    text::grouped,
    ui::components::{Badge, Tone},
};

/// Shortest pause between two questions, in milliseconds.
const FLOOR: f64 = 1000.0;
/// After a question without an answer, in milliseconds.
const LOST: f64 = 5000.0;
/// A screen reader hears how far it is at each quarter, and otherwise this often: milliseconds.
const SPEAK_EVERY: f64 = 15_000.0;

/// How far a send is, what somebody who may can do about it, and the newest outcomes where
/// `rows_of`, the address of the page, is given.
#[island]
pub fn SendProgress(send_id: i64, start: Progress, may_halt: bool, rows_of: Option<String>) -> impl IntoView {
    let progress = RwSignal::new(start.clone());
    let lost = RwSignal::new(false);
    let time_left = RwSignal::new(String::new());
    let said = RwSignal::new(String::new());
    poll(send_id, progress, lost, time_left, said);
    let tally = Memo::new(move |_| progress.with(|progress| progress.tally));
    let paused = Memo::new(move |_| progress.with(|progress| progress.paused));
    let done = Memo::new(move |_| progress.with(|progress| progress.state == SendState::Done));
    let words = move || match lost.get() {
        true => "Couldn't reach Loupe. Sending carries on; trying again.".to_owned(),
        false => progress.with(note),
    };
    view! {
        <div class="stack" data-send=move || done.get().then_some("done")>
            <section class="card pad" id="sending" data-paused=move || paused.get().to_string() aria-labelledby="progress-title">
                <div class="sending-head">
                    <h2 id="progress-title">{move || progress.with(heading)}</h2>
                    <span class="hint num">{time_left}</span>
                </div>
                <progress aria-labelledby="progress-title" max=move || tally.get().audience().max(1).to_string()
                    value=move || tally.get().settled().to_string()></progress>
                <p class="hint">{words}</p>
                {may_halt.then(|| view! { <Halting send_id/> })}
                <p class="vh" role="status">{said}</p>
            </section>
            <ManyFailed progress/>
            <Numbers tally/>
            {rows_of.map(|path| view! { <NewestOutcomes path progress/> })}
        </div>
    }
}

/// What is remembered between two answers.
#[derive(Clone, Copy)]
struct Live {
    /// When counting began, and how many had an outcome then.
    began: (f64, i64),
    /// When something was last said, and at which quarter.
    said: (f64, i64),
}

/// Asks, and asks again after each answer. Nobody looks: nobody asks.
fn poll(
    send_id: i64,
    progress: RwSignal<Progress>,
    lost: RwSignal<bool>,
    time_left: RwSignal<String>,
    said: RwSignal<String>,
) {
    let turn = RwSignal::new(0_u32);
    let stalled = progress.with_untracked(|progress| progress.stalled);
    let answer = LocalResource::new(move || {
        let turn = turn.get();
        async move {
            if turn == 0 || document().hidden() {
                return (None, 0.0);
            }
            let asked = js_sys::Date::now();
            let answer = send_progress(send_id).await;
            (Some(answer), js_sys::Date::now() - asked)
        }
    });
    Effect::new(move |live: Option<Live>| {
        let now = js_sys::Date::now();
        let settled = || progress.with_untracked(|progress| progress.tally.settled());
        let mut live = live.unwrap_or_else(|| Live {
            began: (now, settled()),
            said: (now, 0),
        });
        let pause = match answer.get() {
            None => return live,
            Some((None, _)) => FLOOR,
            Some((Some(Err(_)), _)) => {
                lost.set(true);
                LOST
            }
            Some((Some(Ok(next)), took)) => {
                lost.set(false);
                let (state, tally) = (next.state, next.tally);
                // What can be done about it is another page.
                if !matches!(state, SendState::Done) && (!state.is_open() || next.stalled != stalled) {
                    reload();
                    return live;
                }
                progress.set(next);
                time_left.set(if state.is_open() {
                    estimate(live.began, now, &tally)
                } else {
                    String::new()
                });
                if !state.is_open() {
                    let [sent, failed, skipped] = [tally.sent, tally.failed, tally.skipped].map(grouped);
                    said.set(format!("Finished. {sent} sent, {failed} failed, {skipped} skipped."));
                    return live;
                }
                if quarter(&tally) > live.said.1 || now - live.said.0 >= SPEAK_EVERY {
                    live.said = (now, quarter(&tally));
                    said.set(format!(
                        "Sending, {} of {}.",
                        grouped(tally.settled()),
                        grouped(tally.audience())
                    ));
                }
                // A slow answer is a busy server: ask it less.
                (250.0 * took.sqrt() - 1000.0).max(FLOOR)
            }
        };
        set_timeout(move || turn.update(|n| *n += 1), Duration::from_millis(pause as u64));
        live
    });
}

/// Pause or Resume, as it is at the moment, and Stop sending.
#[component]
fn Halting(send_id: i64) -> impl IntoView {
    let form = |action: &'static str, class: &'static str, words: &'static str| {
        view! {
            <form method="post" action=action class=class>
                <input type="hidden" name="send_id" value=send_id.to_string()/>
                <button class="btn sm" type="submit">{words}</button>
            </form>
        }
    };
    view! {
        <div class="acts while-sending">
            {form("/api/sends/pause", "while-going", "Pause")}
            {form("/api/sends/resume", "while-paused", "Resume")}
            <a class="btn sm danger" href=format!("/sends/{send_id}/stop")>"Stop sending"</a>
        </div>
    }
}

/// At the end, whether more failed than usual.
#[component]
fn ManyFailed(progress: RwSignal<Progress>) -> impl IntoView {
    let words = Memo::new(move |_| {
        progress.with(|progress| match progress.state {
            SendState::Done => many_failed(&progress.tally),
            _ => None,
        })
    });
    view! {
        <div class="banner warning" role="status" hidden=move || words.with(Option::is_none)>
            {Tone::Warning.icon()}
            <div>
                <h2>{words}</h2>
                <p><a href="?show=failed#people">"Review these customers"</a></p>
            </div>
        </div>
    }
}

/// The five numbers.
#[component]
fn Numbers(tally: Memo<Tally>) -> impl IntoView {
    let number = |label: &'static str, part: fn(&Tally) -> i64| {
        view! { <div><dt>{label}</dt><dd class="n">{move || grouped(tally.with(part))}</dd></div> }
    };
    view! {
        <dl class="stats">
            {number("Sent", |tally| tally.sent)}
            {number("Failed", |tally| tally.failed)}
            {number("Skipped", |tally| tally.skipped)}
            {number("Waiting", |tally| tally.waiting)}
            {number("Unconfirmed", |tally| tally.unconfirmed)}
        </dl>
    }
}

/// The newest outcomes where the list of people would be, and the ways to all of them.
#[component]
fn NewestOutcomes(path: String, progress: RwSignal<Progress>) -> impl IntoView {
    let everyone = format!("{path}?show=everyone#people");
    let narrow = |key: &'static str, label: &'static str, part: fn(&Tally) -> i64| {
        let n = move || grouped(progress.with(|progress| part(&progress.tally)));
        view! { <li><a href=format!("{path}?show={key}#people")>{label}" "<span class="num">{n}</span></a></li> }
    };
    let rows = move || progress.with(|progress| progress.newest.iter().map(outcome).collect_view());
    view! {
        <section id="people" aria-labelledby="people-title">
            <h2 id="people-title">"Recipients"</h2>
            <nav class="narrow" aria-label="Recipients by status">
                <ul>
                    <li><a href=path.clone() aria-current="true">"Newest outcomes"</a></li>
                    {narrow("everyone", "All", |tally| tally.audience() + tally.skipped)}
                    {narrow("sent", "Sent", |tally| tally.sent)}
                    {narrow("failed", "Failed", |tally| tally.failed)}
                    {narrow("skipped", "Skipped", |tally| tally.skipped)}
                    {narrow("waiting", "Waiting", |tally| tally.waiting)}
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
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <p class="pages">
                <a href=everyone>"Show everyone"</a>
                <a href=path.clone()>"Refresh"</a>
            </p>
        </section>
    }
}

fn outcome(row: &ProgressRow) -> impl IntoView + use<> {
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/customers/{}/communications", row.customer_id)>{row.name.clone()}</a>
                <span class="hint">{row.address.clone()}</span>
            </th>
            <td><Badge mark=row.state/></td>
            <td>{row.why.clone()}</td>
            <td class="num nowrap">{row.at.clone()}</td>
        </tr>
    }
}

/// What the page says below the bar: why nothing goes out, or that nobody has to wait for it. At the
/// end the headline says it all.
fn note(progress: &Progress) -> String {
    if progress.state == SendState::Done {
        return String::new();
    }
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
fn heading(progress: &Progress) -> String {
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

/// From the pace since the page was opened; nothing while there is too little to tell.
fn estimate((began, settled_then): (f64, i64), now: f64, tally: &Tally) -> String {
    let elapsed = ((now - began) / 1000.0) as i64;
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

/// Loads the page anew: what it shows now is another one.
pub fn reload() {
    let _ = window().location().reload();
}
