//! What the buttons of the form do where scripts run: each is a server function, and its answer is
//! shown without loading the page unless it leads to another one.

use leptos::prelude::*;
use wasm_bindgen::JsValue;
use web_sys::HtmlIFrameElement;

use super::{
    dom,
    draft_autosave::Autosave,
    editing::{Editing, Press},
    note::{Act, Note},
};
use crate::{
    campaigns::{
        api::{Preflight, SaveBulkEmail, SaveCampaign, ScheduleCampaign, SendBulkEmail, SendCampaign},
        model::{CampaignForm, Intent, Kind, Saved},
        preflight::model::{PreflightView, Question},
    },
    error::AppError,
};

/// The server functions of the form.
#[derive(Clone, Copy)]
pub struct Saving {
    editing: Editing,
    autosave: Autosave,
    note: RwSignal<Option<Note>>,
    /// What is asked before this send.
    pub question: RwSignal<Option<Question>>,
    /// When a button was pressed last, until it has been answered.
    pub pressed_at: StoredValue<f64>,
    save: ServerAction<SaveCampaign>,
    schedule: ServerAction<ScheduleCampaign>,
    look: ServerAction<Preflight>,
    send: ServerAction<SendCampaign>,
    save_bulk: ServerAction<SaveBulkEmail>,
    send_bulk: ServerAction<SendBulkEmail>,
}

impl Saving {
    pub fn new(editing: Editing, autosave: Autosave, note: RwSignal<Option<Note>>) -> Self {
        Self {
            editing,
            autosave,
            note,
            question: RwSignal::new(None),
            pressed_at: StoredValue::new(0.0),
            save: ServerAction::new(),
            schedule: ServerAction::new(),
            look: ServerAction::new(),
            send: ServerAction::new(),
            save_bulk: ServerAction::new(),
            send_bulk: ServerAction::new(),
        }
    }

    /// Does what a button says.
    pub fn press(self, press: Press, mut form: CampaignForm) {
        self.editing.busy.set(Some(press));
        self.autosave.sends();
        match (press, self.editing.kind) {
            (Press::Keep(intent), Kind::Campaign) => {
                self.save.dispatch(SaveCampaign {
                    form,
                    intent: intent.key().to_owned(),
                    in_place: "true".to_owned(),
                });
            }
            (Press::Keep(intent), Kind::Bulk) => {
                self.save_bulk.dispatch(SaveBulkEmail {
                    form,
                    intent: intent.key().to_owned(),
                });
            }
            (Press::Schedule, _) => {
                self.schedule.dispatch(ScheduleCampaign { form });
            }
            (Press::Send, kind) => {
                self.look.dispatch(Preflight {
                    form,
                    kind: kind.key().to_owned(),
                    sending: "true".to_owned(),
                });
            }
            (Press::Confirm, _) => {
                if let Some(count) = self.question.with_untracked(|q| q.as_ref().map(|q| q.count)) {
                    form.shown_count = count.to_string();
                }
                self.send(form, "true");
            }
        }
    }

    fn send(self, form: CampaignForm, confirmed: &str) {
        let confirmed = confirmed.to_owned();
        match self.editing.kind {
            Kind::Campaign => {
                self.send.dispatch(SendCampaign { form, confirmed });
            }
            Kind::Bulk => {
                self.send_bulk.dispatch(SendBulkEmail { form, confirmed });
            }
        }
    }

    /// Shows the answers as they come.
    pub fn show_answers(self) {
        Effect::new(move |_| self.show(self.save.value().get(), move |saved, press| self.saved(&saved, press)));
        Effect::new(move |_| {
            self.show(self.schedule.value().get(), move |saved, _| {
                self.autosave.go(&saved.path)
            })
        });
        Effect::new(move |_| self.show(self.send.value().get(), move |saved, _| self.autosave.go(&saved.path)));
        Effect::new(move |_| self.show(self.save_bulk.value().get(), move |path, _| self.autosave.go(&path)));
        Effect::new(move |_| self.show(self.send_bulk.value().get(), move |path, _| self.autosave.go(&path)));
        Effect::new(move |_| self.show(self.look.value().get(), move |looked, _| self.looked(looked)));
    }

