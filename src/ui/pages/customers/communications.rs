//! `/customers/{id}/communications`: every message written to one customer, exactly as it was.

use axum::{extract::Path, response::Response};
use chrono::Duration;
use leptos::{attr::custom::custom_attribute, prelude::*};

use crate::{
    context::actor::Permission,
    customers::{self, queries::Customer},
    error::AppError,
    messages::{
        model::MessageState,
        timeline::{self, PAGE, TimelineRow},
    },
    recipients::model::SkipReason,
    server::page_request::StaffRequest,
    text::grouped,
    time,
    ui::{
        components::{Badge, Crumbs, Distance, EmptyState, Moment, PageHead, Paging},
        page::Page,
        shell::Nav,
    },
};

/// The messages, newest first, with what the provider said to each.
pub async fn show(staff: StaffRequest, Path(id): Path<i64>) -> Result<Response, AppError> {
    staff.allow(Permission::SeeCustomers)?;
    let (db, store_id) = (staff.db(), staff.store_id());
    let customer = customers::queries::find(db, store_id, id)
        .await?
        .ok_or(AppError::NotFound)?;
    let page_asked = Paging::asked(staff.param("page"));
    let mut rows = timeline::timeline(db, store_id, id, page_asked).await?;
    crate::sends::message_view::subjects(db, &staff.store, &mut rows).await?;
    let (now, zone) = (staff.now(), staff.zone());
    let standing = may_be_emailed(&customer, staff.store.email_requires_opt_in);
    let contacted = customer
        .last_contacted_at
        .map_or_else(|| "Never".to_owned(), |at| time::relative(at, now));
    let month = match timeline::sent_since(db, store_id, id, now - Duration::days(30)).await? {
        1 => "1 message".to_owned(),
        n => format!("{} messages", grouped(n)),
    };
    let more = i64::try_from(rows.len()).unwrap_or(0) >= PAGE;
    let name = customer.name.clone();
    let page = Page::new(name.clone(), Nav::Customers, move || {
        let path = format!("/customers/{id}/communications");
        let list = if rows.is_empty() {
            view! { <EmptyState title="No messages yet."/> }.into_any()
        } else {
            let lines: Vec<_> = rows.into_iter().map(|row| line(row, &name, now, zone)).collect();
            view! {
                <div class="card scroll" role="region" tabindex="0" aria-label="Messages table">
                    <table class="table">
                        <caption>{format!("Messages to {name}")}</caption>
                        <thead>
                            <tr>
                                <th scope="col">"Campaign"</th>
                                <th scope="col">"Subject"</th>
                                <th scope="col">"When"</th>
                                <th scope="col">"Status"</th>
                            </tr>
                        </thead>
                        <tbody>{lines}</tbody>
                    </table>
                </div>
            }
            .into_any()
        };
        view! {
            <Crumbs links=vec![("Customers", "/customers")] here=name.clone()/>
            <PageHead title=name.clone()/>
            {super::tabs(id, true)}
            <dl class="facts spaced">
                <dt>"Can be emailed"</dt><dd>{standing}</dd>
                <dt>"Last contacted"</dt><dd>{contacted}</dd>
                <dt>"In the last 30 days"</dt><dd>{month}</dd>
            </dl>
            {list}
            {turn(&path, page_asked, more)}
        }
        .into_any()
    });
    Ok(staff.show(page).await)
}

/// `Yes`, or the first reason against.
fn may_be_emailed(customer: &Customer, requires_opt_in: bool) -> String {
    match reason_against(customer.email_standing, requires_opt_in) {
        None => "Yes".to_owned(),
        Some(reason) => format!("No: {}", reason.label().to_lowercase()),
    }
}

/// What `email_standing` (see the migration) means in this store.
pub(super) fn reason_against(standing: i64, requires_opt_in: bool) -> Option<SkipReason> {
    match standing {
        0 => None,
        8 if !requires_opt_in => None,
        1 => Some(SkipReason::Archived),
        2 => Some(SkipReason::DoNotContact),
        4 => Some(SkipReason::NoAddress),
        5 => Some(SkipReason::NotValid),
        6 => Some(SkipReason::Complained),
        7 => Some(SkipReason::Unsubscribed),
        8 | 9 if requires_opt_in => Some(SkipReason::NoOptIn),
        _ => Some(SkipReason::Bounced),
    }
}

fn line(row: TimelineRow, name: &str, now: chrono::DateTime<chrono::Utc>, zone: chrono_tz::Tz) -> AnyView {
    let to = match row.campaign_id {
        Some(campaign) => format!("/marketing/campaigns/{campaign}"),
        None => format!("/marketing/bulk-email/sent/{}", row.send_id),
    };
    let why = row.why();
    let why = (!why.is_empty()).then(|| view! { <br/><span class="hint">{why}</span> });
    let went_out = !matches!(
        row.state,
        MessageState::Skipped | MessageState::Queued | MessageState::Leased
    );
    let message = went_out.then(|| {
        // Loaded when it is opened, not before: a long history is many messages.
        view! {
            <tr class="under">
                <td colspan="4">
                    <details class="more">
                        <summary>"See the message"<span class="vh">{format!(": “{}”, as {name} got it", row.subject)}</span></summary>
                        <iframe class="message" sandbox="" title=format!("“{}” as {name} got it", row.subject)
                            src=format!("/messages/{}/view", row.message_id)
                            {..custom_attribute("loading", "lazy")}></iframe>
                    </details>
                </td>
            </tr>
        }
    });
    view! {
        <tr class=if went_out { "over" } else { "" }>
            <th scope="row"><a href=to>{row.label}</a></th>
            <td>{row.subject.clone()}</td>
            <td class="nowrap"><Moment at=row.at now zone distance=Distance::With/></td>
            <td><Badge mark=row.state/>{why}</td>
        </tr>
        {message}
    }
    .into_any()
}

/// Newer and older pages.
fn turn(path: &str, page: i64, more: bool) -> Option<AnyView> {
    if page == 1 && !more {
        return None;
    }
    let newer = (page > 1).then(|| {
        view! { <a class="btn sm" rel="prev" href=format!("{path}?page={}", page - 1)>"Previous"</a> }
    });
    let older = more.then(|| {
        view! { <a class="btn sm" rel="next" href=format!("{path}?page={}", page + 1)>"Next"</a> }
    });
    Some(
        view! { <nav class="pages" aria-label="Pagination"><span class="inline">{newer}{older}</span></nav> }
            .into_any(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_who_never_agreed_can_be_emailed_only_where_that_is_not_needed() {
        assert_eq!(reason_against(8, true), Some(SkipReason::NoOptIn));
        assert_eq!(reason_against(8, false), None);
        assert_eq!(reason_against(9, false), Some(SkipReason::Bounced));
        assert_eq!(reason_against(0, true), None);
        assert_eq!(reason_against(7, false), Some(SkipReason::Unsubscribed));
    }
}
