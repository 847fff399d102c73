//! The form for writing, alive: it keeps, sends and schedules through the server functions whose
//! plain form it is, and shows what they answer.

use std::time::Duration;

use leptos::{ev, prelude::*};
use web_sys::{BeforeUnloadEvent, KeyboardEvent, SubmitEvent};

use super::{
    device,
    draft_autosave::Autosave,
    editing::{Editing, Press},
    note::{Note, Notes},
    preflight::AskFirst,
    saving::Saving,
    toolbar,
};
use crate::campaigns::model::Kind;

/// A second click within this is the first one again, in milliseconds.
const TWICE: f64 = 1000.0;

/// The form and what stands above and below it; the fields inside are the server's.
#[island]
pub fn CampaignEditor(
    /// Whose form it is, and of what: the name of the copy on this device.
    key: String,
    kind: Kind,
    action: String,
    /// Whether nothing is really mailed.
    outbox: bool,
    children: Children,
) -> impl IntoView {
    let editing = Editing::new(kind);
    provide_context(editing);
    let note = RwSignal::new(None::<Note>);
    let autosave = Autosave::new(editing, key, note);
    let saving = Saving::new(editing, autosave, note);
    saving.show_answers();
    Effect::new(move |_| {
        if editing.form.get().is_some() {
            // The islands inside wake first: they expect the form as the server drew it.
            set_timeout(move || awaken(editing, autosave, saving), Duration::ZERO);
        }
    });
    let label = match kind {
        Kind::Campaign => "Campaign",
        Kind::Bulk => "Bulk email",
    };
    let changed = move || {
        editing.read();
    };
    view! {
        <Notes note/>
        <form id="writing" node_ref=editing.form method="post" action=action novalidate aria-label=label
            on:input=move |_| changed() on:change=move |_| changed()
            on:submit=move |event| submitted(&event, editing, autosave, saving)>
            {children()}
        </form>
        <AskFirst editing question=saving.question outbox/>
    }
}

fn awaken(editing: Editing, autosave: Autosave, saving: Saving) {
    autosave.begin();
    editing.read();
    toolbar::attach();
    window_event_listener(ev::keydown, move |event| shortcut(&event, editing, saving));
    window_event_listener(ev::beforeunload, move |event: BeforeUnloadEvent| {
        if autosave.is_left_behind() {
            event.prevent_default();
            event.set_return_value("unsaved");
        }
    });
    window_event_listener(ev::offline, move |_| autosave.go_offline());
    window_event_listener(ev::online, move |_| autosave.say("info", "Back online."));
    window_event_listener(ev::pageshow, move |_| {
        autosave.stay();
        saving.forget_press();
    });
    // Tests may wait for this; people need not.
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-hydrated", "");
    }
}

fn shortcut(event: &KeyboardEvent, editing: Editing, saving: Saving) {
    if (event.ctrl_key() || event.meta_key()) && event.key() == "s" {
        event.prevent_default();
        if saving.question.with_untracked(Option::is_none) {
            editing.click("button[value='draft']");
        }
    }
}

fn submitted(event: &SubmitEvent, editing: Editing, autosave: Autosave, saving: Saving) {
    let Some(form) = editing.read() else { return };
    event.prevent_default();
    let now = js_sys::Date::now();
    if now - saving.pressed_at.get_value() < TWICE {
        return;
    }
    if device::is_offline() {
        saving.question.set(None);
        return autosave.go_offline();
    }
    saving.pressed_at.set_value(now);
    saving.press(Press::of(event, &form), form);
}
