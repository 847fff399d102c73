//! Keeps what is typed: saves in place, asks before leaving, keeps a copy on this device, and
//! takes a second click for what it is.

use std::time::Duration;

use leptos::{form::FromFormData, prelude::*, server_fn::ServerFn, task::spawn_local};
use serde::{Deserialize, Serialize};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    BeforeUnloadEvent, Event, FormData, HtmlButtonElement, HtmlElement, HtmlFormElement, HtmlIFrameElement,
    HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement, KeyboardEvent, Storage, SubmitEvent, UrlSearchParams,
};

use super::dom;
use crate::{
    campaigns::{api::SaveCampaign, model::Saved},
    error::AppError,
};

/// Between two looks at whether a copy is due, in milliseconds.
const EVERY: u64 = 5000;
/// A second click within this is the first one again, in milliseconds.
const TWICE: f64 = 1000.0;
/// A copy older than this is forgotten, in milliseconds.
const FORGET: f64 = 24.0 * 3600.0 * 1000.0;
/// What the names of the copies begin with.
const PREFIX: &str = "loupe:";

/// What is kept on this device.
#[derive(Serialize, Deserialize)]
struct Copy {
    /// Milliseconds since 1970.
    at: f64,
    /// The form, as an address carries it.
    typed: String,
}

#[derive(Clone, Copy)]
struct Keeper {
    key: StoredValue<String>,
    /// Whether a draft can be saved without leaving the page.
    in_place: bool,
    /// What the server has.
    kept: StoredValue<String>,
    said: RwSignal<String>,
    found: RwSignal<Option<(String, String)>>,
    last_press: StoredValue<f64>,
    leaving: StoredValue<bool>,
}

/// Stands at the top of the form.
#[island]
pub fn DraftKeeper(
    /// Whose form it is, and of what: the name of the copy on this device.
    key: String,
    /// Whether "Save as draft" saves without leaving the page.
    in_place: bool,
) -> impl IntoView {
    let keeper = Keeper {
        key: StoredValue::new(key),
        in_place,
        kept: StoredValue::new(String::new()),
        said: RwSignal::new(String::new()),
        found: RwSignal::new(None),
        last_press: StoredValue::new(0.0),
        leaving: StoredValue::new(false),
    };
    Effect::new(move |_| {
        // The other islands put their own fields in place first.
        set_timeout(move || keeper.begin(), Duration::from_millis(50));
    });
    let restore = move |_| {
        if let Some((_, typed)) = keeper.found.get_untracked() {
            put_back(&typed);
            keeper.found.set(None);
        }
    };
    let discard = move |_| {
        keeper.forget();
        keeper.found.set(None);
    };
    view! {
        <div role="status">
            {move || {
                let words = keeper.said.get();
                (!words.is_empty()).then(|| view! { <p class="banner success">{words}</p> })
            }}
            {move || keeper.found.get().map(|(at, _)| view! {
                <div class="banner info">
                    <p>{format!("We kept what you typed at {at} on this device.")}</p>
                    <div class="acts">
                        <button class="btn sm" type="button" on:click=restore>"Restore"</button>
                        <button class="btn quiet sm" type="button" on:click=discard>"Discard"</button>
                    </div>
                </div>
            })}
        </div>
    }
}

impl Keeper {
    fn begin(self) {
        let Some(form) = dom::form() else { return };
        let typed = dom::typed(&form);
        // Somebody may have typed before this ran: then nothing of it is kept yet.
        if dom::is_untouched(&form) {
            self.kept.set_value(typed.clone());
        }
        self.look_for_copy(&typed);
        follow_writing();
        dom::listen(&form, "input", |_| follow_writing());
        dom::listen(&form, "change", |_| follow_writing());
        dom::listen(&form, "submit", move |event| self.submitted(event));
        dom::listen(&document(), "keydown", move |event| self.key(event));
        let window = window();
        dom::listen(&window, "beforeunload", move |event| self.before_leaving(event));
        dom::listen(&window, "pageshow", move |_| {
            self.leaving.set_value(false);
            wake_buttons();
        });
        if let Ok(Some(sign_out)) = document().query_selector("form[action='/api/auth/sign-out']") {
            dom::listen(&sign_out, "submit", |_| forget_all());
        }
        set_interval(move || self.copy(), Duration::from_millis(EVERY));
    }

    fn is_dirty(self) -> bool {
        dom::form().is_some_and(|form| self.kept.with_value(|kept| *kept != dom::typed(&form)))
    }

    fn key(self, event: Event) {
        let Some(event) = event.dyn_ref::<KeyboardEvent>() else {
            return;
        };
        if (event.ctrl_key() || event.meta_key()) && event.key().eq_ignore_ascii_case("s") {
            event.prevent_default();
            let button = document().query_selector("button[value='draft']").ok().flatten();
            if let (Some(form), Some(button)) = (dom::form(), button) {
                let _ = form.request_submit_with_submitter(button.dyn_ref::<HtmlElement>());
            }
        }
    }

