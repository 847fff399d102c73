//! The seconds in which a send can be taken back, and the send itself, as the server draws them.
//! Two islands wake them where scripts run; both buttons are plain forms, and the server alone
//! decides what was in time.

use leptos::prelude::*;

use crate::{
    communications::model::{MessageState, Tally},
    recipients::model::grouped,
    sends::{
        model::{Progress, ProgressRow},
        words::people,
    },
    ui::{
        components::{Badge, Tone},
        islands::progress::{WakeHold, WakeProgress, heading, note},
    },
};

/// The bar with Undo.
pub fn hold_bar(send_id: i64, customers: i64, seconds: i64, at: &str) -> AnyView {
    let send = send_id.to_string();
    view! {
        <section class="hold" aria-label="Sending soon" tabindex="-1" autofocus>
            <p role="timer" aria-live="off">
                {format!("Sending to {}", people(customers))}<b id="hold-when">{format!(" at {at}.")}</b>
            </p>
            <div class="acts">
                <form method="post" action="/api/sends/undo">
                    <input type="hidden" name="send_id" value=send.clone()/>
                    <button class="btn primary" type="submit">"Undo"</button>
                </form>
                <form method="post" action="/api/sends/go">
                    <input type="hidden" name="send_id" value=send/>
                    <button class="btn" type="submit">"Send immediately"</button>
                </form>
            </div>
            <p class="vh" role="status" id="hold-said"></p>
            <WakeHold customers seconds/>
        </section>
    }
    .into_any()
}

/// How far a send is, and what somebody who may can do about it. With the address of its page it
/// also shows the newest outcomes.
pub fn progress(send_id: i64, start: &Progress, may_halt: bool, rows_of: Option<String>) -> AnyView {
    let tally = start.tally;
    let number = |id: &'static str, label: &'static str, n: i64| {
        view! { <div><dt>{label}</dt><dd class="n" id=id>{grouped(n)}</dd></div> }
    };
    let settled = tally.settled();
    let rows = rows_of.map(|path| newest_rows(&tally, &start.newest, &path));
    let paused = if start.paused { "true" } else { "false" };
    let acts = may_halt.then(|| halting(send_id));
    view! {
        <div class="stack">
            <section class="card pad" id="sending" data-paused=paused aria-labelledby="progress-title">
                <div class="sending-head">
                    <h2 id="progress-title">{heading(start)}</h2>
                    <span class="hint num" id="progress-eta"></span>
                </div>
                <progress id="progress-bar" aria-labelledby="progress-title" max=tally.audience().max(1).to_string()
                    value=settled.to_string()></progress>
                <p class="hint" id="progress-note">{note(start)}</p>
                {acts}
                <p class="vh" role="status" id="progress-said"></p>
            </section>
            <div class="banner warning" id="progress-failed" role="status" hidden>
                {Tone::Warning.icon()}
                <div>
                    <h2 id="progress-failed-words"></h2>
                    <p><a href="?show=failed#people">"Review these customers"</a></p>
                </div>
            </div>
            <dl class="stats">
                {number("n-sent", "Sent", tally.sent)}
                {number("n-failed", "Failed", tally.failed)}
                {number("n-skipped", "Skipped", tally.skipped)}
                {number("n-waiting", "Waiting", tally.waiting)}
                {number("n-unconfirmed", "Unconfirmed", tally.unconfirmed)}
            </dl>
            {rows}
            <WakeProgress send_id settled stalled=start.stalled/>
        </div>
    }
    .into_any()
}

/// Pause or Resume, as it is at the moment, and Stop sending.
fn halting(send_id: i64) -> AnyView {
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
    .into_any()
}

fn newest_rows(tally: &Tally, newest: &[ProgressRow], path: &str) -> AnyView {
    let everyone = format!("{path}?show=everyone#people");
    let narrow = |key: &'static str, label: &'static str, n: i64| {
        let id = format!("by-{key}");
        view! { <li><a href=format!("{path}?show={key}#people")>{label}" "<span class="num" id=id>{grouped(n)}</span></a></li> }
    };
    let rows: Vec<_> = newest.iter().map(person).collect();
    // What the rows that scripts add are marked with.
    let marks: Vec<_> = [
        MessageState::Accepted,
        MessageState::Rejected,
        MessageState::Failed,
        MessageState::Unknown,
    ]
    .into_iter()
    .map(|state| view! { <span id=format!("mark-{}", state.key())><Badge mark=state/></span> })
    .collect();
    view! {
        <section id="people" aria-labelledby="people-title">
            <h2 id="people-title">"Recipients"</h2>
            <nav class="narrow" aria-label="Recipients by status">
                <ul>
                    <li><a href=path.to_owned() aria-current="true">"Newest outcomes"</a></li>
                    {narrow("everyone", "All", tally.audience() + tally.skipped)}
                    {narrow("sent", "Sent", tally.sent)}
                    {narrow("failed", "Failed", tally.failed)}
                    {narrow("skipped", "Skipped", tally.skipped)}
                    {narrow("waiting", "Waiting", tally.waiting)}
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
                    <tbody id="newest">{rows}</tbody>
                </table>
            </div>
            <div hidden>{marks}</div>
            <p class="pages">
                <a href=everyone>"Show everyone"</a>
                <a href=path.to_owned()>"Refresh"</a>
            </p>
        </section>
    }
    .into_any()
}

fn person(row: &ProgressRow) -> impl IntoView + use<> {
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
