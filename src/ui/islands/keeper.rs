//! Keeps what is typed: saves in place, asks before leaving, keeps a copy on this device, and
//! takes a second click for what it is.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use js_sys::{Function, Object, Promise, Reflect};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{
    BeforeUnloadEvent, Element, Event, HtmlButtonElement, HtmlFormElement, HtmlIFrameElement, HtmlInputElement,
    HtmlSelectElement, HtmlTextAreaElement, KeyboardEvent, Storage, SubmitEvent, UrlSearchParams,
};

use super::dom::{self, fill, make, put, say};
use crate::campaigns::model::Saved;

/// Between two looks at whether a copy is due.
const EVERY: Duration = Duration::from_secs(5);
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

struct Keeper {
    form: HtmlFormElement,
    /// The name of the copy.
    name: String,
    /// Whether a draft can be saved without leaving the page.
    in_place: bool,
    /// What the server has.
    kept: RefCell<String>,
    last_press: Cell<f64>,
    leaving: Cell<bool>,
}

/// Wakes it.
pub fn wake(form: &HtmlFormElement, key: String, in_place: bool, untouched: bool) {
    let typed = dom::typed(form);
    let keeper = Rc::new(Keeper {
        form: form.clone(),
        name: format!("{PREFIX}{key}"),
        in_place,
        // What was typed before this ran is not kept yet.
        kept: RefCell::new(if untouched { typed.clone() } else { String::new() }),
        last_press: Cell::new(0.0),
        leaving: Cell::new(false),
    });
    look_for_copy(&keeper, &typed);
    follow_writing();
    let on = |target: &web_sys::EventTarget, event: &str, act: fn(&Rc<Keeper>, Event)| {
        let keeper = keeper.clone();
        dom::listen(target, event, move |event| act(&keeper, event));
    };
    on(form, "input", |_, _| follow_writing());
    on(form, "change", |_, _| follow_writing());
    on(form, "submit", submitted);
    on(&document(), "keydown", key_pressed);
    on(&window(), "beforeunload", before_leaving);
    on(&window(), "pageshow", |keeper, _| {
        keeper.leaving.set(false);
        wake_buttons();
    });
    for sign_out in dom::all("form[action='/api/auth/sign-out']") {
        on(&sign_out, "submit", |_, _| forget_all());
    }
    set_interval(move || copy(&keeper), EVERY);
}

fn is_dirty(keeper: &Keeper) -> bool {
    *keeper.kept.borrow() != dom::typed(&keeper.form)
}

fn key_pressed(keeper: &Rc<Keeper>, event: Event) {
    let Some(event) = event.dyn_ref::<KeyboardEvent>() else {
        return;
    };
    if (event.ctrl_key() || event.meta_key()) && event.key() == "s" {
        event.prevent_default();
        if let Some(button) = dom::all("button[value='draft']").first() {
            let _ = keeper.form.request_submit_with_submitter(button.dyn_ref());
        }
    }
}

fn before_leaving(keeper: &Rc<Keeper>, event: Event) {
    if keeper.leaving.get() || !is_dirty(keeper) {
        return;
    }
    copy(keeper);
    event.prevent_default();
    if let Some(event) = event.dyn_ref::<BeforeUnloadEvent>() {
        event.set_return_value("unsaved");
    }
}

fn submitted(keeper: &Rc<Keeper>, event: Event) {
    let now = js_sys::Date::now();
    if now - keeper.last_press.get() < TWICE {
        event.prevent_default();
        return;
    }
    keeper.last_press.set(now);
    if is_offline() {
        event.prevent_default();
        copy(keeper);
        tell("warning", "You're offline. What you type is kept on this device.");
        return;
    }
    let button = event.dyn_ref::<SubmitEvent>().and_then(SubmitEvent::submitter);
    let button = button.and_then(|b| b.dyn_into::<HtmlButtonElement>().ok());
    let intent = button.as_ref().map(HtmlButtonElement::value).unwrap_or_default();
    if keeper.in_place && intent == "draft" && !keeper.leaving.get() {
        event.prevent_default();
        save(keeper, button);
        return;
    }
    keeper.leaving.set(true);
    forget(keeper);
    if let Some(button) = button {
        busy(
            &button,
            if intent == "send_now" {
                "Sending…"
            } else {
                "Saving…"
            },
        );
    }
}

