//! A sent or sending campaign is a record.

use leptos::prelude::*;

use super::{Banner, PageHead, Tone};

/// What is shown instead of editing a campaign that went out: why, and the way to go on.
#[component]
pub fn LockedCampaign(
    campaign: i64,
    may_send: bool,
    /// Who sends it, and how far it is, while that is so.
    under_way: Option<String>,
) -> impl IntoView {
    view! {
        <PageHead title="Cannot edit a sent or sending campaign"
            words="It needs to stay as the campaign that actually went out, so the record is true."/>
        {under_way.map(|words| view! { <Banner tone=Tone::Info><p>{words}</p></Banner> })}
        <div class="acts">
            {may_send.then(|| view! {
                <form method="post" action="/api/campaigns/duplicate">
                    <input type="hidden" name="id" value=campaign.to_string()/>
                    <button class="btn primary" type="submit" aria-describedby="duplicate-hint">"Duplicate"</button>
                </form>
            })}
            <a class="btn" href=format!("/marketing/campaigns/{campaign}")>"View results"</a>
        </div>
        {may_send.then(|| view! {
            <p class="hint below" id="duplicate-hint">
                "Copies the recipients, subject, body and template into a new draft."
            </p>
        })}
    }
}
