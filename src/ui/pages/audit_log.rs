//! `/audit-log` and its CSV file.

use axum::{
    body::Body,
    http::header,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use crate::{
    audit::{
        export,
        queries::{self, Line, Wanted},
        reading,
    },
    context::actor::Permission,
    db::search::wanted,
    error::AppError,
    paths,
    server::page_request::StaffRequest,
    text::grouped,
    time::{self, Resolved},
    ui::{
        components::{Marked, PageHead, Pagination, Paging},
        page::Page,
        shell::Nav,
    },
};

const PER_PAGE: i64 = 50;

/// What the address asks for.
#[derive(Clone, Debug)]
struct Asked {
    who: String,
    action: String,
    from: String,
    to: String,
}

impl Asked {
    fn of(staff: &StaffRequest) -> Self {
        let text = |name| wanted(staff.param(name)).to_owned();
        Self {
            who: text("who"),
            action: text("action"),
            from: text("from"),
            to: text("to"),
        }
    }

    /// Days are the store's, both included. A day that is no day leaves nothing out.
    fn wanted(&self, zone: Tz) -> Wanted {
        let day = |text: &str| text.parse::<NaiveDate>().ok();
        Wanted {
            actor: self.who.clone(),
            action: self.action.clone(),
            from: day(&self.from).and_then(|day| midnight(day, zone)),
            until: day(&self.to)
                .and_then(|day| day.succ_opt())
                .and_then(|day| midnight(day, zone)),
        }
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let pairs = [
            ("who", &self.who),
            ("action", &self.action),
            ("from", &self.from),
            ("to", &self.to),
        ];
        pairs
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name, value.clone()))
            .collect()
    }
}

/// The first moment of a day where the store is. Some days begin at one o'clock.
fn midnight(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    (0..4).find_map(
        |hour| match time::resolve(day.and_time(NaiveTime::from_hms_opt(hour, 0, 0)?), zone) {
            Resolved::One(at) | Resolved::Twice(at, _) => Some(at),
            Resolved::Gap => None,
        },
    )
}

/// The log, newest first.
pub async fn show(staff: StaffRequest) -> Result<Response, AppError> {
    staff.allow(Permission::SeeAudit)?;
    let (db, store_id, zone) = (staff.db(), staff.store_id(), staff.zone());
    let asked = Asked::of(&staff);
    let wanted = asked.wanted(zone);
    let total = queries::count(db, store_id, &wanted).await?;
    let mut paging = Paging {
        page: Paging::asked(staff.param("page")),
        per_page: PER_PAGE,
        total,
    };
    paging.page = paging.page.min(paging.last());
    let lines = queries::page(db, store_id, &wanted, PER_PAGE, (paging.page - 1) * PER_PAGE).await?;
    let actors = queries::actors(db, store_id).await?;
    let actions = queries::actions(db, store_id).await?;
    let page = Page::new("Audit log", Nav::Audit, move || {
        let words = match total {
            1 => "1 entry".to_owned(),
            n => format!("{} entries", grouped(n)),
        };
        let pairs: Vec<String> = asked
            .query()
            .iter()
            .map(|(name, value)| format!("{name}={}", paths::encode(value)))
            .collect();
        let csv = format!("/audit-log.csv?{}", pairs.join("&"));
        let query = asked.query();
        view! {
            <PageHead title="Audit log" words="Who did what, when. Nothing here can be changed or removed.">
                <a class="btn" href=csv download="">"Download CSV"</a>
            </PageHead>
            {filters(&asked, actors, actions)}
            {match lines.is_empty() {
                true => view! { <p role="status">"Nothing yet for these filters."</p> }.into_any(),
                false => view! {
                    {table(lines, zone)}
                    <Pagination paging path="/audit-log" query words/>
                }.into_any(),
            }}
        }
        .into_any()
    });
    Ok(staff.show(page).await)
}

