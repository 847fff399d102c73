//! `/sends/{id}/quiet-hours`: asks before something goes out in the quiet hours that was not going.

use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use leptos::prelude::*;

use super::customers;
use crate::{
    campaigns::preflight::checks,
    context::actor::Permission,
    error::AppError,
    messages,
    sends::{self, model::SendState, queries::SendRecord, quiet_hours::ResumeAction},
    server::page_request::StaffRequest,
    text::grouped,
    ui::{
        components::{Banner, Tone},
        page::Page,
        shell::Nav,
    },
};

/// What is asked, and what its button does.
struct Question {
    title: &'static str,
    words: String,
    action: &'static str,
    button: &'static str,
    /// What it asks about, as hidden fields.
    about: Vec<(&'static str, String)>,
}

/// The question; the send's page when there is nothing to ask any more.
pub async fn show(staff: StaffRequest, Path(send_id): Path<i64>) -> Result<Response, AppError> {
    staff.allow(Permission::SendCampaigns)?;
    let send = sends::queries::find(staff.db(), staff.store_id(), send_id)
        .await?
        .ok_or(AppError::NotFound)?;
    let action = ResumeAction::asked(staff.param("what"), staff.param("message"), staff.param("token"));
    let question = match action {
        Some(action) => question(&staff, &send, action).await?,
        None => None,
    };
    let back = send.page();
    let Some(question) = question else {
        return Ok(Redirect::to(&back).into_response());
    };
    let nav = match send.campaign_id {
        Some(_) => Nav::Campaigns,
        None => Nav::BulkEmail,
    };
    let asleep = checks::asleep(&staff.store, staff.now());
    let page = Page::new(question.title.to_owned(), nav, move || {
        view(send_id, question, asleep, back)
    });
    Ok(staff.show(page).await)
}

async fn question(staff: &StaffRequest, send: &SendRecord, action: ResumeAction) -> Result<Option<Question>, AppError> {
    match action {
        ResumeAction::Resume if send.state == SendState::Sending && send.paused_at.is_some() => {
            going_on(staff, send, "/api/sends/resume").await.map(Some)
        }
        ResumeAction::GoOn if sends::stalled::is_stalled(&staff.visit.state, send, staff.now()).await? => {
            going_on(staff, send, "/api/sends/go-on").await.map(Some)
        }
        ResumeAction::Resume | ResumeAction::GoOn => Ok(None),
        ResumeAction::Again { message, token } => again(staff, send, message, token).await,
    }
}

async fn going_on(staff: &StaffRequest, send: &SendRecord, action: &'static str) -> Result<Question, AppError> {
    let tally = messages::tallies::of_send(staff.db(), staff.store_id(), send.id).await?;
    Ok(Question {
        title: "Resume sending now?",
        words: match tally.waiting {
            1 => "1 customer is still waiting.".to_owned(),
            n => format!("{} are still waiting.", customers(n)),
        },
        action,
        button: "Resume sending",
        about: Vec::new(),
    })
}

async fn again(
    staff: &StaffRequest,
    send: &SendRecord,
    message: Option<i64>,
    token: String,
) -> Result<Option<Question>, AppError> {
    let all = crate::messages::timeline::unconfirmed(staff.db(), staff.store_id(), send.id).await?;
    let people = match (all, message) {
        (0, _) => return Ok(None),
        (_, Some(_)) => 1,
        (all, None) => all,
    };
    let mut about = vec![("send_token", token)];
    about.extend(message.map(|id| ("message_id", id.to_string())));
    Ok(Some(Question {
        title: "Send again now?",
        words: match people {
            1 => "It goes to 1 unconfirmed customer, who may get it twice.".to_owned(),
            n => format!("It goes to {} unconfirmed customers, who may get it twice.", grouped(n)),
        },
        action: "/api/sends/again",
        button: "Send again (may reach them twice)",
        about,
    }))
}

fn view(send_id: i64, question: Question, asleep: Option<String>, back: String) -> AnyView {
    let hidden = |name: &'static str, value: String| view! { <input type="hidden" name=name value=value/> };
    let quiet_hours_confirmed = asleep.is_some().to_string();
    let told = asleep.map(|words| view! { <Banner tone=Tone::Warning><p>{words}</p></Banner> });
    view! {
        <div class="card pad review" role="dialog" aria-labelledby="ask">
            <h1 id="ask" tabindex="-1" autofocus>{question.title}</h1>
            <p>{question.words}</p>
            {told}
            <form method="post" action=question.action>
                {hidden("send_id", send_id.to_string())}
                {question.about.into_iter().map(|(name, value)| hidden(name, value)).collect_view()}
                {hidden("quiet_hours_confirmed", quiet_hours_confirmed)}
                <div class="acts">
                    <a class="btn" href=back>"Cancel"</a>
                    <button class="btn primary" type="submit">{question.button}</button>
                </div>
            </form>
        </div>
    }
    .into_any()
}