fn save(keeper: &Rc<Keeper>, button: Option<HtmlButtonElement>) {
    let typed = dom::typed(&keeper.form);
    let Some(body) = dom::pairs(&keeper.form, &[]) else {
        return leave(keeper, button.as_ref());
    };
    body.append("in_place", "true");
    body.append("intent", "draft");
    if let Some(button) = &button {
        busy(button, "Saving…");
    }
    let keeper = keeper.clone();
    let answered = move |answer: Option<(bool, String)>| {
        wake_buttons();
        // It is answered: the next press is another one, however quick.
        keeper.last_press.set(0.0);
        match answer {
            Some((true, json)) => match serde_json::from_str(&json) {
                Ok(saved) => done(&keeper, &saved, typed),
                Err(_) => leave(&keeper, button.as_ref()),
            },
            // What can't be done here has a page of its own.
            Some((false, _)) => leave(&keeper, button.as_ref()),
            None => {
                copy(&keeper);
                tell(
                    "warning",
                    "Couldn't reach Loupe. Nothing was saved; what you type is kept on this device.",
                );
            }
        }
    };
    post("/api/campaigns/save", &body, Box::new(answered));
}

/// What came of a request: whether it was done, and the answer. Nothing when it never arrived.
type Answered = Box<dyn FnOnce(Option<(bool, String)>)>;

/// Posts a form. The typed client would bring a parser and a writer of forms into the page.
fn post(path: &str, body: &UrlSearchParams, answered: Answered) {
    let promise = || -> Result<Promise, JsValue> {
        let (headers, options) = (Object::new(), Object::new());
        Reflect::set(&headers, &"accept".into(), &"application/json".into())?;
        Reflect::set(&options, &"method".into(), &"POST".into())?;
        Reflect::set(&options, &"headers".into(), &headers)?;
        Reflect::set(&options, &"body".into(), body)?;
        let window = JsValue::from(window());
        let fetch: Function = Reflect::get(&window, &"fetch".into())?.dyn_into()?;
        let read = Closure::once_into_js(|response: JsValue| -> Result<JsValue, JsValue> {
            let ok = Reflect::get(&response, &"ok".into())?;
            let text: Function = Reflect::get(&response, &"text".into())?.dyn_into()?;
            let text: Promise = text.call0(&response)?.dyn_into()?;
            Ok(Promise::all(&js_sys::Array::of2(&ok, &text)).into())
        });
        let promise: Promise = fetch.call2(&window, &path.into(), &options)?.dyn_into()?;
        let then: Function = Reflect::get(&promise, &"then".into())?.dyn_into()?;
        then.call1(&promise, &read)?.dyn_into()
    };
    let answered = Rc::new(Cell::new(Some(answered)));
    let lost = answered.clone();
    let fail = Closure::once_into_js(move |_: JsValue| {
        if let Some(answered) = lost.take() {
            answered(None);
        }
    });
    let finish = Closure::once_into_js(move |both: JsValue| {
        let both = js_sys::Array::from(&both);
        if let Some(answered) = answered.take() {
            answered(Some((
                both.get(0).is_truthy(),
                both.get(1).as_string().unwrap_or_default(),
            )));
        }
    });
    if let Ok(promise) = promise()
        && let Ok(then) = Reflect::get(&promise, &"then".into())
        && let Ok(then) = then.dyn_into::<Function>()
    {
        let _ = then.call2(&promise, &finish, &fail);
    }
}

/// Sends the form as a browser without scripts would.
fn leave(keeper: &Keeper, button: Option<&HtmlButtonElement>) {
    keeper.leaving.set(true);
    keeper.last_press.set(0.0);
    let _ = match button {
        Some(button) => keeper.form.request_submit_with_submitter(Some(button)),
        None => keeper.form.request_submit(),
    };
}

