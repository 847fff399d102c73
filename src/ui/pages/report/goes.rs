//! A campaign that went out in several goes: one line for each, with its own numbers, rows and file.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use crate::{
    messages::model::Tally,
    sends::{model::SendState, queries::SendRecord},
    text::grouped,
    time,
};

/// One go with its numbers.
#[derive(Clone, Debug)]
pub struct Go {
    pub send: SendRecord,
    pub tally: Tally,
}

/// The table; `path` is the campaign's page.
pub fn view(goes: &[Go], path: &str, zone: Tz) -> Option<AnyView> {
    if goes.len() < 2 {
        return None;
    }
    let rows: Vec<_> = goes.iter().enumerate().map(|(n, go)| line(n, go, path, zone)).collect();
    let title = format!("Sent in {} goes", number(goes.len()));
    Some(
        view! {
            <section id="goes" aria-labelledby="goes-title">
                <h2 id="goes-title">{title}</h2>
                <div class="card scroll" role="region" tabindex="0" aria-label="Goes table">
                    <table class="table fold" role="table">
                        <caption class="vh">"Each go of this campaign, the first at the top"</caption>
                        <thead role="rowgroup">
                            <tr role="row">
                                <th scope="col" role="columnheader">"Go"</th>
                                <th scope="col" role="columnheader" class="num">"Customers"</th>
                                <th scope="col" role="columnheader" class="num">"Sent"</th>
                                <th scope="col" role="columnheader" class="num">"Failed"</th>
                                <th scope="col" role="columnheader" class="r">"Rows"</th>
                            </tr>
                        </thead>
                        <tbody role="rowgroup">{rows}</tbody>
                    </table>
                </div>
            </section>
        }
        .into_any(),
    )
}

fn line(n: usize, go: &Go, path: &str, zone: Tz) -> AnyView {
    let Go { send, tally } = go;
    let cell = |class: &'static str, people: i64, unit: &'static str| {
        view! { <td role="cell" class=class>{grouped(people)}<span class="unit">{unit}</span></td> }
    };
    let open = format!("{path}?go={}", send.id);
    let file = format!("/sends/{}/recipients.csv", send.id);
    let which = format!(" of go {}", n + 1);
    view! {
        <tr role="row">
            <th scope="row" role="rowheader" class="whole">
                <a href=open>{when(send.started_at, zone)}</a>
                <span class="hint">{what(n, send, tally)}</span>
            </th>
            {cell("num left", tally.audience(), " customers")}
            {cell("num", tally.sent, " sent")}
            {cell("num left", tally.failed, " failed")}
            <td role="cell" class="r end"><a href=file download>"CSV"<span class="vh">{which}</span></a></td>
        </tr>
    }
    .into_any()
}

fn when(at: DateTime<Utc>, zone: Tz) -> String {
    time::absolute(at, zone)
}

/// `Stopped after 462 of 1,044: Priya stopped it.`
fn what(n: usize, send: &SendRecord, tally: &Tally) -> String {
    let meant = tally.audience() + tally.cancelled;
    let mut words = match send.state {
        SendState::Holding | SendState::Sending => {
            format!("Sending, {} of {} so far", grouped(tally.settled()), grouped(meant))
        }
        SendState::Reverted => {
            let why = send.problem.clone().unwrap_or_default();
            let after = format!("Stopped after {} of {}", grouped(tally.settled()), grouped(meant));
            if why.is_empty() {
                after
            } else {
                format!("{after}: {why}")
            }
        }
        SendState::Done | SendState::Cancelled if n == 0 => format!("Sent by {}", send.started_by),
        SendState::Done | SendState::Cancelled => {
            format!("Sent to {} more by {}", grouped(meant), send.started_by)
        }
    };
    for (people, what) in [(tally.unconfirmed, "unconfirmed"), (tally.already, "already had it")] {
        if people > 0 {
            words.push_str(&format!(" · {} {what}", grouped(people)));
        }
    }
    words
}

/// `two`
pub fn number(n: usize) -> String {
    match n {
        2 => "two".to_owned(),
        3 => "three".to_owned(),
        4 => "four".to_owned(),
        n => n.to_string(),
    }
}
