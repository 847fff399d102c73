//! The form a message is written in: the same parts for campaigns and for bulk email.

mod fields;
mod later;
mod load;
pub mod preview;
mod rail;
mod recipients;
mod toolbar;
pub mod zero;

use leptos::{prelude::*, server_fn::ServerFn};

pub use load::Writing;

pub use crate::campaigns::model::Kind;
use crate::{
    campaigns::{
        api::{SaveBulkEmail, SaveCampaign, ScheduleCampaign, SendBulkEmail, SendCampaign},
        looked::Question,
        model::Intent,
    },
    ui::{
        components::{ErrorSummary, QuestionFacts},
        islands::campaign_editor::CampaignEditor,
    },
};

/// The whole form, below what went wrong.
pub fn view(writing: Writing) -> AnyView {
    let campaign = writing.kind == Kind::Campaign;
    let (action, key) = match writing.kind {
        Kind::Campaign => (SaveCampaign::url(), format!("campaign-{}", id_or_new(&writing))),
        Kind::Bulk => (SaveBulkEmail::url(), "bulk".to_owned()),
    };
    let key = format!("{}:{key}", writing.user);
    let (kind, uses_outbox) = (writing.kind, writing.outbox);
    let outbox = writing.outbox.then(|| {
        view! { <p class="hint below">"Nothing is mailed: messages stay in the outbox."</p> }
    });
    let hidden = |name: &'static str, id: &'static str, value: &str| {
        view! { <input type="hidden" name=name id=id value=value.to_owned()/> }
    };
    view! {
        <ErrorSummary problems=writing.problems.clone()/>
        <CampaignEditor key kind action=action.to_owned()>
            <div class="f">
            // What Enter in a field presses.
            <button class="vh" type="submit" name="intent" value="enter" tabindex="-1" aria-hidden="true">"Save"</button>
            {campaign.then(|| view! {
                {hidden("id", "campaign-id", &writing.form.id)}
                {hidden("version", "campaign-version", &writing.form.version)}
            })}
            {hidden("send_token", "send-token", &writing.form.send_token)}
            {hidden("of_send", "of-send", &writing.form.of_send)}
            {campaign.then(|| fields::name(&writing))}
            {fields::template(&writing)}
            {fields::subject(&writing)}
            {fields::body(&writing)}
            {recipients::view(&writing)}
            {rail::view(&writing)}
            {campaign.then(|| later::view(&writing))}
            <div>{actions(&writing)}{outbox}</div>
            </div>
        </CampaignEditor>
        {dialog(uses_outbox)}
    }
    .into_any()
}

/// The question that some sends ask first. The browser's code fills it in and opens it; without
/// that the same is asked on a page of its own.
fn dialog(outbox: bool) -> AnyView {
    view! {
        <dialog id="ask-dialog" aria-labelledby="ask">
            <h2 id="ask" tabindex="-1"></h2>
            <QuestionFacts question=Question::default() outbox/>
            <div class="acts">
                <button class="btn" id="ask-cancel" type="button">"Cancel"</button>
                <button class="btn primary" id="ask-send" type="submit" form="writing" name="intent" value="send_confirmed"></button>
            </div>
        </dialog>
    }
    .into_any()
}

fn id_or_new(writing: &Writing) -> &str {
    if writing.form.id.is_empty() {
        "new"
    } else {
        &writing.form.id
    }
}

fn actions(writing: &Writing) -> AnyView {
    let remaining = writing
        .look
        .audience
        .as_ref()
        .filter(|audience| writing.look.already > 0 && writing.form.skips_already() && audience.will_send > 0);
    let send = match remaining {
        Some(audience) => format!(
            "Send to the remaining {}",
            crate::recipients::model::grouped(audience.will_send)
        ),
        None => "Send now".to_owned(),
    };
    let keep = |intent: Intent, words: &'static str| {
        view! { <button class="btn quiet" type="submit" name="intent" value=intent.key()>{words}</button> }
    };
    match writing.kind {
        Kind::Campaign => view! {
            <div class="acts">
                <button class="btn primary only-scheduled" type="submit" formaction=ScheduleCampaign::url()>"Schedule send"</button>
                <button class="btn primary sn" type="submit" formaction=SendCampaign::url()>{send}</button>
                <button class="btn" type="submit" name="intent" value=Intent::Draft.key() aria-keyshortcuts="Control+S Meta+S">
                    "Save as draft"
                </button>
                <span class="hint keys" id="save-keys" aria-hidden="true" hidden><kbd id="save-key">"Ctrl"</kbd>" "<kbd>"S"</kbd></span>
            </div>
        }
        .into_any(),
        Kind::Bulk => view! {
            <div class="acts">
                <button class="btn primary" type="submit" formaction=SendBulkEmail::url()>{send}</button>
                {keep(Intent::AsCampaign, "Make this a campaign instead")}
                {writing.saved.then(|| keep(Intent::StartOver, "Start over"))}
            </div>
        }
        .into_any(),
    }
}