    fn before_leaving(self, event: Event) {
        if self.leaving.get_value() || !self.is_dirty() {
            return;
        }
        self.copy();
        event.prevent_default();
        if let Some(event) = event.dyn_ref::<BeforeUnloadEvent>() {
            event.set_return_value("unsaved");
        }
    }

    fn submitted(self, event: Event) {
        let now = js_sys::Date::now();
        if now - self.last_press.get_value() < TWICE {
            event.prevent_default();
            return;
        }
        self.last_press.set_value(now);
        if is_offline() {
            event.prevent_default();
            self.copy();
            self.said
                .set("You're offline. What you type is kept on this device.".to_owned());
            return;
        }
        let button = event.dyn_ref::<SubmitEvent>().and_then(SubmitEvent::submitter);
        let button = button.and_then(|b| b.dyn_into::<HtmlButtonElement>().ok());
        let intent = button.as_ref().map(HtmlButtonElement::value).unwrap_or_default();
        if self.in_place && intent == "draft" && !self.leaving.get_value() {
            event.prevent_default();
            self.save(button);
            return;
        }
        self.leaving.set_value(true);
        self.forget();
        if let Some(button) = button {
            busy(
                &button,
                if matches!(intent.as_str(), "send_now" | "schedule") {
                    "Sending…"
                } else {
                    "Saving…"
                },
            );
        }
    }

    fn save(self, button: Option<HtmlButtonElement>) {
        let Some(form) = dom::form() else { return };
        let typed = dom::typed(&form);
        let Ok(data) = FormData::new_with_form(&form) else {
            return;
        };
        let _ = data.append_with_str("in_place", "true");
        let _ = data.append_with_str("intent", "draft");
        let Ok(call) = SaveCampaign::from_form_data(&data) else {
            return self.leave(button);
        };
        if let Some(button) = &button {
            busy(button, "Saving…");
        }
        spawn_local(async move {
            let answer = call.run_on_client().await;
            wake_buttons();
            // It is done: the next press is another one, however quick.
            self.last_press.set_value(0.0);
            match answer {
                Ok(saved) => self.saved(&saved, typed),
                Err(AppError::Offline) => {
                    self.copy();
                    self.said.set(
                        "Couldn't reach Loupe. Nothing was saved; what you type is kept on this device.".to_owned(),
                    );
                }
                // What can't be done here has a page of its own.
                Err(_) => self.leave(button),
            }
        });
    }

    /// Sends the form as a browser without scripts would.
    fn leave(self, button: Option<HtmlButtonElement>) {
        self.leaving.set_value(true);
        self.last_press.set_value(0.0);
        if let Some(form) = dom::form() {
            let _ = match button {
                Some(button) => form.request_submit_with_submitter(Some(&button)),
                None => form.request_submit(),
            };
        }
    }

    fn saved(self, saved: &Saved, typed: String) {
        self.forget();
        if saved.is_copy {
            self.leaving.set_value(true);
            let _ = window().location().set_href(&saved.path);
            return;
        }
        dom::set_value("campaign-id", &saved.id.to_string());
        dom::set_value("campaign-version", &saved.version.to_string());
        let unnamed = dom::value("name").trim().is_empty();
        if unnamed {
            dom::set_value("name", &saved.name);
        }
        // What was typed while it was being saved is not kept yet.
        let now = dom::form().map(|form| dom::typed(&form)).unwrap_or_default();
        self.kept.set_value(if unnamed { now } else { typed });
        self.said.set(saved.words.clone());
        let edit = format!("/marketing/campaigns/{}/edit", saved.id);
        if let Ok(history) = window().history() {
            let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&edit));
        }
        if let Some(note) = document().get_element_by_id("saved-note") {
            note.set_text_content(Some(&saved.words));
        }
        if let Some(frame) = dom::by_id::<HtmlIFrameElement>("preview-frame") {
            frame.set_src(&frame.src());
        }
        if let Some(link) = dom::by_id::<HtmlElement>("see-preview") {
            let _ = link.set_attribute("href", &format!("{edit}#preview"));
            link.set_hidden(false);
        }
    }

    fn copy(self) {
        let Some(form) = dom::form() else { return };
        if !self.is_dirty() {
            return;
        }
        let copy = Copy {
            at: js_sys::Date::now(),
            typed: dom::typed(&form),
        };
        if let (Some(storage), Ok(json)) = (storage(), serde_json::to_string(&copy)) {
            let _ = storage.set_item(&self.name(), &json);
        }
    }

    fn name(self) -> String {
        self.key.with_value(|key| format!("{PREFIX}{key}"))
    }

    fn forget(self) {
        if let Some(storage) = storage() {
            let _ = storage.remove_item(&self.name());
        }
    }

    fn look_for_copy(self, typed: &str) {
        let json = storage().and_then(|s| s.get_item(&self.name()).ok().flatten());
        let Some(copy) = json.and_then(|json| serde_json::from_str::<Copy>(&json).ok()) else {
            return;
        };
        if copy.typed == typed || js_sys::Date::now() - copy.at > FORGET {
            self.forget();
            return;
        }
        self.found.set(Some((clock(copy.at), copy.typed)));
    }
}

