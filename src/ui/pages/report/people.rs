//! Everyone of a send, with what came of it for each.

use leptos::prelude::*;

use super::{
    Report,
    load::FIRST,
    unconfirmed::{self, About},
};
use crate::{
    messages::{model::MessageState, people::RecipientRow, timeline::PAGE},
    recipients::model::SkipReason,
    text::grouped,
    time,
    ui::components::{Badge, Pagination, Paging},
};

/// Links that narrow the list, the list, and its pages.
pub fn view(report: Report) -> AnyView {
    let address = &report.address;
    let narrow = narrowing(&report);
    let here = address.with(&[("show", &report.show)], "people");
    let refresh = report
        .is_live()
        .then(|| view! { <a class="btn sm" href=here>"Refresh"</a> });
    let words = match report.total {
        1 => "1 customer".to_owned(),
        n => format!("{} customers", grouped(n)),
    };
    let below = match report.show.as_str() {
        // The first few of all.
        "" => (report.total > FIRST).then(|| {
            let all = address.with(&[("show", "everyone")], "people");
            view! { <p class="all-rows"><a class="btn sm" href=all>{format!("All {}", grouped(report.total))}</a></p> }
                .into_any()
        }),
        _ => {
            let paging = Paging {
                page: report.page,
                per_page: PAGE,
                total: report.total,
            };
            let mut query = address.pairs();
            query.push(("show", report.show.clone()));
            Some(view! { <Pagination paging path=address.path().to_owned() query words/> }.into_any())
        }
    };
    let file = match (report.send.campaign_id, report.goes.len() > 1) {
        (Some(campaign), true) => format!("/marketing/campaigns/{campaign}/recipients.csv"),
        _ => format!("/sends/{}/recipients.csv", report.send.id),
    };
    let settles = report.may_send.then_some(report.token);
    let rows: Vec<_> = report
        .rows
        .into_iter()
        .map(|row| line(row, report.zone, settles.as_ref()))
        .collect();
    let list = if rows.is_empty() {
        view! { <p class="hint">"Nobody."</p> }.into_any()
    } else {
        view! {
            <div class="card scroll" role="region" tabindex="0" aria-label="Recipients table">
                <table class="table fold people" role="table">
                    <caption class="vh">"Recipients, newest outcome first"</caption>
                    <thead role="rowgroup">
                        <tr role="row">
                            <th scope="col" role="columnheader">"Customer"</th>
                            <th scope="col" role="columnheader">"Status"</th>
                            <th scope="col" role="columnheader">"What happened"</th>
                            <th scope="col" role="columnheader" class="num">"Time"</th>
                        </tr>
                    </thead>
                    <tbody role="rowgroup">{rows}</tbody>
                </table>
            </div>
            {below}
        }
        .into_any()
    };
    view! {
        <section id="people" aria-labelledby="people-title">
            <div class="inline spread"><h2 id="people-title">"Recipients"</h2>
                <div class="acts">{refresh}<a class="btn sm" href=file download>"Download CSV"</a></div>
            </div>
            {narrow}
            {list}
        </section>
    }
    .into_any()
}

/// The links by status, each with its number.
fn narrowing(report: &Report) -> AnyView {
    let tally = &report.tally;
    // While it is sent, the bare address shows the newest outcomes.
    let watched = report.is_live() && !report.is_held();
    let newest = watched.then(|| view! { <li><a href=report.address.with(&[], "people")>"Newest outcomes"</a></li> });
    let all = tally.audience() + tally.skipped + tally.already;
    let links: Vec<_> = [
        ("everyone", "All", all),
        ("sent", "Sent", tally.sent),
        ("failed", "Failed", tally.failed),
        ("skipped", "Skipped", tally.skipped),
        ("waiting", "Waiting", tally.waiting),
        ("unconfirmed", "Unconfirmed", tally.unconfirmed),
        ("already", "Already had it", tally.already),
    ]
    .into_iter()
    .filter(|(key, _, n)| *n > 0 || matches!(*key, "everyone" | "sent" | "failed" | "skipped") || *key == report.show)
    .map(|(key, label, n)| {
        let is_here = key == report.show || (key == "everyone" && report.show.is_empty());
        let href = report.address.with(&[("show", key)], "people");
        view! {
            <li>
                <a href=href aria-current=is_here.then_some("true")>
                    {label}" "<span class="num">{grouped(n)}</span>
                </a>
            </li>
        }
    })
    .collect();
    view! { <nav class="narrow" aria-label="Recipients by status"><ul>{newest}{links}</ul></nav> }.into_any()
}

/// `settles` is there for those who may settle what was never answered: a token.
fn line(row: RecipientRow, zone: chrono_tz::Tz, settles: Option<&String>) -> AnyView {
    let why = Some(row.why()).filter(|words| !words.is_empty());
    let settle = settles
        .filter(|_| row.state == MessageState::Unconfirmed && row.resolution.is_none())
        .map(|token| {
            let about = About::One {
                message: row.message_id,
                name: &row.name,
            };
            unconfirmed::buttons(row.send_id, &about, token)
        });
    let fix = row
        .skip_reason
        .as_deref()
        .and_then(SkipReason::from_key)
        .and_then(SkipReason::fix)
        .map(|words| {
            let about = format!("{words}: {}", row.name);
            view! { " "<a href=format!("/customers/{}", row.customer_id) aria-label=about>{words}</a> }
        });
    let at = match (row.settled_at, row.next_at) {
        (Some(at), _) => {
            let machine = at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            view! { <time datetime=machine>{time::clock_seconds(at, zone)}</time> }.into_any()
        }
        (None, Some(at)) if row.reply.is_some() => {
            let again = format!("again at {}", time::clock_seconds(at, zone));
            view! { <span class="hint">{again}</span> }.into_any()
        }
        _ => ().into_any(),
    };
    view! {
        <tr role="row">
            <th scope="row" role="rowheader">
                <a href=format!("/customers/{}/communications", row.customer_id)>{row.name}</a>
                <span class="hint">{row.address.unwrap_or_else(|| "No email address".to_owned())}</span>
            </th>
            <td role="cell" class="end"><Badge mark=row.state/></td>
            <td role="cell" class="left">{why}{fix}{settle}</td>
            <td role="cell" class="num nowrap">{at}</td>
        </tr>
    }
    .into_any()
}
