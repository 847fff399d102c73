//! `/customers/import`: choose a file, say what its columns are, check it, import it.

use axum::{
    Form as Posted,
    body::Body,
    extract::{Multipart, Path, multipart::MultipartRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use futures::{StreamExt, stream};
use leptos::prelude::*;
use tokio::sync::oneshot;

use super::import_report;
use crate::{
    auth::model::Permission,
    customers::import::{
        Field, ImportProblem, Job, Mapping, Mode, Preview, Report, Spool, preview, run_file, store,
        upload::{About, Unkept, Upload},
    },
    customers::names,
    error::{AppError, Problem},
    server::visit::Staff,
    ui::{
        components::{Crumbs, ErrorSummary, PageHead},
        page::Page,
        shell::Nav,
    },
};

/// The form to choose a file with, and the latest imports.
pub async fn choose(staff: Staff) -> Result<Response, AppError> {
    staff.allow(Permission::ImportCustomers)?;
    choose_with(staff, None).await
}

async fn choose_with(staff: Staff, problem: Option<String>) -> Result<Response, AppError> {
    let latest = store::latest(staff.db(), staff.store_id()).await?;
    let (now, zone) = (staff.now(), staff.zone());
    let status = match problem {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    let page = Page::new("Import customers", Nav::Customers, move || {
        let problems: Vec<Problem> = problem.iter().map(|words| Problem::new("file", words.clone())).collect();
        let wrong = problem.clone();
        let described = if wrong.is_some() { "file-hint file-error" } else { "file-hint" };
        view! {
            <Crumbs links=vec![("Customers", "/customers")] here="Import"/>
            <ErrorSummary problems/>
            <PageHead title="Import customers"
                words="From Shopify, Square, or any CSV file whose first line names the columns. You see what will happen before anything does."/>
            <form method="post" action="/customers/import" enctype="multipart/form-data" novalidate>
                <div class="field">
                    <label for="file">"CSV file"</label>
                    <p class="hint" id="file-hint">"Up to 64 MB. Shopify and Square customer exports are recognised by themselves."</p>
                    {wrong.map(|words| view! { <p class="error" id="file-error"><span class="vh">"Error: "</span>{words}</p> })}
                    <input id="file" name="file" type="file" accept=".csv,text/csv,text/plain" aria-describedby=described
                        aria-invalid=problem.is_some().then_some("true")/>
                </div>
                <div class="acts"><button class="btn primary" type="submit">"Look at the file"</button></div>
            </form>
            {import_report::latest(latest, now, zone)}
        }
        .into_any()
    })
    .with_status(status);
    Ok(staff.show(page).await)
}

/// Takes a file in, as a stream.
pub async fn bring(staff: Staff, form: Result<Multipart, MultipartRejection>) -> Result<Response, AppError> {
    staff.allow(Permission::ImportCustomers)?;
    let Ok(mut form) = form else {
        return choose_with(staff, Some("Choose a CSV file".to_owned())).await;
    };
    match take_in(&staff, &mut form).await {
        Ok(token) => Ok(Redirect::to(&format!("/customers/import/{token}")).into_response()),
        Err(words) => choose_with(staff, Some(words)).await,
    }
}

async fn take_in(staff: &Staff, form: &mut Multipart) -> Result<String, String> {
    let broken = || "The file didn't arrive whole. Choose it again.".to_owned();
    let unkept = |error: Unkept| {
        tracing::error!(error = %error, "an uploaded file could not be kept");
        "The file couldn't be kept on the server. Tell whoever runs it.".to_owned()
    };
    while let Some(mut field) = form.next_field().await.map_err(|_| broken())? {
        if field.name() != Some("file") {
            continue;
        }
        let file_name: String = names::clean(field.file_name().unwrap_or_default())
            .chars()
            .take(200)
            .collect();
        if file_name.is_empty() {
            break;
        }
        let about = About {
            store: staff.store_id(),
            file_name,
        };
        let mut incoming = Upload::begin(staff.db(), about, staff.now()).await.map_err(unkept)?;
        loop {
            let piece = match field.chunk().await {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(error) => {
                    incoming.abandon().await;
                    let too_large = error.status() == StatusCode::PAYLOAD_TOO_LARGE;
                    return Err(if too_large {
                        ImportProblem::TooLarge.to_string()
                    } else {
                        broken()
                    });
                }
            };
            if !incoming.add(&piece).await.map_err(unkept)? {
                incoming.abandon().await;
                return Err(ImportProblem::TooLarge.to_string());
            }
        }
        let upload = incoming.finish().await.map_err(unkept)?;
        let spool = upload.spool(staff.db()).await.map_err(unkept)?;
        return match preview(spool.path()).await {
            Ok(_) => Ok(upload.token().to_owned()),
            Err(problem) => {
                upload.remove(staff.db()).await.map_err(|error| unkept(error.into()))?;
                Err(words_of(&problem))
            }
        };
    }
    Err("Choose a CSV file".to_owned())
}

/// What a person is told: our own words, nothing of the system's.
fn words_of(problem: &ImportProblem) -> String {
    match problem {
        ImportProblem::Unreadable(error) => {
            tracing::error!(error = %error, "a file could not be read");
            "The file couldn't be read. Choose it again.".to_owned()
        }
        ImportProblem::Database(error) => {
            tracing::error!(error = %error, "an import failed");
            "The database didn't take it. Nothing that was reported is lost; import the file again.".to_owned()
        }
        other => other.to_string(),
    }
}

async fn upload_of(staff: &Staff, token: &str) -> Result<Upload, AppError> {
    let found = Upload::find(staff.db(), staff.store_id(), token, staff.now()).await?;
    found.ok_or(AppError::NotFound)
}

async fn preview_of(staff: &Staff, upload: &Upload) -> Result<Preview, AppError> {
    let spool = upload.spool(staff.db()).await.map_err(|e| AppError::internal(&e))?;
    preview(spool.path()).await.map_err(|e| AppError::internal(&e))
}

/// The columns of the file, what they seem to be, and its first rows.
pub async fn look(staff: Staff, Path(token): Path<String>) -> Result<Response, AppError> {
    staff.allow(Permission::ImportCustomers)?;
    let upload = upload_of(&staff, &token).await?;
    let preview = preview_of(&staff, &upload).await?;
    Ok(mapping_page(staff, upload, preview, None, None).await)
}

/// Checks the file with the columns as chosen, or imports it.
pub async fn act(
    staff: Staff,
    Path(token): Path<String>,
    Posted(pairs): Posted<Vec<(String, String)>>,
) -> Result<Response, AppError> {
    staff.allow(Permission::ImportCustomers)?;
    let Ok(upload) = upload_of(&staff, &token).await else {
        // Pressed twice: the first press has taken the file.
        return Ok(Redirect::to("/customers/import").into_response());
    };
    let mut preview = preview_of(&staff, &upload).await?;
    let fields: Vec<Option<Field>> = pairs
        .iter()
        .filter(|(name, _)| name == "field")
        .map(|(_, key)| Field::from_key(key))
        .collect();
    match preview.mapping.clone().with(fields.clone()) {
        Ok(mapping) => preview.mapping = mapping,
        Err(problem) => {
            if fields.len() == preview.mapping.fields.len() {
                preview.mapping.fields = fields;
            }
            return Ok(mapping_page(staff, upload, preview, None, Some(words_of(&problem))).await);
        }
    }
    let import = pairs.iter().any(|(name, value)| name == "intent" && value == "import");
    if import {
        return begin(staff, upload, preview.mapping).await;
    }
    match check(&staff, &upload, preview.mapping.clone()).await {
        Ok(report) => Ok(mapping_page(staff, upload, preview, Some(report), None).await),
        Err(problem) => Ok(mapping_page(staff, upload, preview, None, Some(words_of(&problem))).await),
    }
}

fn job(staff: &Staff, upload: &Upload, spool: &Spool, mapping: Mapping, mode: Mode) -> Job {
    Job {
        path: spool.path().to_path_buf(),
        file_name: upload.about.file_name.clone(),
        mapping: Some(mapping),
        mode,
        actor: staff.actor.name.clone(),
    }
}

async fn check(staff: &Staff, upload: &Upload, mapping: Mapping) -> Result<Report, ImportProblem> {
    let unkept = |error| match error {
        Unkept::Database(error) => ImportProblem::Database(error),
        Unkept::Io(error) => ImportProblem::Unreadable(error),
    };
    let spool = upload.spool(staff.db()).await.map_err(unkept)?;
    let errors = Spool::new().await?;
    let job = job(staff, upload, &spool, mapping, Mode::DryRun);
    let out = Box::new(std::io::BufWriter::new(errors.handle().await?));
    let clock = &staff.visit.state.clock;
    let report = run_file(staff.db(), &staff.store, &job, clock, Some(out), |_| {}).await?;
    upload.keep_errors(staff.db(), errors).await.map_err(unkept)?;
    Ok(report)
}

/// Starts the import and goes to its page. It goes on when the person goes elsewhere.
async fn begin(staff: Staff, upload: Upload, mapping: Mapping) -> Result<Response, AppError> {
    let Some(spool) = upload.claim(staff.db()).await.map_err(|e| AppError::internal(&e))? else {
        return Ok(Redirect::to("/customers/import").into_response());
    };
    let job = job(&staff, &upload, &spool, mapping, Mode::Apply);
    let (state, of) = (staff.visit.state.clone(), staff.store.clone());
    let (begun, began) = oneshot::channel::<Result<i64, String>>();
    tokio::spawn(async move {
        let mut begun = Some(begun);
        let done = run_file(&state.db, &of, &job, &state.clock, None, |p| {
            if let (Some(id), Some(begun)) = (p.import_id, begun.take()) {
                // Nobody waits any more: the import goes on all the same.
                let _ = begun.send(Ok(id));
            }
        })
        .await;
        if let Err(problem) = done {
            let words = words_of(&problem);
            if let Some(begun) = begun.take() {
                let _ = begun.send(Err(words));
            }
        }
        drop(spool);
    });
    match began.await {
        Ok(Ok(id)) => Ok(Redirect::to(&format!("/customers/imports/{id}")).into_response()),
        Ok(Err(words)) => choose_with(staff, Some(words)).await,
        Err(error) => Err(AppError::internal(&error)),
    }
}

/// The error file of a check.
pub async fn check_errors(staff: Staff, Path(token): Path<String>) -> Result<Response, AppError> {
    staff.allow(Permission::ImportCustomers)?;
    let upload = upload_of(&staff, &token).await?;
    let db = staff.db().clone();
    let first = upload.errors_piece(&db, 0).await?.ok_or(AppError::NotFound)?;
    let rest = stream::try_unfold((upload, db, 1), |(upload, db, place)| async move {
        let piece = upload.errors_piece(&db, place).await?;
        Ok::<_, sqlx::Error>(piece.map(|piece| (piece, (upload, db, place + 1))))
    });
    let pieces = stream::once(async { Ok(first) }).chain(rest);
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"rows-to-mend.csv\""),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

async fn mapping_page(
    staff: Staff,
    upload: Upload,
    preview: Preview,
    report: Option<Report>,
    problem: Option<String>,
) -> Response {
    let status = match problem {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    let page = Page::new("Import customers", Nav::Customers, move || {
        let problems: Vec<Problem> = problem.iter().map(|words| Problem::new("field-0", words.clone())).collect();
        let path = format!("/customers/import/{}", upload.token());
        let words = format!(
            "{}: a {}, {} kB. Say what each column is, then check the file.",
            upload.about.file_name,
            preview.mapping.kind.label(),
            preview.bytes.div_ceil(1024)
        );
        let checked = report.is_some();
        let errors = format!("{path}/errors.csv");
        let lines: Vec<_> = (0..preview.mapping.columns.len()).map(|at| column(&preview, at)).collect();
        // The file is checked first; once it is, importing is the next step.
        let (check, import) = if checked { ("btn", "btn primary") } else { ("btn primary", "btn") };
        view! {
            <Crumbs links=vec![("Customers", "/customers"), ("Import", "/customers/import")] here=upload.about.file_name.clone()/>
            <ErrorSummary problems/>
            <PageHead title="Import customers" words=words/>
            {report.map(|report| import_report::dry_run(&report, errors))}
            <form method="post" action=path novalidate>
                <div class="card scroll" role="region" tabindex="0" aria-label="Columns table">
                    <table class="table">
                        <caption class="vh">"Columns of the file"</caption>
                        <thead>
                            <tr>
                                <th scope="col">"Column"</th>
                                <th scope="col">"First rows"</th>
                                <th scope="col">"What it is"</th>
                            </tr>
                        </thead>
                        <tbody>{lines}</tbody>
                    </table>
                </div>
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
    let name = preview.mapping.columns.get(at).cloned().unwrap_or_default();
    let shown = if name.is_empty() {
        format!("Column {}", at + 1)
    } else {
        name
    };
    let chosen = preview.mapping.fields.get(at).copied().flatten();
    let mut samples: Vec<String> = Vec::new();
    for row in &preview.rows {
        let cell: String = row
            .get(at)
            .map(|c| names::clean(c))
            .unwrap_or_default()
            .chars()
            .take(40)
            .collect();
        if !cell.is_empty() && !samples.contains(&cell) {
            samples.push(cell);
        }
    }
    samples.truncate(3);
    let options: Vec<_> = Field::ALL
        .into_iter()
        .map(|field| view! { <option value=field.key() selected=chosen == Some(field)>{field.label()}</option> })
        .collect();
    let id = format!("field-{at}");
    view! {
        <tr>
            <th scope="row" id=format!("column-{at}")>{shown}</th>
            <td><span class="hint">{samples.join(" · ")}</span></td>
            <td>
                <select id=id name="field" aria-labelledby=format!("column-{at}")>
                    <option value="" selected=chosen.is_none()>"Leave out"</option>
                    {options}
                </select>
            </td>
        </tr>
    }
    .into_any()
}