fn storage() -> Option<Storage> {
    window().session_storage().ok().flatten()
}

/// On a computer that several people use, nothing stays behind.
fn forget_all() {
    let Some(storage) = storage() else { return };
    let names: Vec<String> = (0..storage.length().unwrap_or(0))
        .filter_map(|i| storage.key(i).ok().flatten())
        .collect();
    for name in names.iter().filter(|n| n.starts_with(PREFIX)) {
        let _ = storage.remove_item(name);
    }
}

fn is_offline() -> bool {
    let online = |window: &JsValue| {
        let navigator = js_sys::Reflect::get(window, &"navigator".into()).ok()?;
        js_sys::Reflect::get(&navigator, &"onLine".into()).ok()?.as_bool()
    };
    online(&window()) == Some(false)
}

/// `10:02 am`, on the clock of this device.
fn clock(at: f64) -> String {
    let date = js_sys::Date::new(&at.into());
    let hours = date.get_hours();
    let half = if hours < 12 { "am" } else { "pm" };
    format!("{}:{:02} {half}", (hours + 11) % 12 + 1, date.get_minutes())
}

/// While something is on its way a button says so; it is never disabled.
fn busy(button: &HtmlButtonElement, words: &str) {
    if button.get_attribute("data-words").is_none() {
        let _ = button.set_attribute("data-words", &button.text_content().unwrap_or_default());
    }
    let _ = button.set_attribute("aria-disabled", "true");
    button.set_text_content(Some(words));
}

fn wake_buttons() {
    let Ok(buttons) = document().query_selector_all("button[data-words]") else {
        return;
    };
    for button in (0..buttons.length()).filter_map(|i| buttons.item(i)) {
        if let Some(button) = button.dyn_ref::<HtmlButtonElement>() {
            let words = button.get_attribute("data-words");
            button.set_text_content(words.as_deref());
            let _ = button.remove_attribute("aria-disabled");
            let _ = button.remove_attribute("data-words");
        }
    }
}

/// What follows the writing: the length of the subject, and which fields want a fallback.
fn follow_writing() {
    let (subject, body) = (dom::value("subject"), dom::value("body"));
    if let Some(count) = document().get_element_by_id("subject-count") {
        let n = subject.trim().chars().count();
        count.set_text_content(Some(&format!(
            "{n} {}",
            if n == 1 { "character" } else { "characters" }
        )));
    }
    let mut any = false;
    for field in ["first_name", "last_name", "next_anniversary"] {
        let used = uses(&subject, field) || uses(&body, field);
        any |= used;
        if let Some(row) = dom::by_id::<HtmlElement>(&format!("fallback-row-{field}")) {
            row.set_hidden(!used);
        }
    }
    if let Some(table) = dom::by_id::<HtmlElement>("fallbacks") {
        table.set_hidden(!any);
    }
}

fn uses(text: &str, field: &str) -> bool {
    text.split("{{")
        .skip(1)
        .any(|rest| rest.trim_start().starts_with(field))
}

/// Puts a copy back into the fields that take text, ticks and choices.
fn put_back(typed: &str) {
    let (Some(form), Ok(pairs)) = (dom::form(), UrlSearchParams::new_with_str(typed)) else {
        return;
    };
    let fields = form.elements();
    for field in (0..fields.length()).filter_map(|i| fields.item(i)) {
        let name = field.get_attribute("name").unwrap_or_default();
        if let Some(input) = field.dyn_ref::<HtmlInputElement>() {
            match input.type_().as_str() {
                "checkbox" | "radio" => {
                    let value = input.value();
                    input.set_checked(
                        pairs
                            .get_all(&name)
                            .iter()
                            .any(|v| v.as_string().as_ref() == Some(&value)),
                    );
                }
                "hidden" => {}
                _ => put_text(&pairs, &name, |text| input.set_value(text)),
            }
        } else if let Some(area) = field.dyn_ref::<HtmlTextAreaElement>() {
            put_text(&pairs, &name, |text| area.set_value(text));
        } else if let Some(select) = field.dyn_ref::<HtmlSelectElement>() {
            put_text(&pairs, &name, |text| select.set_value(text));
        }
    }
    announce(&form);
}

fn put_text(pairs: &UrlSearchParams, name: &str, put: impl Fn(&str)) {
    if let Some(text) = pairs.get(name) {
        put(&text);
    }
}

fn announce(form: &HtmlFormElement) {
    if let Ok(event) = Event::new("change") {
        let _ = form.dispatch_event(&event);
    }
}
