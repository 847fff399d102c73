//! `/outbox`: what the built-in outbox keeps while no mail server is set. Nothing on these pages
//! is fetched from anywhere.

use axum::{
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
};
use leptos::prelude::*;

use crate::{
    context::actor::Permission,
    db::search::wanted,
    error::AppError,
    outbox::{
        self,
        queries::{self, Kept, KeptLine},
        reading,
    },
    server::{headers::OUTBOX_POLICY, page_request::StaffRequest},
    text::grouped,
    time,
    ui::{
        components::{Banner, Crumbs, EmptyState, Moment, PageHead, Pagination, Paging, Tone},
        page::Page,
        shell::Nav,
    },
};

const PER_PAGE: i64 = 50;

/// Owners and managers, while the outbox is the provider.
fn allow(staff: &StaffRequest) -> Result<(), AppError> {
    staff.allow(Permission::SeeOutbox)?;
    if staff.visit.state.settings.uses_outbox() {
        Ok(())
    } else {
        Err(AppError::NotFound)
    }
}

/// What is kept, newest first.
pub async fn list(staff: StaffRequest) -> Result<Response, AppError> {
    allow(&staff)?;
    let (db, store_id, zone, now) = (staff.db(), staff.store_id(), staff.zone(), staff.now());
    let search = wanted(staff.param("to")).to_owned();
    let total = queries::count(db, store_id, &search).await?;
    let mut paging = Paging {
        page: Paging::asked(staff.param("page")),
        per_page: PER_PAGE,
        total,
    };
    paging.page = paging.page.min(paging.last());
    let kept = queries::page(db, store_id, &search, PER_PAGE, (paging.page - 1) * PER_PAGE).await?;
    let page = Page::new("Outbox", Nav::Outbox, move || {
        let row = |line: KeptLine| {
            let subject = if line.subject.is_empty() {
                "(no subject)".to_owned()
            } else {
                line.subject
            };
            view! {
                <tr>
                    <th scope="row"><a href=format!("/outbox/{}", line.id)>{subject}</a></th>
                    <td>{line.recipient}</td>
                    <td><Moment at=line.accepted_at now=now zone=zone/></td>
                </tr>
            }
        };
        let words = match total {
            1 => "1 message".to_owned(),
            n => format!("{} messages", grouped(n)),
        };
        let inside = if !kept.is_empty() {
            let rows: Vec<_> = kept.into_iter().map(row).collect();
            view! {
                <div class="card">
                    <div class="scroll" tabindex="0" role="region" aria-label="Kept messages">
                        <table class="table">
                            <caption class="vh">"Kept messages, newest first"</caption>
                            <thead>
                                <tr><th scope="col">"Subject"</th><th scope="col">"To"</th><th scope="col">"Kept"</th></tr>
                            </thead>
                            <tbody>{rows}</tbody>
                        </table>
                    </div>
                </div>
                <Pagination paging path="/outbox" query=vec![("to", search.clone())] words/>
            }
            .into_any()
        } else if search.is_empty() {
            view! { <EmptyState title="Nothing here yet" words="Send a campaign: its messages stay here, exactly as a mail server would get them."/> }.into_any()
        } else {
            view! { <p role="status">"No message to an address like that."</p> }.into_any()
        };
        view! {
            <PageHead title="Outbox"/>
            <Banner tone=Tone::Info><p>{outbox::NOTHING_IS_MAILED}</p></Banner>
            <form class="filters" method="get" action="/outbox" role="search" aria-label="Outbox">
                <div class="grow">
                    <label for="to">"To"</label>
                    <input id="to" name="to" type="search" value=search autocomplete="off"/>
                </div>
                <button class="btn" type="submit">"Search"</button>
            </form>
            {inside}
        }
        .into_any()
    });
    Ok(staff.show(page).await)
}

/// A kept message, without what its link would act with.
async fn find(staff: &StaffRequest, id: i64) -> Result<Kept, AppError> {
    allow(staff)?;
    let kept = queries::find(staff.db(), staff.store_id(), id)
        .await?
        .ok_or(AppError::NotFound)?;
    let source = match &kept.token {
        Some(token) => reading::masked(&kept.source, token),
        None => kept.source,
    };
    Ok(Kept { source, ..kept })
}

/// One message: as it looks, and exactly as it is.
pub async fn message(staff: StaffRequest, Path(id): Path<i64>) -> Result<Response, AppError> {
    let kept = find(&staff, id).await?;
    let when = time::absolute(kept.accepted_at, staff.zone());
    let title = if kept.subject.is_empty() {
        "(no subject)".to_owned()
    } else {
        kept.subject.clone()
    };
    let page = Page::new(title.clone(), Nav::Outbox, move || {
        let looks = reading::html(&kept.source).is_some().then(|| {
            view! {
                <section aria-labelledby="looks-heading">
                    <h2 id="looks-heading">"As it looks"</h2>
                    <iframe class="message" title="The message as it looks" sandbox="" referrerpolicy="no-referrer"
                        src=format!("/outbox/{}/view", kept.id)></iframe>
                    <p class="hint">"Pictures from elsewhere are not fetched."</p>
                </section>
            }
        });
        view! {
            <Crumbs links=vec![("Outbox", "/outbox")] here=title.clone()/>
            <PageHead title=title words=format!("To {} · kept {when}", kept.recipient)>
                <a class="btn" href=format!("/outbox/{}/message.eml", kept.id) download="">"Download message"</a>
            </PageHead>
            <Banner tone=Tone::Info><p>{outbox::NOTHING_IS_MAILED}</p></Banner>
            <div class="stack">
                {looks}
                <section aria-labelledby="source-heading">
                    <h2 id="source-heading">"Exact source"</h2>
                    <p class="hint">"Only the link to unsubscribe is masked: it acts for the customer."</p>
                    <pre class="card pad" tabindex="0" role="region" aria-labelledby="source-heading">{kept.source}</pre>
                </section>
            </div>
        }
        .into_any()
    });
    Ok(staff.show(page).await)
}

/// The HTML of a message, in a policy that lets it do nothing.
pub async fn view(staff: StaffRequest, Path(id): Path<i64>) -> Result<Response, AppError> {
    let kept = find(&staff, id).await?;
    let html = reading::html(&kept.source).ok_or(AppError::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, OUTBOX_POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    Ok((headers, html).into_response())
}

/// The bytes, as a file.
pub async fn source(staff: StaffRequest, Path(id): Path<i64>) -> Result<Response, AppError> {
    let kept = find(&staff, id).await?;
    let headers = [
        (header::CONTENT_TYPE, "message/rfc822".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"message-{}.eml\"", kept.id),
        ),
    ];
    Ok((headers, kept.source).into_response())
}
