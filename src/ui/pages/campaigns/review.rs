//! `/marketing/campaigns/{id}/review`: asks before a send where it matters.

use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use leptos::prelude::*;

use super::guard;
use crate::{
    auth::{model::Permission, tokens},
    campaigns::{
        checks,
        look::{self, Look},
        store,
    },
    error::AppError,
    recipients::{self, model::grouped},
    server::visit::Staff,
    ui::{page::Page, shell::Nav},
};

/// The question about a kept campaign.
pub async fn show(staff: Staff, Path(id): Path<i64>) -> Result<Response, AppError> {
    staff.allow(Permission::SendCampaigns)?;
    let campaign = store::find(staff.db(), staff.store_id(), id)
        .await?
        .ok_or(AppError::NotFound)?;
    if !campaign.status.is_editable() {
        return guard::show(&staff, &campaign).await;
    }
    let edit = format!("/marketing/campaigns/{id}/edit");
    let look = look::look(staff.db(), &staff.store, &staff.actor.name, &campaign, staff.now()).await?;
    let Some(filter) = campaign.recipients().filter(|_| look.problems.is_empty()) else {
        return Ok(Redirect::to(&format!("{edit}?check=send_now")).into_response());
    };
    let goes_to = recipients::words::today(staff.db(), staff.store_id(), &filter).await?;
    let question = Question {
        action: "/api/campaigns/confirm",
        campaign: Some(id),
        back: edit,
        subject: campaign.subject.clone(),
        goes_to,
        shown: campaign.shown_count,
        nav: Nav::Campaigns,
    };
    ask(&staff, question, &look).await
}

/// What is asked about.
#[derive(Debug)]
pub struct Question {
    pub action: &'static str,
    pub campaign: Option<i64>,
    pub back: String,
    pub subject: String,
    pub goes_to: String,
    pub shown: Option<i64>,
    pub nav: Nav,
}

/// The question: a page of its own, and a dialog to those who hear it.
pub async fn ask(staff: &Staff, question: Question, look: &Look) -> Result<Response, AppError> {
    let audience = look.audience.clone().unwrap_or_default();
    let n = audience.will_send;
    let people = format!("{} {}", grouped(n), if n == 1 { "customer" } else { "customers" });
    let title = format!("Send to {people} now?");
    let token = match staff.param("token") {
        "" => tokens::public(),
        token => token.to_owned(),
    };
    let from = format!("{} <{}>", staff.store.from_name, staff.store.from_email);
    let skipped = match audience.skipped_total() {
        0 => String::new(),
        s => format!(" ({} skipped)", grouped(s)),
    };
    let goes = format!(
        "{}: {} of {}{skipped}",
        question.goes_to,
        grouped(n),
        grouped(audience.matched)
    );
    let mut warnings = checks::warnings(&look.checks);
    if let Some(shown) = question.shown.filter(|shown| *shown != n) {
        warnings.insert(0, format!("You saw {}. It goes to {} now.", grouped(shown), grouped(n)));
    }
    let outbox = staff.visit.state.settings.uses_outbox();
    let heading = title.clone();
    let nav = question.nav;
    let page = Page::new(title, nav, move || {
        let warnings: Vec<_> = warnings.into_iter().map(|words| view! { <li>{words}</li> }).collect();
        let hidden = |name: &'static str, value: String| view! { <input type="hidden" name=name value=value/> };
        view! {
            <div class="card pad review" role="dialog" aria-labelledby="ask">
                <h1 id="ask" tabindex="-1" autofocus>{heading}</h1>
                <dl class="facts">
                    <dt>"Subject"</dt><dd>{question.subject}</dd>
                    <dt>"From"</dt><dd>{from}</dd>
                    <dt>"Goes to"</dt><dd>{goes}</dd>
                </dl>
                {(!warnings.is_empty()).then(|| view! {
                    <div class="banner warning"><ul>{warnings}</ul></div>
                })}
                {outbox.then(|| view! { <p class="hint">"Nothing is mailed: messages stay in the outbox."</p> })}
                <form method="post" action=question.action>
                    {question.campaign.map(|id| hidden("id", id.to_string()))}
                    {hidden("send_token", token)}
                    {hidden("shown_count", n.to_string())}
                    <div class="acts">
                        <a class="btn" href=question.back>"Cancel"</a>
                        <button class="btn primary" type="submit">{format!("Send to {people}")}</button>
                    </div>
                </form>
            </div>
        }
        .into_any()
    });
    Ok(staff.show(page).await)
}
