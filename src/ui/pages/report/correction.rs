//! `/sends/{id}/correction`: another message to exactly those who got one.

use axum::{
    Form as Posted,
    extract::Path,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use leptos::prelude::*;
use serde::Deserialize;

use super::customers;
use crate::{
    campaigns::{
        draft::{clean, clean_line},
        preflight::checks::{self, Message},
    },
    context::{actor::Permission, ctx::Ctx},
    error::{AppError, Problem},
    recipients::model::{Audience, RecipientFilter},
    sends::{
        self,
        correction::{self, Correction, corrected},
        queries::SendRecord,
        rules::Started,
    },
    server::{forms::Flash, page_request::StaffRequest},
    text::grouped,
    tokens,
    ui::{
        components::{Banner, Crumbs, PageHead, Tone},
        form::{Form, Line},
        page::Page,
        shell::Nav,
    },
};

/// What the form holds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    subject: String,
    body: String,
    send_token: String,
    shown_count: String,
    /// "true" when the form said that customers may be asleep.
    quiet_hours_confirmed: String,
}

/// The form, filled with what went out.
pub async fn show(staff: StaffRequest, Path(send_id): Path<i64>) -> Result<Response, AppError> {
    staff.allow(Permission::SendCampaigns)?;
    let send = find(&staff, send_id).await?;
    if send.state.is_open() {
        return Ok(Redirect::to(&send.page()).into_response());
    }
    page(&staff, send, Flash::default()).await
}

/// Sends it, or shows the form again with all that was typed.
pub async fn act(
    staff: StaffRequest,
    Path(send_id): Path<i64>,
    Posted(typed): Posted<Typed>,
) -> Result<Response, AppError> {
    staff.allow(Permission::SendCampaigns)?;
    let send = find(&staff, send_id).await?;
    let ctx = Ctx::new(staff.visit.state.clone(), staff.actor.clone(), staff.now());
    let what = Correction {
        of: send_id,
        subject: clean_line(&typed.subject),
        body: clean(&typed.body),
        token: typed.send_token,
        shown_count: typed.shown_count.parse().ok(),
    };
    let fallbacks = serde_json::from_str(&send.fallbacks)?;
    let message = Message {
        name: None,
        subject: &what.subject,
        body: &what.body,
        fallbacks: &fallbacks,
        filter: Some(&RecipientFilter::Reached(send.id)),
        later: false,
    };
    let problems = checks::problems(staff.db(), &staff.store, &staff.actor.name, &message).await?;
    let is_untold = staff.store.in_quiet_hours(staff.now()) && typed.quiet_hours_confirmed != "true";
    if !problems.is_empty() || is_untold {
        return again(&staff, send, problems, what).await;
    }
    let (to, ok) = match correction::send(&ctx, &what).await {
        Ok(Started::Sending { send_id }) => (send_id, "sending"),
        Ok(Started::AlreadyDone { send_id }) => (send_id, "already"),
        Ok(Started::NoRecipients) => return again(&staff, send, Vec::new(), what).await,
        Err(AppError::Invalid { problems, .. }) => return again(&staff, send, problems, what).await,
        Err(other) => return Err(other),
    };
    let page = find(&staff, to).await?.page();
    Ok(Redirect::to(&format!("{page}?ok={ok}")).into_response())
}

async fn find(staff: &StaffRequest, send_id: i64) -> Result<SendRecord, AppError> {
    sends::queries::find(staff.db(), staff.store_id(), send_id)
        .await?
        .ok_or(AppError::NotFound)
}

async fn again(
    staff: &StaffRequest,
    send: SendRecord,
    problems: Vec<Problem>,
    what: Correction,
) -> Result<Response, AppError> {
    let typed = vec![("subject".to_owned(), what.subject), ("body".to_owned(), what.body)];
    page(staff, send, Flash { problems, typed }).await
}

async fn page(staff: &StaffRequest, send: SendRecord, flash: Flash) -> Result<Response, AppError> {
    let audience = correction::audience(staff.db(), &staff.store, &send, staff.now()).await?;
    let form = Form::of(Some(&flash));
    let outbox = staff.visit.state.settings.uses_outbox();
    let asleep = checks::asleep(&staff.store, staff.now());
    let (nav, up) = match send.campaign_id {
        Some(_) => (Nav::Campaigns, ("Campaigns", "/marketing/campaigns")),
        None => (Nav::BulkEmail, ("Bulk email", "/marketing/bulk-email")),
    };
    let status = if form.refused() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let page = Page::new("Send a correction", nav, move || {
        view(&send, &form, &audience, asleep, outbox, up)
    });
    Ok(staff.show(page.with_status(status)).await)
}

fn view(
    send: &SendRecord,
    form: &Form,
    audience: &Audience,
    asleep: Option<String>,
    outbox: bool,
    up: (&'static str, &'static str),
) -> AnyView {
    let n = audience.will_send;
    let line = |id, label, value: String| Line {
        id,
        name: id,
        label,
        value,
        autocomplete: Some("off"),
        ..Line::default()
    };
    let subject = form.line(line("subject", "Subject", corrected(&send.subject)));
    let body = form.area(line("body", "Body", send.body.clone()), 12);
    let back = send.page();
    let quiet_hours_confirmed = asleep.is_some().to_string();
    let told = asleep.map(|words| view! { <Banner tone=Tone::Warning><p>{words}</p></Banner> });
    let acts = (n > 0).then(|| {
        view! { <button class="btn primary" type="submit">{format!("Send to {}", customers(n))}</button> }
    });
    view! {
        <Crumbs links=vec![up] here=send.label.clone()/>
        {form.summary()}
        {told}
        <PageHead title="Send a correction" words="It goes to exactly those who got the message, or may have."/>
        <form class="stack" method="post" action=format!("/sends/{}/correction", send.id) novalidate>
            <input type="hidden" name="send_token" value=tokens::public()/>
            <input type="hidden" name="shown_count" value=n.to_string()/>
            <input type="hidden" name="quiet_hours_confirmed" value=quiet_hours_confirmed/>
            {subject}
            {body}
            <section class="card pad" aria-labelledby="who-title">
                <h2 id="who-title">"Who will get this"</h2>
                <p>{format!("{}.", audience.sentence())}</p>
                {skipped(audience)}
            </section>
            {outbox.then(|| view! { <p class="hint">"Nothing is mailed: messages stay in the outbox."</p> })}
            <div class="acts">{acts}<a class="btn quiet" href=back>"Cancel"</a></div>
        </form>
    }
    .into_any()
}

/// Why somebody who got it gets no correction.
fn skipped(audience: &Audience) -> Option<AnyView> {
    let reasons: Vec<_> = audience
        .skipped
        .iter()
        .map(|(reason, n)| view! { <li>{format!("{} {}", grouped(*n), reason.label())}</li> })
        .collect();
    (!reasons.is_empty()).then(|| {
        let words = format!(
            "{} who got it can't be written to now:",
            customers(audience.skipped_total())
        );
        view! { <p>{words}</p><ul class="reasons">{reasons}</ul> }.into_any()
    })
}
