//! Looking at the form before it goes: the checks beside it, kept up to date, and the question
//! that some sends ask first.

use std::time::Duration;

use leptos::{either::Either, html, prelude::*, server_fn::ServerFn};

use super::{
    debounce::debounced,
    editing::{Editing, Press},
};
use crate::{
    campaigns::{
        api::{SendBulkEmail, SendCampaign, preflight},
        model::Kind,
        preflight::model::{Check, CheckStatus, Question},
    },
    ui::components::{QuestionFacts, StandingIcon},
};

/// After the last change, before asking.
const DEBOUNCE: Duration = Duration::from_millis(400);

/// What is right, worth a look, or to be mended. Without scripts that is what was last saved, so
/// there is nothing to say before. Until somebody has tried to send it, what is missing is only
/// still to do.
#[island]
pub fn Checks(start: Vec<Check>, saved: bool, tried: bool) -> impl IntoView {
    let editing = Editing::here();
    let kind = editing.map_or(Kind::Campaign, |editing| editing.kind);
    let written = Editing::follow(editing, None, |form| Some(form.written()));
    let settled = debounced(written, DEBOUNCE);
    let view = LocalResource::new(move || {
        let written = settled.get();
        async move {
            match written {
                Some(form) => preflight(form, kind.key().to_owned(), String::new()).await.ok(),
                None => None,
            }
        }
    });
    // What could not be asked leaves what stands there.
    let checks = Memo::new(move |before: Option<&Vec<Check>>| match view.get().flatten() {
        Some(view) => view.checks,
        None => before.unwrap_or(&start).clone(),
    });
    let awake = move || editing.is_some_and(Editing::is_awake);
    let lines = move || {
        checks
            .get()
            .into_iter()
            .map(|check| view! { <Line check tried/> })
            .collect_view()
    };
    view! {
        <section class="card pad" aria-labelledby="checks-title" hidden=move || !saved && !awake()>
            <h2 id="checks-title">"Checks"</h2>
            <p class="hint" hidden=awake>"Of what was last saved"</p>
            <ul class="checks">{lines}</ul>
        </section>
    }
}

#[component]
fn Line(check: Check, tried: bool) -> impl IntoView {
    let to_do = check.status == CheckStatus::Fix && !tried;
    let word = if to_do { "To do" } else { check.status.word() };
    let place = check.leads_to().map(|field| format!("#{field}"));
    let words = match place {
        Some(place) => Either::Left(view! { <a href=place>{check.words}</a> }),
        None => Either::Right(check.words),
    };
    view! {
        <li>
            <StandingIcon status=check.status to_do/>
            <b>{word}</b>" "<span>{words}</span>
        </li>
    }
}

/// The question, as a dialog: its button sends the form, with the count that stands there. Without
/// scripts the same is asked on a page of its own.
#[component]
pub fn AskFirst(editing: Editing, question: RwSignal<Option<Question>>, outbox: bool) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let title = NodeRef::<html::H2>::new();
    Effect::new(move |_| {
        let Some(dialog) = dialog.get() else { return };
        match question.with(Option::is_some) {
            true if !dialog.open() => {
                let _ = dialog.show_modal();
                if let Some(title) = title.get_untracked() {
                    let _ = title.focus();
                }
            }
            false if dialog.open() => dialog.close(),
            _ => {}
        }
    });
    let action = match editing.kind {
        Kind::Campaign => SendCampaign::url(),
        Kind::Bulk => SendBulkEmail::url(),
    };
    let closed = move |_| {
        question.set(None);
        editing.focus_on(&format!("button[formaction='{action}']"));
    };
    let words = move |part: fn(&Question) -> &String| move || question.with(|q| q.as_ref().map(part).cloned());
    let facts = move || {
        question
            .get()
            .map(|question| view! { <QuestionFacts question outbox/> })
    };
    let busy = move || editing.busy.get() == Some(Press::Confirm);
    view! {
        <dialog node_ref=dialog aria-labelledby="ask" on:close=closed>
            <h2 id="ask" tabindex="-1" node_ref=title>{words(|question| &question.title)}</h2>
            {facts}
            <div class="acts">
                <button class="btn" type="button" on:click=move |_| question.set(None)>"Cancel"</button>
                <button class="btn primary" type="submit" form="writing" formaction=action name="confirmed" value="true"
                    aria-disabled=move || busy().then_some("true")>
                    {move || if busy() { Some("Sending…".to_owned()) } else { words(|question| &question.button)() }}
                </button>
            </div>
        </dialog>
    }
}
