//! The buttons below the form. While something is on its way its button says so; it is never
//! disabled.

use leptos::{either::Either, prelude::*, server_fn::ServerFn};

use super::{
    device,
    editing::{Editing, Press},
};
use crate::campaigns::{
    api::{ScheduleCampaign, SendBulkEmail, SendCampaign},
    model::{Intent, Kind},
};

/// `send` is what the button that sends says; `saved`, whether something is kept that can be
/// thrown away.
#[island]
pub fn EditorButtons(kind: Kind, send: String, saved: bool) -> impl IntoView {
    let editing = Editing::here();
    let is_busy = move |press: Press| editing.is_some_and(|editing| editing.busy.get() == Some(press));
    let waiting = move |press: Press| move || is_busy(press).then_some("true");
    let words = move |press: Press, idle: &str, busy: &'static str| {
        let idle = idle.to_owned();
        move || if is_busy(press) { busy.to_owned() } else { idle.clone() }
    };
    let keep = move |intent: Intent, idle: &'static str| {
        let press = Press::Keep(intent);
        view! {
            <button class="btn quiet" type="submit" name="intent" value=intent.key() aria-disabled=waiting(press)>
                {words(press, idle, "Saving…")}
            </button>
        }
    };
    match kind {
        Kind::Campaign => Either::Left(view! {
            <div class="acts">
                <button class="btn primary only-scheduled" type="submit" formaction=ScheduleCampaign::url()
                    aria-disabled=waiting(Press::Schedule)>{words(Press::Schedule, "Schedule send", "Saving…")}</button>
                <button class="btn primary sn" type="submit" formaction=SendCampaign::url()
                    aria-disabled=waiting(Press::Send)>{words(Press::Send, &send, "Checking…")}</button>
                <button class="btn" type="submit" name="intent" value=Intent::Draft.key() aria-keyshortcuts="Control+S Meta+S"
                    aria-disabled=waiting(Press::Keep(Intent::Draft))>
                    {words(Press::Keep(Intent::Draft), "Save as draft", "Saving…")}
                </button>
                {move || editing.is_some_and(Editing::is_awake).then(|| view! {
                    <span class="hint keys" aria-hidden="true"><kbd>{device::command_key()}</kbd>" "<kbd>"S"</kbd></span>
                })}
            </div>
        }),
        Kind::Bulk => Either::Right(view! {
            <div class="acts">
                <button class="btn primary" type="submit" formaction=SendBulkEmail::url()
                    aria-disabled=waiting(Press::Send)>{words(Press::Send, &send, "Checking…")}</button>
                {keep(Intent::AsCampaign, "Make this a campaign instead")}
                {saved.then(|| keep(Intent::StartOver, "Start over"))}
            </div>
        }),
    }
}
