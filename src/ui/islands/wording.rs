//! A chosen template fills in subject and body, with a question first when something would be
//! lost, and a way back.

use leptos::{prelude::*, task::spawn_local};
use web_sys::HtmlElement;

use super::dom;
use crate::campaigns::{api::template_text, model::TemplateWording};

#[derive(Clone, Debug)]
enum Offer {
    Nothing,
    /// Something is written already.
    Ask(TemplateWording),
    /// Filled in; what stood there before.
    Filled {
        name: String,
        before: (String, String),
    },
    Failed,
}

/// Stands under the template's field.
#[island]
pub fn TemplateFill() -> impl IntoView {
    let offer = RwSignal::new(Offer::Nothing);
    // What the last template put there: that may be replaced without asking.
    let ours = StoredValue::new((String::new(), String::new()));
    let fill = move |wording: TemplateWording| {
        let before = (dom::value("subject"), dom::value("body"));
        put(&wording.subject, &wording.body);
        // As the browser keeps it, which may differ in line breaks.
        ours.set_value((dom::value("subject"), dom::value("body")));
        offer.set(Offer::Filled {
            name: wording.name,
            before,
        });
    };
    let choose = move || {
        let Ok(id) = dom::value("template").parse::<i64>() else {
            offer.set(Offer::Nothing);
            return;
        };
        spawn_local(async move {
            match template_text(id).await {
                Ok(wording) => {
                    let now = (dom::value("subject"), dom::value("body"));
                    let blank = now.0.trim().is_empty() && now.1.trim().is_empty();
                    if blank || ours.with_value(|ours| *ours == now) {
                        fill(wording);
                    } else {
                        offer.set(Offer::Ask(wording));
                    }
                }
                Err(_) => offer.set(Offer::Failed),
            }
        });
    };
    Effect::new(move |_| {
        if let Some(button) = dom::by_id::<HtmlElement>("use-template") {
            button.set_hidden(true);
        }
        if let Some(select) = dom::by_id::<HtmlElement>("template") {
            dom::listen(&select, "change", move |_| choose());
        }
    });
    let undo = move |_| {
        if let Offer::Filled {
            before: (subject, body),
            ..
        } = offer.get_untracked()
        {
            put(&subject, &body);
            offer.set(Offer::Nothing);
        }
    };
    let replace = move |_| {
        if let Offer::Ask(wording) = offer.get_untracked() {
            fill(wording);
        }
    };
    let keep = move |_| offer.set(Offer::Nothing);
    view! {
        <div role="status" class="inline filled-note">
            {move || match offer.get() {
                Offer::Nothing => ().into_any(),
                Offer::Ask(_) => view! {
                    <span>"Replace what you've written?"</span>
                    <button class="btn sm" type="button" on:click=replace>"Replace"</button>
                    <button class="btn quiet sm" type="button" on:click=keep>"Keep mine"</button>
                }.into_any(),
                Offer::Filled { name, .. } => view! {
                    <span>{format!("Subject and body filled from '{name}'.")}</span>
                    <button class="btn quiet sm" type="button" on:click=undo>"Undo"</button>
                }.into_any(),
                Offer::Failed => view! { <span>"Couldn't load the template. Try again."</span> }.into_any(),
            }}
        </div>
    }
}

fn put(subject: &str, body: &str) {
    dom::set_value("subject", subject);
    dom::set_value("body", body);
    dom::announce_change();
}
