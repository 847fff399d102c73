//! What an import did, or would do: the numbers, and the rows to look at.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use crate::{
    customers::import::{Counts, Report, RowIssue, RowIssueKind, queries::ImportRow},
    text::grouped,
    ui::components::{Banner, Moment, Tone},
};

/// How many rows a page shows itself.
pub(super) const SHOWN: usize = 50;

/// What importing the file would do.
pub(super) fn dry_run(report: &Report, errors: String) -> AnyView {
    let counts = report.counts;
    let title = match counts.added + counts.updated {
        0 => "Nothing would change.".to_owned(),
        _ => format!(
            "{} would be added, {} updated.",
            people(counts.added),
            grouped(counts.updated)
        ),
    };
    let (refused, kept): (Vec<RowIssue>, Vec<RowIssue>) = report
        .told
        .iter()
        .cloned()
        .partition(|t| t.kind != RowIssueKind::ConsentRejected);
    view! {
        <section aria-labelledby="check-title">
            <Banner tone=Tone::Info title=title><p>"Nothing has been changed yet."</p></Banner>
            <h2 id="check-title">"What the file would do"</h2>
            {numbers(&counts)}
            {to_mend(refused, counts.refused + counts.noted, errors)}
            {kept_back(kept, counts.kept_back)}
        </section>
    }
    .into_any()
}

fn people(n: i64) -> String {
    match n {
        1 => "1 customer".to_owned(),
        n => format!("{} customers", grouped(n)),
    }
}

/// Every number of a run.
pub(super) fn numbers(counts: &Counts) -> AnyView {
    let fact = |name: &'static str, n: i64| view! { <dt>{name}</dt><dd class="num">{grouped(n)}</dd> };
    view! {
        <dl class="facts spaced">
            {fact("Rows read", counts.rows_read)}
            {fact("Added", counts.added)}
            {fact("Updated", counts.updated)}
            {fact("Unchanged", counts.unchanged)}
            {fact("Not imported", counts.refused)}
            {(counts.noted > 0).then(|| fact("With something to look at", counts.noted))}
            {(counts.kept_back > 0).then(|| fact("Kept as not agreed", counts.kept_back))}
        </dl>
        {counts.beyond_kept().then(|| view! { <p class="hint">"The first 10,000 rows to look at are kept, the others are counted. Mend those and import the file again."</p> })}
    }
    .into_any()
}

/// Rows that were refused or noted, with the file to mend them in.
pub(super) fn to_mend(told: Vec<RowIssue>, total: i64, errors: String) -> Option<AnyView> {
    (total > 0).then(|| {
        view! {
            <section aria-labelledby="mend-title">
                <div class="inline spread">
                    <h2 id="mend-title">"Rows to mend"</h2>
                    <a class="btn sm" href=errors download="">"Download the error file"</a>
                </div>
                <p class="hint">"Mend the rows in that file and import it again: nobody is doubled."</p>
                {table("Rows to mend", "Rows to mend table", told, total)}
            </section>
        }
        .into_any()
    })
}

/// People whose yes was not believed, or whose new address said no.
pub(super) fn kept_back(told: Vec<RowIssue>, total: i64) -> Option<AnyView> {
    (total > 0).then(|| {
        view! {
            <section aria-labelledby="kept-title">
                <h2 id="kept-title">"Kept as not agreed"</h2>
                <p class="hint">
                    "They, or somebody with their address, unsubscribed, complained or bounced before. An import never undoes that."
                </p>
                {table("Kept as not agreed", "Kept as not agreed table", told, total)}
            </section>
        }
        .into_any()
    })
}

fn table(caption: &'static str, region: &'static str, told: Vec<RowIssue>, total: i64) -> AnyView {
    let shown = told.len().min(SHOWN);
    let more = total - i64::try_from(shown).unwrap_or(total);
    let lines: Vec<_> = told
        .into_iter()
        .take(SHOWN)
        .map(|t| {
            let cells: Vec<String> = t.cells().into_iter().filter(|c| !c.trim().is_empty()).collect();
            let row: String = cells.join(" · ").chars().take(160).collect();
            view! {
                <tr role="row">
                    <th scope="row" role="rowheader" class="num"><span class="unit">"Line "</span>{t.line}</th>
                    <td role="cell" class="end">{t.column}</td>
                    <td role="cell" class="whole">{t.reason}{(t.kind == RowIssueKind::Noted).then_some(" (imported)")}</td>
                    <td role="cell" class="whole"><span class="hint">{row}</span></td>
                </tr>
            }
        })
        .collect();
    view! {
        <div class="card scroll" role="region" tabindex="0" aria-label=region>
            <table class="table fold" role="table">
                <caption class="vh">{caption}</caption>
                <thead role="rowgroup">
                    <tr role="row">
                        <th scope="col" role="columnheader">"Line"</th>
                        <th scope="col" role="columnheader">"Column"</th>
                        <th scope="col" role="columnheader">"Why"</th>
                        <th scope="col" role="columnheader">"Row"</th>
                    </tr>
                </thead>
                <tbody role="rowgroup">{lines}</tbody>
            </table>
        </div>
        {(more > 0).then(|| view! { <p class="hint">{format!("And {} more.", grouped(more))}</p> })}
    }
    .into_any()
}

/// The latest imports of the store.
pub(super) fn latest(rows: Vec<ImportRow>, now: DateTime<Utc>, zone: Tz) -> Option<AnyView> {
    if rows.is_empty() {
        return None;
    }
    let lines: Vec<_> = rows
        .into_iter()
        .map(|row| {
            view! {
                <tr>
                    <th scope="row"><a href=format!("/customers/imports/{}", row.id)>{row.file_name}</a></th>
                    <td class="nowrap"><Moment at=row.started_at now zone/></td>
                    <td>{row.started_by}</td>
                    <td class="num">{grouped(row.counts.added)}</td>
                    <td class="num">{grouped(row.counts.updated)}</td>
                    <td class="num">{grouped(row.counts.refused)}</td>
                </tr>
            }
        })
        .collect();
    Some(
        view! {
            <h2>"Latest imports"</h2>
            <div class="card scroll" role="region" tabindex="0" aria-label="Imports table">
                <table class="table">
                    <caption class="vh">"Imports, latest first"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"File"</th>
                            <th scope="col">"When"</th>
                            <th scope="col">"By"</th>
                            <th scope="col" class="num">"Added"</th>
                            <th scope="col" class="num">"Updated"</th>
                            <th scope="col" class="num">"Not imported"</th>
                        </tr>
                    </thead>
                    <tbody>{lines}</tbody>
                </table>
            </div>
        }
        .into_any(),
    )
}
