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

use super::{
    import_mapping::{Asked, UNDECIDED, mapping_page},
    import_report,
};
use crate::{
    context::actor::Permission,
    customers::{
        dates::DayOrder,
        import::{
            Choice, Field, ImportProblem, Job, Mapping, Mode, Report, Spool, preview, queries, run_file, unclear_days,
            upload::{About, Unkept, Upload},
        },
    },
    error::{AppError, Problem},
    server::page_request::StaffRequest,
    ui::{
        components::{Crumbs, ErrorSummary, PageHead},
        page::Page,
        shell::Nav,
    },
};

/// The form to choose a file with, and the latest imports.
pub async fn choose(staff: StaffRequest) -> Result<Response, AppError> {
    staff.allow(Permission::ImportCustomers)?;
    choose_with(staff, None).await
}

async fn choose_with(staff: StaffRequest, problem: Option<String>) -> Result<Response, AppError> {
    let latest = queries::latest(staff.db(), staff.store_id()).await?;
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
                    <p class="hint" id="file-hint">"Up to 64 MB. The columns of Shopify, Square, Mailchimp, Klaviyo, HubSpot, Lightspeed, WooCommerce, Xero, Google and Outlook are recognised by themselves."</p>
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
pub async fn bring(staff: StaffRequest, form: Result<Multipart, MultipartRejection>) -> Result<Response, AppError> {
    staff.allow(Permission::ImportCustomers)?;
    let Ok(mut form) = form else {
        return choose_with(staff, Some("Choose a CSV file".to_owned())).await;
    };
    match take_in(&staff, &mut form).await {
        Ok(token) => Ok(Redirect::to(&format!("/customers/import/{token}")).into_response()),
        Err(words) => choose_with(staff, Some(words)).await,
    }
}

async fn take_in(staff: &StaffRequest, form: &mut Multipart) -> Result<String, String> {
    let broken = || "The file didn't arrive whole. Choose it again.".to_owned();
    let unkept = |error: Unkept| {
        tracing::error!(error = %error, "an uploaded file could not be kept");
        "The file couldn't be kept on the server. Tell whoever runs it.".to_owned()
    };
    while let Some(mut field) = form.next_field().await.map_err(|_| broken())? {
        if field.name() != Some("file") {
            continue;
        }
        let file_name: String = crate::text::clean(field.file_name().unwrap_or_default())
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

async fn upload_of(staff: &StaffRequest, token: &str) -> Result<Upload, AppError> {
    let found = Upload::find(staff.db(), staff.store_id(), token, staff.now()).await?;
    found.ok_or(AppError::NotFound)
}

/// The file on this machine's own disk, to be read from front to back.
async fn spool_of(staff: &StaffRequest, upload: &Upload) -> Result<Spool, AppError> {
    upload.spool(staff.db()).await.map_err(|e| AppError::internal(&e))
}

/// The columns of the file, what they seem to be, and its first rows.
pub async fn look(staff: StaffRequest, Path(token): Path<String>) -> Result<Response, AppError> {
    staff.allow(Permission::ImportCustomers)?;
    let upload = upload_of(&staff, &token).await?;
    let spool = spool_of(&staff, &upload).await?;
    let preview = preview(spool.path()).await.map_err(|e| AppError::internal(&e))?;
    let unclear = unclear_days(spool.path(), &preview.mapping)
        .await
        .map_err(|e| AppError::internal(&e))?;
    let asked = Asked {
        unclear,
        ..Asked::default()
    };
    Ok(mapping_page(staff, upload, preview, asked).await)
}

/// Checks the file with the columns as chosen, or imports it.
pub async fn act(
    staff: StaffRequest,
    Path(token): Path<String>,
    Posted(pairs): Posted<Vec<(String, String)>>,
) -> Result<Response, AppError> {
    staff.allow(Permission::ImportCustomers)?;
    let Ok(upload) = upload_of(&staff, &token).await else {
        // Pressed twice: the first press has taken the file.
        return Ok(Redirect::to("/customers/import").into_response());
    };
    let spool = spool_of(&staff, &upload).await?;
    let mut preview = preview(spool.path()).await.map_err(|e| AppError::internal(&e))?;
    let mapping = match preview.mapping.clone().with(&choices(&pairs)) {
        Ok(mapping) => mapping,
        Err(problem) => {
            let problems = vec![Problem::new("field-0", words_of(&problem))];
            return Ok(mapping_page(staff, upload, preview, Asked::of(problems)).await);
        }
    };
    let is = |wanted: (&str, &str)| {
        pairs
            .iter()
            .any(|(name, value)| (name.as_str(), value.as_str()) == wanted)
    };
    preview.mapping = Mapping {
        unsubscribed: is(("unsubscribed", "yes")),
        day_order: match () {
            () if is(("days", "day_first")) => Some(DayOrder::DayFirst),
            () if is(("days", "month_first")) => Some(DayOrder::MonthFirst),
            () => None,
        },
        ..mapping
    };
    let unclear = unclear_days(spool.path(), &preview.mapping)
        .await
        .map_err(|e| AppError::internal(&e))?;
    let mut asked = Asked {
        problems: open_questions(&preview.mapping, &unclear),
        unclear,
        report: None,
    };
    if !asked.problems.is_empty() {
        return Ok(mapping_page(staff, upload, preview, asked).await);
    }
    if is(("intent", "import")) {
        return begin(staff, upload, preview.mapping).await;
    }
    match check(&staff, &upload, &spool, preview.mapping.clone()).await {
        Ok(report) => asked.report = Some(report),
        Err(problem) => asked.problems.push(Problem::new("field-0", words_of(&problem))),
    }
    Ok(mapping_page(staff, upload, preview, asked).await)
}

/// What was chosen for each column, in order.
fn choices(pairs: &[(String, String)]) -> Vec<Choice> {
    pairs
        .iter()
        .filter(|(name, _)| name == "field")
        .map(|(_, key)| match Field::from_key(key) {
            Some(field) => Choice::Field(field),
            None if key == UNDECIDED => Choice::Undecided,
            None => Choice::LeftOut,
        })
        .collect()
}

/// What has to be said before anything is imported.
fn open_questions(mapping: &Mapping, unclear: &[String]) -> Vec<Problem> {
    let mut problems: Vec<Problem> = Vec::new();
    if let Err(problem) = mapping.check() {
        problems.push(Problem::new("field-0", words_of(&problem)));
    }
    for at in &mapping.undecided {
        let column = mapping.columns.get(*at).map(String::as_str).unwrap_or_default();
        problems.push(Problem::new(
            &format!("field-{at}"),
            format!("Say what the column {column} is: it may say who wants no email"),
        ));
    }
    if !unclear.is_empty() {
        let words = format!(
            "Say whether the day or the month comes first: nothing in {} shows it",
            unclear.join(", ")
        );
        problems.push(Problem::new("days", words));
    }
    problems
}

fn job(staff: &StaffRequest, upload: &Upload, spool: &Spool, mapping: Mapping, mode: Mode) -> Job {
    Job {
        path: spool.path().to_path_buf(),
        file_name: upload.about.file_name.clone(),
        mapping: Some(mapping),
        mode,
        actor: staff.actor.name.clone(),
    }
}

async fn check(
    staff: &StaffRequest,
    upload: &Upload,
    spool: &Spool,
    mapping: Mapping,
) -> Result<Report, ImportProblem> {
    let unkept = |error| match error {
        Unkept::Database(error) => ImportProblem::Database(error),
        Unkept::Io(error) => ImportProblem::Unreadable(error),
    };
    let errors = Spool::new().await?;
    let job = job(staff, upload, spool, mapping, Mode::DryRun);
    let out = Box::new(std::io::BufWriter::new(errors.handle().await?));
    let clock = &staff.visit.state.clock;
    let report = run_file(staff.db(), &staff.store, &job, clock, Some(out), |_| {}).await?;
    upload.keep_errors(staff.db(), errors).await.map_err(unkept)?;
    Ok(report)
}

/// Starts the import and goes to its page. It goes on when the person goes elsewhere.
async fn begin(staff: StaffRequest, upload: Upload, mapping: Mapping) -> Result<Response, AppError> {
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
pub async fn check_errors(staff: StaffRequest, Path(token): Path<String>) -> Result<Response, AppError> {
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
