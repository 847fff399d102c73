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
        api::{SaveBulkEmail, SaveCampaign},
        model::ENTER,
    },
    ui::{
        components::ErrorSummary,
        islands::{buttons::EditorButtons, campaign_editor::CampaignEditor},
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
    let hidden = |name: &'static str, value: &str| {
        view! { <input type="hidden" name=name value=value.to_owned()/> }
    };
    view! {
        <ErrorSummary problems=writing.problems.clone()/>
        <CampaignEditor key kind action=action.to_owned() outbox=uses_outbox>
            <div class="f">
            // What Enter in a field presses.
            <button class="vh" type="submit" name="intent" value=ENTER tabindex="-1" aria-hidden="true">"Save"</button>
            {campaign.then(|| view! {
                {hidden("id", &writing.form.id)}
                {hidden("version", &writing.form.version)}
            })}
            {hidden("send_token", &writing.form.send_token)}
            {hidden("of_send", &writing.form.of_send)}
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
        .preflight
        .audience
        .as_ref()
        .filter(|audience| writing.preflight.already > 0 && writing.form.skips_already() && audience.will_send > 0);
    let send = match remaining {
        Some(audience) => format!("Send to the remaining {}", crate::text::grouped(audience.will_send)),
        None => "Send now".to_owned(),
    };
    view! { <EditorButtons kind=writing.kind send saved=writing.saved/> }.into_any()
}
