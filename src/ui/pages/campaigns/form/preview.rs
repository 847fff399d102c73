//! `…/preview?as=`: the kept message as one customer will read it, under a policy of its own.

use axum::{
    extract::{Path, Query},
    http::header,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use crate::{
    campaigns::{bulk, draft::Draft, preflight::checks::Message, queries},
    context::actor::Permission,
    error::AppError,
    recipients::{
        self,
        model::{Person, RecipientFilter},
    },
    rendering,
    server::{headers::MESSAGE_POLICY, page_request::StaffRequest},
    time,
    ui::escape,
};

/// Who is looked as, and which part.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct How {
    /// A customer's id; anybody else is shown with every field blank.
    r#as: i64,
    /// "text" for the plain-text part.
    part: String,
}

/// `GET /marketing/campaigns/{id}/preview`
pub async fn of_campaign(
    staff: StaffRequest,
    Path(id): Path<i64>,
    Query(how): Query<How>,
) -> Result<Response, AppError> {
    staff.allow(Permission::SeeCampaigns)?;
    let campaign = queries::find(staff.db(), staff.store_id(), id)
        .await?
        .ok_or(AppError::NotFound)?;
    let draft = Draft::copied_from(&campaign, campaign.name.clone());
    show(&staff, &draft, &how).await
}

/// `GET /marketing/bulk-email/preview`
pub async fn of_bulk(staff: StaffRequest, Query(how): Query<How>) -> Result<Response, AppError> {
    staff.allow(Permission::SendCampaigns)?;
    let form = bulk::left_by(staff.db(), staff.store_id(), staff.actor.user_id)
        .await?
        .unwrap_or_default();
    let draft = Draft::of(&form, &staff.store, staff.now());
    show(&staff, &draft, &how).await
}

async fn show(staff: &StaffRequest, draft: &Draft, how: &How) -> Result<Response, AppError> {
    let message = Message::without_name(draft);
    let (kind, body) = match message.compile(&staff.store, &staff.actor.name) {
        Ok(compiled) => {
            let scope = recipients::rules::scope(&staff.store, staff.now(), None);
            let one = RecipientFilter::Manual(vec![how.r#as]);
            let person = recipients::queries::person(staff.db(), &scope, &one).await?;
            let today = time::today(staff.now(), staff.zone());
            let anniversary = person
                .as_ref()
                .and_then(anniversary_of)
                .and_then(|(month, day)| rendering::next_anniversary(month, day, today));
            let rendered = compiled.render(&rendering::Person {
                first_name: person.as_ref().map_or("", |p| &p.first_name),
                last_name: person.as_ref().map_or("", |p| &p.last_name),
                next_anniversary: anniversary.as_deref().unwrap_or_default(),
                // A preview unsubscribes nobody.
                unsubscribe_url: "#",
            });
            if how.part == "text" {
                (
                    "text/plain; charset=utf-8",
                    format!("Subject: {}\n\n{}", rendered.subject, rendered.text),
                )
            } else {
                ("text/html; charset=utf-8", rendered.html)
            }
        }
        Err(problems) => {
            let items: String = problems
                .iter()
                .map(|p| format!("<li>{}</li>", escape::text(&p.to_string())))
                .collect();
            let page = format!(
                "<!doctype html><html lang=\"en-AU\"><head><meta charset=\"utf-8\"><title>Preview</title></head>\
                 <body><p>This can be shown once it is mended:</p><ul>{items}</ul></body></html>"
            );
            ("text/html; charset=utf-8", page)
        }
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, MESSAGE_POLICY),
    ];
    Ok((headers, body).into_response())
}

fn anniversary_of(person: &Person) -> Option<(u32, u32)> {
    let number = |n: Option<i64>| n.and_then(|n| u32::try_from(n).ok());
    number(person.anniversary_month).zip(number(person.anniversary_day))
}
