//! Everyone of a send, with what came of it for each.

use leptos::prelude::*;

use super::{
    Report,
    unanswered::{self, About},
};
use crate::{
    communications::{model::MessageState, people::RecipientRow, store::PAGE},
    recipients::model::{SkipReason, grouped},
    time,
    ui::{
        components::{Badge, Pagination, Paging},
        links,
    },
};

/// Links that narrow the list, the list, and its pages.
pub fn view(report: Report) -> AnyView {
    let tally = report.tally;
    // While it is sent, the bare address shows the newest outcomes instead of everyone.
    let watched = report.is_live() && !report.is_held();
    let all = if watched { "everyone" } else { "" };
    let newest = watched.then(|| view! { <li><a href=format!("{}#people", report.path)>"Newest outcomes"</a></li> });
    let narrow: Vec<_> = [
        (all, "All", tally.audience() + tally.skipped),
        ("sent", "Sent", tally.sent),
        ("failed", "Failed", tally.failed),
        ("skipped", "Skipped", tally.skipped),
        ("waiting", "Waiting", tally.waiting),
        ("unconfirmed", "Unconfirmed", tally.unconfirmed),
    ]
    .into_iter()
    .filter(|(key, _, n)| {
        *n > 0 || matches!(*key, "" | "everyone" | "sent" | "failed" | "skipped") || *key == report.show
    })
    .map(|(key, label, n)| {
        let query = if key.is_empty() {
            String::new()
        } else {
            format!("?show={key}")
        };
        let current = (key == report.show).then_some("true");
        view! {
            <li>
                <a href=format!("{}{query}#people", report.path) aria-current=current>
                    {label}" "<span class="num">{grouped(n)}</span>
                </a>
            </li>
        }
    })
    .collect();
    let here = if report.show.is_empty() {
        format!("{}#people", report.path)
    } else {
        format!("{}?show={}#people", report.path, links::encode(&report.show))
    };
    let refresh = report
        .is_live()
        .then(|| view! { <a class="btn sm" href=here>"Refresh"</a> });
    let paging = Paging {
        page: report.page,
        per_page: PAGE,
        total: report.total,
    };
    let words = match report.total {
        1 => "1 customer".to_owned(),
        n => format!("{} customers", grouped(n)),
    };
    let query = vec![("show", report.show.clone())];
    let path = report.path.clone();
    let file = format!("/sends/{}/recipients.csv", report.send.id);
    let settles = report.may_send.then_some((report.send.id, report.token));
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
                <table class="table">
                    <caption class="vh">"Recipients, newest outcome first"</caption>
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
            <Pagination paging path query words/>
        }
        .into_any()
    };
    view! {
        <section id="people" aria-labelledby="people-title">
            <div class="inline spread"><h2 id="people-title">"Recipients"</h2>
                <div class="acts">{refresh}<a class="btn sm" href=file download>"Download CSV"</a></div>
            </div>
            <nav class="narrow" aria-label="Recipients by status"><ul>{newest}{narrow}</ul></nav>
            {list}
        </section>
    }
    .into_any()
}

/// `settles` is there for those who may settle what was never answered: the send, and a token.
fn line(row: RecipientRow, zone: chrono_tz::Tz, settles: Option<&(i64, String)>) -> AnyView {
    let why = row.why();
    let settle = settles
        .filter(|_| row.state == MessageState::Unknown && row.resolution.is_none())
        .map(|(send, token)| {
            let about = About::One {
                message: row.message_id,
                name: &row.name,
            };
            unanswered::buttons(*send, &about, token)
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
        <tr>
            <th scope="row">
                <a href=format!("/customers/{}/communications", row.customer_id)>{row.name}</a>
                <span class="hint">{row.address.unwrap_or_else(|| "No email address".to_owned())}</span>
            </th>
            <td><Badge mark=row.state/></td>
            <td>{why}{fix}{settle}</td>
            <td class="num nowrap">{at}</td>
        </tr>
    }
    .into_any()
}
