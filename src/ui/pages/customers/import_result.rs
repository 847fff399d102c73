//! `/customers/imports/{id}`: how far an import is, and what it did.

use axum::{
    body::{Body, Bytes},
    extract::Path,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use chrono::Duration;
use leptos::prelude::*;

use super::import_report;
use crate::{
    context::actor::Permission,
    customers::import::{
        ErrorFile, Mapping,
        queries::{self, ImportRow},
    },
    db::Db,
    error::AppError,
    ids::StoreId,
    server::page_request::StaffRequest,
    text::grouped,
    ui::{
        components::{Banner, Crumbs, PageHead, Tone},
        page::Page,
        shell::Nav,
    },
};

/// A run that says nothing for this long has been cut off.
const SILENT: Duration = Duration::seconds(60);
/// Rows of the error file read at once.
const PIECE: i64 = 500;

async fn row_of(staff: &StaffRequest, id: i64) -> Result<ImportRow, AppError> {
    queries::find(staff.db(), staff.store_id(), id)
        .await?
        .ok_or(AppError::NotFound)
}

/// The numbers so far, and at the end the rows to look at. Loads itself again while it runs.
pub async fn show(staff: StaffRequest, Path(id): Path<i64>) -> Result<Response, AppError> {
    staff.allow(Permission::ImportCustomers)?;
    let row = row_of(&staff, id).await?;
    let shown = i64::try_from(import_report::SHOWN).unwrap_or(50);
    let of = |kept| queries::told(staff.db(), staff.store_id(), id, kept, 0, shown);
    let to_mend: Vec<_> = of(false).await?.into_iter().map(|(_, t)| t).collect();
    let kept: Vec<_> = of(true).await?.into_iter().map(|(_, t)| t).collect();
    let cut_off = row.finished_at.is_none() && staff.now() - row.progress_at > SILENT;
    let running = row.finished_at.is_none() && !cut_off;
    let page = Page::new("Import", Nav::Customers, move || {
        let counts = row.counts;
        let banner = if running {
            let words = format!("{} rows read so far.", grouped(counts.rows_read));
            view! {
                <Banner tone=Tone::Info title="Importing…">
                    <p>{words}" You can leave this page: the import goes on."</p>
                    <p><a href=format!("/customers/imports/{id}")>"Refresh"</a></p>
                </Banner>
            }
            .into_any()
        } else if let Some(problem) = row.problem.clone() {
            view! {
                <Banner tone=Tone::Error title="The import stopped early.">
                    <p>{problem}" What is counted here is in the book. Import the file again to do the rest: nobody is doubled."</p>
                </Banner>
            }
            .into_any()
        } else if cut_off {
            view! {
                <Banner tone=Tone::Warning title="The import was cut off.">
                    <p>"What is counted here is in the book. Import the file again to do the rest: nobody is doubled."</p>
                </Banner>
            }
            .into_any()
        } else {
            view! { <Banner tone=Tone::Success title="Import finished."/> }.into_any()
        };
        let path = format!("/customers/imports/{id}/errors.csv");
        view! {
            <Crumbs links=vec![("Customers", "/customers"), ("Import", "/customers/import")] here=row.file_name.clone()/>
            <PageHead title="Import" words=format!("{}, by {}", row.file_name, row.started_by)/>
            {banner}
            <h2>"What it did"</h2>
            {import_report::numbers(&counts)}
            {import_report::to_mend(to_mend, counts.refused + counts.noted, path)}
            {import_report::kept_back(kept, counts.kept_back)}
            <div class="acts"><a class="btn" href="/customers">"See the customers"</a></div>
        }
        .into_any()
    });
    let mut response = staff.show(page).await;
    if running {
        response
            .headers_mut()
            .insert(HeaderName::from_static("refresh"), HeaderValue::from_static("2"));
    }
    Ok(response)
}

/// The error file, a piece at a time.
pub async fn errors(staff: StaffRequest, Path(id): Path<i64>) -> Result<Response, AppError> {
    staff.allow(Permission::ImportCustomers)?;
    let row = row_of(&staff, id).await?;
    let mapping: Mapping = serde_json::from_str(&row.mapping)?;
    let start = Some(Piece {
        db: staff.db().clone(),
        store: staff.store_id(),
        import: id,
        columns: Some(mapping.columns),
        after: 0,
    });
    let pieces = futures::stream::try_unfold(start, |piece| async move {
        match piece {
            Some(piece) => piece.read().await,
            None => Ok(None),
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"import-{id}-rows-to-mend.csv\""),
        ),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

struct Piece {
    db: Db,
    store: StoreId,
    import: i64,
    /// For the first piece, which begins with them.
    columns: Option<Vec<String>>,
    after: i64,
}

impl Piece {
    async fn read(mut self) -> std::io::Result<Option<(Bytes, Option<Self>)>> {
        let rows = queries::told(&self.db, self.store, self.import, false, self.after, PIECE)
            .await
            .map_err(std::io::Error::other)?;
        let mut out = Vec::new();
        let mut file = match self.columns.take() {
            Some(columns) => ErrorFile::new(&mut out, &columns)?,
            None => ErrorFile::continued(&mut out),
        };
        for (id, told) in &rows {
            self.after = *id;
            file.add(told)?;
        }
        file.finish()?;
        let last = rows.len() < usize::try_from(PIECE).unwrap_or_default();
        Ok(Some((Bytes::from(out), (!last).then_some(self))))
    }
}
