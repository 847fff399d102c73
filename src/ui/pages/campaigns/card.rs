//! One campaign on the list.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use super::list::came_back;
use crate::{
    campaigns::{list::CampaignCard, model::CampaignStatus, queries::UNTITLED},
    text::grouped,
    time,
    ui::components::{Badge, Mark, Marked},
};

/// Characters of a name or a subject: more than may be sent, for drafts with too much.
const SHOWN: usize = 200;

/// Status, name and subject; who it is for; the numbers; when; and what can be done with it.
pub fn view(card: CampaignCard, now: DateTime<Utc>, zone: Tz, may_send: bool) -> AnyView {
    let id = card.id;
    let name_id = format!("c{id}-name");
    let overdue = card.is_overdue(now).then(|| view! { " "<Badge mark=Mark::Overdue/> });
    let back = came_back(&card).map(|(mark, word)| view! { " "<Badge mark word/> });
    let changed = card
        .has_drifted
        .then(|| view! { " "<Badge mark=Mark::Unconfirmed word="Audience changed"/> });
    // Two drafts without a name are told apart by when they were begun.
    let name = match card.name.as_str() {
        UNTITLED => format!("{UNTITLED}, {}", time::today_or_day(card.created_at, now, zone)),
        _ => card.name.clone(),
    };
    let sent = card.outcome.map(|o| o.sent);
    let failed = card.outcome.map(|o| o.failed);
    let when = when(&card, now, zone);
    let actions = may_send.then(|| actions(id, card.status));
    view! {
        <li>
            <article class="card campaign" aria-labelledby=name_id.clone()>
                <div>
                    <p class="badges"><Badge mark=card.status/>{overdue}{back}{changed}</p>
                    <h2 id=name_id.clone()><a href=format!("/marketing/campaigns/{id}")>{short(&name)}</a></h2>
                    <p class="hint"><Marked text=short(&card.subject)/></p>
                </div>
                <p>{card.audience}</p>
                <dl>
                    {number("Customers", card.customers)}
                    {number("Sent", sent)}
                    {number("Failed", failed)}
                </dl>
                <div class="when">{when}</div>
                {actions}
            </article>
        </li>
    }
    .into_any()
}

/// As much of a name or a subject as a list needs.
fn short(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default().trim_end()),
        None => text.to_owned(),
    }
}

fn number(label: &'static str, n: Option<i64>) -> AnyView {
    let figure = match n {
        Some(n) => grouped(n).into_any(),
        None => view! { <span aria-hidden="true">"—"</span><span class="vh">"not yet"</span> }.into_any(),
    };
    view! { <div><dt>{label}</dt><dd>{figure}</dd></div> }.into_any()
}

fn when(card: &CampaignCard, now: DateTime<Utc>, zone: Tz) -> AnyView {
    let machine = |at: DateTime<Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    // Breaks between the day and the clock, never within either.
    let two_lines = |at: DateTime<Utc>, first: String, second: String| {
        let first = match first.split_once(", ") {
            Some((day, rest)) => {
                view! { <span class="part">{format!("{day},")}</span>" "<span class="part">{rest.to_owned()}</span> }
                    .into_any()
            }
            None => first.into_any(),
        };
        view! { <time datetime=machine(at)>{first}</time><br/><span class="hint">{second}</span> }.into_any()
    };
    match (card.status, card.scheduled_at, card.started_at, card.sent_at) {
        (CampaignStatus::Scheduled, Some(at), _, _) | (CampaignStatus::Sent, _, _, Some(at)) => {
            two_lines(at, time::absolute(at, zone), time::relative(at, now))
        }
        (CampaignStatus::Sending, _, Some(at), _) => {
            let outcome = card.outcome.unwrap_or_default();
            let settled = outcome.sent + outcome.failed;
            let percent = 100 * settled / outcome.customers.max(1);
            view! {
                <time datetime=machine(at)>{format!("Started {}", time::clock(at, zone))}</time>
                <progress class="mini" max="100" value=percent.to_string() aria-label="Sent so far"></progress>
            }
            .into_any()
        }
        _ => two_lines(
            card.updated_at,
            format!("Edited {}", time::today_or_day(card.updated_at, now, zone)),
            format!("by {}", card.updated_by),
        ),
    }
}

/// A locked campaign keeps its Edit: it leads to the page that says why, and offers a copy.
fn actions(id: i64, status: CampaignStatus) -> AnyView {
    let locked = match status {
        CampaignStatus::Sending => Some("Locked: already sending"),
        CampaignStatus::Sent => Some("Locked: already sent"),
        _ => None,
    };
    let lock_id = format!("c{id}-lock");
    let lock = locked.map(|_| {
        view! {
            <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.3">
                <rect x="2.2" y="5.2" width="7.6" height="5.3" rx="1"/>
                <path d="M4 5.2V3.8a2 2 0 0 1 4 0v1.4"/>
            </svg>
        }
    });
    let deletes = (status != CampaignStatus::Sending).then(|| {
        view! {
            <form method="get" action=format!("/marketing/campaigns/{id}/delete")>
                <button class="btn sm quiet" type="submit">"Delete"</button>
            </form>
        }
    });
    view! {
        <div class="acts">
            <a class="btn sm" href=format!("/marketing/campaigns/{id}/edit") aria-describedby=locked.map(|_| lock_id.clone())>
                {lock}"Edit"
            </a>
            {locked.map(|words| view! { <span id=lock_id.clone() hidden>{words}</span> })}
            <form method="post" action="/api/campaigns/duplicate">
                <input type="hidden" name="id" value=id.to_string()/>
                <button class="btn sm" type="submit">"Duplicate"</button>
            </form>
            {deletes}
        </div>
    }
    .into_any()
}