    fn show<T>(self, answer: Option<Result<T, AppError>>, done: impl FnOnce(T, Option<Press>)) {
        let press = self.editing.busy.get_untracked();
        match answer {
            None => {}
            Some(Ok(answer)) => {
                self.forget_press();
                done(answer, press);
            }
            Some(Err(error)) => {
                self.forget_press();
                self.question.set(None);
                self.refused(error, press);
            }
        }
    }

    /// It is answered: the next press is another one, however quick.
    pub fn forget_press(self) {
        self.editing.busy.set(None);
        self.pressed_at.set_value(0.0);
    }

    fn looked(self, looked: PreflightView) {
        match looked.question {
            Some(question) => self.question.set(Some(question)),
            None => {
                if let Some(form) = self.editing.read() {
                    self.editing.busy.set(Some(Press::Send));
                    self.pressed_at.set_value(js_sys::Date::now());
                    self.send(form, "");
                }
            }
        }
    }

    /// A draft that is kept stays in the page; whatever else was asked leads to a place in it.
    fn saved(self, saved: &Saved, press: Option<Press>) {
        let in_place = press.is_none_or(|press| press == Press::Keep(Intent::Draft));
        if saved.is_copy || !in_place {
            return self.autosave.go(&saved.path);
        }
        self.editing.put("id", &saved.id.to_string());
        self.editing.put("version", &saved.version.to_string());
        if self.editing.read().is_some_and(|form| form.name.trim().is_empty()) {
            self.editing.put("name", &saved.name);
            self.editing.read();
        }
        self.autosave.is_kept();
        self.note.set(Some(Note::new("success", saved.words.clone())));
        let edit = format!("/marketing/campaigns/{}/edit", saved.id);
        if let Ok(history) = window().history() {
            let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&edit));
        }
        dom::say("saved-note", &saved.words);
        if let Some(frame) = dom::by_id::<HtmlIFrameElement>("preview-frame") {
            frame.set_src(&frame.src());
        }
    }

    /// What can't be done has a page that says why, or is said here.
    fn refused(self, error: AppError, press: Option<Press>) {
        match error {
            AppError::Invalid {
                kept_at: Some(path), ..
            } => self.autosave.go(&path),
            AppError::Locked { campaign } => self.autosave.go(&format!("/marketing/campaigns/{campaign}/edit")),
            AppError::SignedOut => self.signed_out(),
            AppError::Offline | AppError::Unavailable { .. } => {
                self.autosave.back_up();
                self.note.set(Some(Note::new("warning", lost(press))));
            }
            AppError::Refused {
                words,
                back_to: Some(path),
            } => {
                self.autosave.back_up();
                let leave = Callback::new(move |()| self.autosave.leaves_with_copy());
                let look = Act::Link("Have a look", path, leave);
                self.note.set(Some(Note::new("warning", words).with(look)));
            }
            other => {
                self.autosave.back_up();
                self.note.set(Some(Note::new("warning", other.to_string())));
            }
        }
    }

    /// The session has ended: what is typed waits on this device until they are back.
    fn signed_out(self) {
        self.autosave.back_up();
        let back = window().location().pathname().unwrap_or_default();
        let words = "You were signed out. Sign in to carry on: what you typed is kept on this device.";
        let leave = Callback::new(move |()| self.autosave.leaves_with_copy());
        let sign_in = Act::Link("Sign in", format!("/login?next={back}"), leave);
        self.note.set(Some(Note::new("warning", words).with(sign_in)));
    }
}

fn lost(press: Option<Press>) -> &'static str {
    match press {
        Some(Press::Send | Press::Confirm) => {
            "Couldn't reach Loupe, so it isn't known whether this was sent. Press Send now again: nobody gets it twice."
        }
        Some(Press::Schedule) => {
            "Couldn't reach Loupe. What you type is kept on this device; press Schedule send again."
        }
        _ => "Couldn't reach Loupe. What you type is kept on this device; press Save as draft again.",
    }
}
