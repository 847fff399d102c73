//! `/marketing/campaigns/{id}/review`: asks before a send where it matters.

use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use leptos::prelude::*;

use super::locked;
use crate::{
    campaigns::{
        draft::Draft,
        preflight::{checks::Message, confirmation, model::Question, rules},
        queries,
        resend::AlreadySent,
    },
    context::actor::Permission,
    error::AppError,
    recipients::{
        self,
        model::{Earlier, RecipientFilter},
    },
    sends::audience_snapshot,
    server::page_request::StaffRequest,
    tokens,
    ui::{components::QuestionFacts, page::Page, shell::Nav},
};

/// The question about a kept campaign.
pub async fn show(staff: StaffRequest, Path(id): Path<i64>) -> Result<Response, AppError> {
    staff.allow(Permission::SendCampaigns)?;
    let mut campaign = queries::find(staff.db(), staff.store_id(), id)
        .await?
        .ok_or(AppError::NotFound)?;
    if !campaign.status.is_editable() {
        return locked::show(&staff, &campaign).await;
    }
    let reached = AlreadySent::from_key(staff.param("reached")).unwrap_or(AlreadySent::of(&campaign));
    campaign.skip_already = reached.is_left_out();
    let back = format!("/marketing/campaigns/{id}/edit");
    let preflight = rules::check_campaign(staff.db(), &staff.store, &staff.actor.name, &campaign, staff.now()).await?;
    let draft = Draft::copied_from(&campaign, campaign.name.clone());
    let message = Message::of(&draft);
    let question = confirmation::question(
        staff.db(),
        &staff.store,
        &message,
        &preflight,
        campaign.shown_count,
        (&staff.actor.name, staff.now()),
    )
    .await?;
    let Some(question) = question else {
        return Ok(Redirect::to(&format!("{back}?check=send_now")).into_response());
    };
    let asking = Asking {
        action: "/api/campaigns/confirm",
        about: vec![
            ("id", id.to_string()),
            ("version", campaign.version.to_string()),
            ("reached", reached.key().to_owned()),
        ],
        back,
        nav: Nav::Campaigns,
        filter: draft.filter,
        not_again: reached.is_left_out().then_some(Earlier::Campaign(id)),
    };
    ask(&staff, question, asking).await
}

/// Whose question it is.
#[derive(Debug)]
pub struct Asking {
    pub action: &'static str,
    /// What it asks about, as hidden fields: nothing else is sent by its button.
    pub about: Vec<(&'static str, String)>,
    pub back: String,
    pub nav: Nav,
    /// Whom it is about: what changes until it is sent is told from it.
    pub filter: Option<RecipientFilter>,
    pub not_again: Option<Earlier>,
}

/// What a question says first that was asked before, about something else.
const CHANGED: &str = "It was changed since you looked. This is what goes out now.";

/// The question: a page of its own, and a dialog to those who hear it.
pub async fn ask(staff: &StaffRequest, mut question: Question, asking: Asking) -> Result<Response, AppError> {
    let token = match staff.param("token") {
        "" => tokens::public(),
        token => token.to_owned(),
    };
    if let Some(filter) = &asking.filter {
        let scope = recipients::rules::scope(&staff.store, staff.now(), asking.not_again);
        audience_snapshot::keep(staff.db(), &scope, filter, &token).await?;
    }
    if staff.param("changed") == "1" {
        question.warnings.insert(0, CHANGED.to_owned());
    }
    let quiet_hours_confirmed = staff.store.in_quiet_hours(staff.now());
    let outbox = staff.visit.state.settings.uses_outbox();
    let page = Page::new(question.title.clone(), asking.nav, move || {
        let hidden = |name: &'static str, value: String| view! { <input type="hidden" name=name value=value/> };
        let (title, button, count) = (question.title.clone(), question.button.clone(), question.count);
        view! {
            <div class="card pad review" role="dialog" aria-labelledby="ask">
                <h1 id="ask" tabindex="-1" autofocus>{title}</h1>
                <QuestionFacts question outbox/>
                <form method="post" action=asking.action>
                    {asking.about.into_iter().map(|(name, value)| hidden(name, value)).collect_view()}
                    {hidden("send_token", token)}
                    {hidden("shown_count", count.to_string())}
                    {hidden("quiet_hours_confirmed", quiet_hours_confirmed.to_string())}
                    <div class="acts">
                        <a class="btn" href=asking.back>"Cancel"</a>
                        <button class="btn primary" type="submit">{button}</button>
                    </div>
                </form>
            </div>
        }
        .into_any()
    });
    Ok(staff.show(page).await)
}