fn done(keeper: &Keeper, saved: &Saved, typed: String) {
    forget(keeper);
    if saved.is_copy {
        keeper.leaving.set(true);
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
    keeper
        .kept
        .replace(if unnamed { dom::typed(&keeper.form) } else { typed });
    tell("success", &saved.words);
    let edit = format!("/marketing/campaigns/{}/edit", saved.id);
    if let Ok(history) = window().history() {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&edit));
    }
    say("saved-note", &saved.words);
    if let Some(frame) = dom::by_id::<HtmlIFrameElement>("preview-frame") {
        frame.set_src(&frame.src());
    }
    if let Some(link) = dom::by_id::<Element>("see-preview") {
        let _ = link.set_attribute("href", &format!("{edit}?ok=shown#preview"));
    }
    dom::hide("see-preview", false);
}

/// Says what happened at the top of the form. The element is a live region.
fn tell(tone: &str, words: &str) {
    fill(
        "keeper",
        [put(
            make("div", &[("class", &format!("banner {tone}"))], ""),
            [make("p", &[], words)],
        )],
    );
}

fn copy(keeper: &Rc<Keeper>) {
    if keeper.leaving.get() || !is_dirty(keeper) {
        return;
    }
    let copy = Copy {
        at: js_sys::Date::now(),
        typed: dom::typed(&keeper.form),
    };
    if let (Some(storage), Ok(json)) = (storage(), serde_json::to_string(&copy)) {
        let _ = storage.set_item(&keeper.name, &json);
    }
}

fn forget(keeper: &Keeper) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(&keeper.name);
    }
}

fn look_for_copy(keeper: &Rc<Keeper>, typed: &str) {
    let json = storage().and_then(|s| s.get_item(&keeper.name).ok().flatten());
    let Some(copy) = json.and_then(|json| serde_json::from_str::<Copy>(&json).ok()) else {
        return;
    };
    if copy.typed == typed || js_sys::Date::now() - copy.at > FORGET {
        return forget(keeper);
    }
    let words = format!("We kept what you typed at {} on this device.", clock(copy.at));
    let (restoring, discarding) = (keeper.clone(), keeper.clone());
    let restore = dom::button("btn sm", "Restore", move || {
        put_back(&restoring.form, &copy.typed);
        fill("keeper", []);
    });
    let discard = dom::button("btn quiet sm", "Discard", move || {
        forget(&discarding);
        fill("keeper", []);
    });
    let acts = put(make("div", &[("class", "acts")], ""), [restore, discard]);
    let inside = put(make("div", &[], ""), [make("p", &[], &words), acts]);
    fill("keeper", [put(make("div", &[("class", "banner info")], ""), [inside])]);
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
        let navigator = Reflect::get(window, &"navigator".into()).ok()?;
        Reflect::get(&navigator, &"onLine".into()).ok()?.as_bool()
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
    for button in dom::all("button[data-words]") {
        button.set_text_content(button.get_attribute("data-words").as_deref());
        let _ = button.remove_attribute("aria-disabled");
        let _ = button.remove_attribute("data-words");
    }
}

/// What follows the writing: the length of the subject, and which fields want a fallback.
fn follow_writing() {
    let (subject, body) = (dom::value("subject"), dom::value("body"));
    let n = subject.trim().chars().count();
    say(
        "subject-count",
        &format!("{n} {}", if n == 1 { "character" } else { "characters" }),
    );
    let mut any = false;
    for field in ["first_name", "last_name", "next_anniversary"] {
        let used = uses(&subject, field) || uses(&body, field);
        any |= used;
        dom::hide(&format!("fallback-row-{field}"), !used);
    }
    dom::hide("fallbacks", !any);
}

fn uses(text: &str, field: &str) -> bool {
    text.split("{{")
        .skip(1)
        .any(|rest| rest.trim_start().starts_with(field))
}

/// Puts a copy back into the fields that take text, ticks and choices.
fn put_back(form: &HtmlFormElement, typed: &str) {
    let Ok(pairs) = UrlSearchParams::new_with_str(typed) else {
        return;
    };
    for field in dom::fields(form) {
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
                _ => input.set_value(&pairs.get(&name).unwrap_or_default()),
            }
        } else if let Some(area) = field.dyn_ref::<HtmlTextAreaElement>() {
            area.set_value(&pairs.get(&name).unwrap_or_default());
        } else if let Some(select) = field.dyn_ref::<HtmlSelectElement>() {
            select.set_value(&pairs.get(&name).unwrap_or_default());
        }
    }
    dom::announce_change();
}
