//! The page on which somebody says what the columns of a file are.

use axum::{http::StatusCode, response::Response};
use leptos::prelude::*;

use super::import_report;
use crate::{
    customers::{
        dates::DayOrder,
        import::{Field, Mapping, Preview, Report, upload::Upload},
    },
    error::Problem,
    server::page_request::StaffRequest,
    ui::{
        components::{Banner, Crumbs, ErrorSummary, PageHead, Tone},
        page::Page,
        shell::Nav,
    },
};

/// The value of a choice that nobody has made.
pub(super) const UNDECIDED: &str = "undecided";

/// What there is to say above the columns.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// What has to be mended first.
    pub problems: Vec<Problem>,
    /// Columns of days that could be read both ways.
    pub unclear: Vec<String>,
    /// What importing would do.
    pub report: Option<Report>,
}

impl Asked {
    pub(super) fn of(problems: Vec<Problem>) -> Self {
        Self {
            problems,
            ..Self::default()
        }
    }
}

/// The columns of the file with what each is, and what the whole file is.
pub(super) async fn mapping_page(staff: StaffRequest, upload: Upload, preview: Preview, asked: Asked) -> Response {
    let status = match asked.problems.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let page = Page::new("Import customers", Nav::Customers, move || {
        let path = format!("/customers/import/{}", upload.token());
        let words = format!(
            "{}: a {}, {} kB. Say what each column is, then check the file.",
            upload.about.file_name,
            preview.mapping.kind.label(),
            preview.bytes.div_ceil(1024)
        );
        let checked = asked.report.is_some();
        let errors = format!("{path}/errors.csv");
        let warning = preview.mapping.warning();
        let lines: Vec<_> = (0..preview.mapping.columns.len()).map(|at| column(&preview, at)).collect();
        // The file is checked first; once it is, importing is the next step.
        let (check, import) = if checked { ("btn", "btn primary") } else { ("btn primary", "btn") };
        view! {
            <Crumbs links=vec![("Customers", "/customers"), ("Import", "/customers/import")] here=upload.about.file_name.clone()/>
            <ErrorSummary problems=asked.problems/>
            <PageHead title="Import customers" words=words/>
            {warning.map(|title| view! {
                <Banner tone=Tone::Warning title=title><p>"Choose the column below if there is one."</p></Banner>
            })}
            {asked.report.map(|report| import_report::dry_run(&report, errors))}
            <form method="post" action=path novalidate>
                <div class="card scroll" role="region" tabindex="0" aria-label="Columns table">
                    <table class="table fold" role="table">
                        <caption class="vh">"Columns of the file"</caption>
                        <thead role="rowgroup">
                            <tr role="row">
                                <th scope="col" role="columnheader">"Column"</th>
                                <th scope="col" role="columnheader">"First rows"</th>
                                <th scope="col" role="columnheader">"What it is"</th>
                            </tr>
                        </thead>
                        <tbody role="rowgroup">{lines}</tbody>
                    </table>
                </div>
                {days(&preview.mapping, &asked.unclear)}
                {unsubscribed(&preview.mapping)}
                <div class="acts">
                    <button class=check type="submit" name="intent" value="check">"Check the file"</button>
                    <button class=import type="submit" name="intent" value="import">"Import"</button>
                    <a class="btn quiet" href="/customers/import">"Choose another file"</a>
                </div>
            </form>
        }
        .into_any()
    })
    .with_status(status);
    staff.show(page).await
}

fn column(preview: &Preview, at: usize) -> AnyView {
    let mapping = &preview.mapping;
    let name = mapping.columns.get(at).cloned().unwrap_or_default();
    let shown = if name.is_empty() {
        format!("Column {}", at + 1)
    } else {
        name
    };
    let chosen = mapping.fields.get(at).copied().flatten();
    let undecided = mapping.undecided.contains(&at);
    let options: Vec<_> = Field::ALL
        .into_iter()
        .map(|field| view! { <option value=field.key() selected=chosen == Some(field)>{field.label()}</option> })
        .collect();
    let id = format!("field-{at}");
    let error = format!("field-{at}-error");
    let described = undecided.then(|| error.clone());
    view! {
        <tr role="row">
            <th scope="row" role="rowheader" class="whole" id=format!("column-{at}")>{shown}</th>
            <td role="cell" class="whole"><span class="hint">{samples(preview, at)}</span></td>
            <td role="cell" class="whole">
                {undecided.then(|| view! {
                    <p class="error" id=error>
                        "This column may say who wants no email. Say what it is: somebody who unsubscribed must not be written to."
                    </p>
                })}
                <select id=id name="field" aria-labelledby=format!("column-{at}") aria-describedby=described
                    aria-invalid=undecided.then_some("true")>
                    {undecided.then(|| view! { <option value=UNDECIDED selected=true>"Choose what it is"</option> })}
                    <option value="" selected=chosen.is_none() && !undecided>"Leave out"</option>
                    {options}
                </select>
            </td>
        </tr>
    }
    .into_any()
}

/// A few different cells of a column.
fn samples(preview: &Preview, at: usize) -> String {
    let mut samples: Vec<String> = Vec::new();
    for row in &preview.rows {
        let cell = row.get(at).map(|c| crate::text::clean(c)).unwrap_or_default();
        let cell: String = cell.chars().take(40).collect();
        if !cell.is_empty() && !samples.contains(&cell) {
            samples.push(cell);
        }
    }
    samples.truncate(3);
    samples.join(" · ")
}

/// Whether the day or the month comes first, where it makes a difference.
fn days(mapping: &Mapping, unclear: &[String]) -> Option<AnyView> {
    let asks = !unclear.is_empty();
    if !asks && mapping.day_order.is_none() {
        return None;
    }
    let option = |value: &'static str, words: &'static str, order: Option<DayOrder>| {
        view! { <option value=value selected=mapping.day_order == order>{words}</option> }
    };
    let hint = match asks {
        true => format!("In {} nothing shows which comes first.", unclear.join(", ")),
        false => "For columns that don't show it themselves.".to_owned(),
    };
    Some(
        view! {
            <div class="field">
                <label for="days">"Days such as 3/4/1980"</label>
                <p class="hint" id="days-hint">{hint}</p>
                <select id="days" name="days" aria-describedby="days-hint" aria-invalid=asks.then_some("true")>
                    {option("", "Choose what comes first", None)}
                    {option("day_first", "The day comes first: 3 April", Some(DayOrder::DayFirst))}
                    {option("month_first", "The month comes first: March 4", Some(DayOrder::MonthFirst))}
                </select>
            </div>
        }
        .into_any(),
    )
}

/// A file of people who left another program's list.
fn unsubscribed(mapping: &Mapping) -> AnyView {
    view! {
        <div class="field check">
            <input type="checkbox" id="unsubscribed" name="unsubscribed" value="yes" checked=mapping.unsubscribed/>
            <label for="unsubscribed">"Everybody in this file has unsubscribed from marketing email"</label>
        </div>
    }
    .into_any()
}