fn filters(asked: &Asked, actors: Vec<String>, actions: Vec<String>) -> AnyView {
    let options = |all: Vec<String>, chosen: &str, words: fn(&str) -> String| -> Vec<AnyView> {
        all.into_iter()
            .map(|one| {
                let (selected, words) = (one == chosen, words(&one));
                view! { <option value=one selected=selected>{words}</option> }.into_any()
            })
            .collect()
    };
    let actors = options(actors, &asked.who, str::to_owned);
    let actions = options(actions, &asked.action, reading::action_words);
    view! {
        <form class="filters" method="get" action="/audit-log" role="search" aria-label="Audit log">
            <div>
                <label for="who">"Who"</label>
                <select id="who" name="who"><option value="">"Everyone"</option>{actors}</select>
            </div>
            <div>
                <label for="action">"Action"</label>
                <select id="action" name="action"><option value="">"Everything"</option>{actions}</select>
            </div>
            <div>
                <label for="from">"From"</label>
                <input id="from" name="from" type="date" value=asked.from.clone()/>
            </div>
            <div>
                <label for="to">"To"</label>
                <input id="to" name="to" type="date" value=asked.to.clone()/>
            </div>
            <button class="btn" type="submit">"Show"</button>
        </form>
    }
    .into_any()
}

fn table(lines: Vec<Line>, zone: Tz) -> AnyView {
    let rows: Vec<_> = lines
        .into_iter()
        .map(|line| {
            let details = details(&line);
            let local = line.happened_at.with_timezone(&zone);
            let when = format!(
                "{}, {} {}",
                local.format("%a %-d %b %Y"),
                time::clock_seconds(line.happened_at, zone),
                local.format("%Z")
            );
            let machine = line.happened_at.to_rfc3339_opts(SecondsFormat::Secs, true);
            view! {
                <tr role="row">
                    <td role="cell" class="left">
                        <time datetime=machine>{when}</time>
                    </td>
                    <td role="cell" class="end">{line.actor}</td>
                    <td role="cell" class="whole"><Marked text=line.summary/></td>
                    <td role="cell" class="whole">{details}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <div class="card">
            <div class="scroll" tabindex="0" role="region" aria-label="Entries">
                <table class="table wide fold" role="table">
                    <caption class="vh">"Entries, newest first"</caption>
                    <thead role="rowgroup">
                        <tr role="row">
                            <th scope="col" role="columnheader">"When"</th>
                            <th scope="col" role="columnheader">"Who"</th>
                            <th scope="col" role="columnheader">"What"</th>
                            <th scope="col" role="columnheader">"Details"</th>
                        </tr>
                    </thead>
                    <tbody role="rowgroup">{rows}</tbody>
                </table>
            </div>
        </div>
    }
    .into_any()
}

fn details(line: &Line) -> Option<AnyView> {
    let differences = reading::differences(line);
    if differences.is_empty() {
        return None;
    }
    let rows: Vec<_> = differences
        .into_iter()
        .map(|d| {
            let change = format!("{} → {}", d.before, d.after);
            view! { <div><dt>{d.what}</dt><dd><Marked text=change/></dd></div> }
        })
        .collect();
    Some(
        view! {
            <details class="more">
                <summary>"Before and after"</summary>
                <dl class="facts">{rows}</dl>
            </details>
        }
        .into_any(),
    )
}

/// The same as a file, whole.
pub async fn csv(staff: StaffRequest) -> Result<Response, AppError> {
    staff.allow(Permission::SeeAudit)?;
    let wanted = Asked::of(&staff).wanted(staff.zone());
    let lines = export::csv(staff.db().clone(), staff.store_id(), wanted, staff.zone());
    let name = format!(
        "attachment; filename=\"{}-audit-log-{}.csv\"",
        staff.store.slug,
        time::today(staff.now(), staff.zone())
    );
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, Body::from_stream(lines)).into_response())
}
