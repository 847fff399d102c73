//! Keeps what is typed: saves in place, asks before leaving, keeps a copy on this device, and
//! takes a second click for what it is.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use js_sys::Reflect;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    BeforeUnloadEvent, Element, Event, HtmlButtonElement, HtmlFormElement, HtmlIFrameElement, KeyboardEvent,
    SubmitEvent,
};

use super::{
    copy,
    dom::{self, fill, make, put, say},
    looking,
    post::{Answer, post},
};
use crate::{
    campaigns::model::{Kind, Saved},
    error::AppError,
};

/// Between two looks at whether a copy is due.
const EVERY: Duration = Duration::from_secs(5);
/// A second click within this is the first one again, in milliseconds.
const TWICE: f64 = 1000.0;

struct Keeper {
    form: HtmlFormElement,
    /// The name of the copy on this device.
    key: String,
    /// See [`crate::campaigns::model::Kind::key`].
    kind: String,
    /// Whether a draft can be saved without leaving the page.
    in_place: bool,
    /// What the server has.
    kept: RefCell<String>,
    last_press: Cell<f64>,
    leaving: Cell<bool>,
}

/// Wakes it.
pub fn wake(form: &HtmlFormElement, key: String, kind: String, untouched: bool) {
    let typed = dom::typed(form);
    let keeper = Rc::new(Keeper {
        form: form.clone(),
        key,
        in_place: kind == Kind::Campaign.key(),
        kind,
        // What was typed before this ran is not kept yet.
        kept: RefCell::new(if untouched { typed.clone() } else { String::new() }),
        last_press: Cell::new(0.0),
        leaving: Cell::new(false),
    });
    look_for_copy(&keeper, &typed);
    follow_writing();
    show_keys();
    let on = |target: &web_sys::EventTarget, event: &str, act: fn(&Rc<Keeper>, Event)| {
        let keeper = keeper.clone();
        dom::listen(target, event, move |event| act(&keeper, event));
    };
    on(form, "input", |_, _| follow_writing());
    on(form, "change", |_, _| follow_writing());
    on(form, "submit", submitted);
    on(&document(), "keydown", key_pressed);
    on(&window(), "beforeunload", before_leaving);
    on(&window(), "offline", |keeper, _| {
        keep_copy(keeper);
        tell_offline();
    });
    on(&window(), "online", |_, _| tell("info", "Back online."));
    on(&window(), "pageshow", |keeper, _| {
        keeper.leaving.set(false);
        wake_buttons();
        looking::close();
    });
    set_interval(move || keep_copy(&keeper), EVERY);
}

fn tell_offline() {
    tell("warning", "You're offline. What you type is kept on this device.");
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
        if !looking::is_asking()
            && let Some(button) = dom::all("button[value='draft']").first()
        {
            let _ = keeper.form.request_submit_with_submitter(button.dyn_ref());
        }
    }
}

fn before_leaving(keeper: &Rc<Keeper>, event: Event) {
    if keeper.leaving.get() || !is_dirty(keeper) {
        return;
    }
    keep_copy(keeper);
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
    if is_offline() {
        event.prevent_default();
        looking::close();
        keep_copy(keeper);
        tell_offline();
        return;
    }
    keeper.last_press.set(now);
    let button = event.dyn_ref::<SubmitEvent>().and_then(SubmitEvent::submitter);
    let button = button.and_then(|b| b.dyn_into::<HtmlButtonElement>().ok());
    let intent = button.as_ref().map(HtmlButtonElement::value).unwrap_or_default();
    if !keeper.leaving.get() {
        event.prevent_default();
        return match intent.as_str() {
            "draft" if keeper.in_place => save(keeper, button),
            _ => ask_first(keeper, button, &intent),
        };
    }
    copy::forget(&keeper.key);
    if let Some(button) = button {
        busy(
            &button,
            match intent.as_str() {
                "send_now" | "send_confirmed" => "Sending…",
                _ => "Saving…",
            },
        );
    }
}

/// Before the form leaves: whether somebody is still signed in, and what this send asks first.
/// Whatever the server can't say now it says on the page the form leads to.
fn ask_first(keeper: &Rc<Keeper>, button: Option<HtmlButtonElement>, intent: &str) {
    if let Some(button) = &button {
        busy(button, "Checking…");
    }
    let asking = keeper.clone();
    looking::look(&keeper.form, &keeper.kind, intent, move |answer| {
        wake_buttons();
        asking.last_press.set(0.0);
        match answer {
            Answer::Done(looked) => match looked.question {
                Some(question) => looking::open(&question),
                None => leave(&asking, button.as_ref()),
            },
            Answer::Refused(AppError::SignedOut) => tell_signed_out(&asking),
            Answer::Refused(_) => leave(&asking, button.as_ref()),
            Answer::Lost => {
                looking::close();
                keep_copy(&asking);
                tell(
                    "warning",
                    "Couldn't reach Loupe. Nothing was sent; what you type is kept on this device.",
                );
            }
        }
    });
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
    post("/api/campaigns/save", &body, move |answer| {
        wake_buttons();
        // It is answered: the next press is another one, however quick.
        keeper.last_press.set(0.0);
        match answer {
            Answer::Done(saved) => done(&keeper, &saved, typed),
            Answer::Refused(AppError::SignedOut) => tell_signed_out(&keeper),
            // What can't be done here has a page of its own.
            Answer::Refused(_) => leave(&keeper, button.as_ref()),
            Answer::Lost => {
                keep_copy(&keeper);
                tell(
                    "warning",
                    "Couldn't reach Loupe. What you type is kept on this device; press Save as draft again.",
                );
            }
        }
    });
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
    copy::forget(&keeper.key);
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
}

/// Says what happened at the top of the form. The element is a live region.
fn tell(tone: &str, words: &str) {
    tell_with(tone, words, []);
}

/// [`tell`], with what can be done about it.
fn tell_with(tone: &str, words: &str, acts: impl IntoIterator<Item = Option<Element>>) {
    let words = make("p", &[], words);
    let acts = put(make("div", &[("class", "acts")], ""), acts).filter(|acts| acts.child_element_count() > 0);
    let inside = put(make("div", &[], ""), [words, acts]);
    fill(
        "keeper",
        [put(make("div", &[("class", &format!("banner {tone}"))], ""), [inside])],
    );
}

/// The session has ended: what is typed waits on this device until they are back.
fn tell_signed_out(keeper: &Rc<Keeper>) {
    looking::close();
    keep_copy(keeper);
    let back = window().location().pathname().unwrap_or_default();
    let link = make(
        "a",
        &[("class", "btn sm"), ("href", &format!("/login?next={back}"))],
        "Sign in",
    );
    if let Some(link) = &link {
        let keeper = keeper.clone();
        dom::listen(link, "click", move |_| keeper.leaving.set(true));
    }
    tell_with(
        "warning",
        "You were signed out. Sign in to carry on: what you typed is kept on this device.",
        [link],
    );
}

fn keep_copy(keeper: &Keeper) {
    if !keeper.leaving.get() && is_dirty(keeper) {
        copy::keep(&keeper.key, &keeper.form);
    }
}

fn look_for_copy(keeper: &Rc<Keeper>, typed: &str) {
    let Some(copy) = copy::find(&keeper.key).filter(|copy| copy.typed != typed) else {
        return copy::forget(&keeper.key);
    };
    let words = format!(
        "We kept what you typed at {} on this device.",
        dom::clock(&js_sys::Date::new(&copy.at.into()))
    );
    let (restoring, discarding) = (keeper.clone(), keeper.clone());
    let restore = dom::button("btn sm", "Restore", move || {
        copy.put_back(&restoring.form);
        fill("keeper", []);
    });
    let discard = dom::button("btn quiet sm", "Discard", move || {
        copy::forget(&discarding.key);
        fill("keeper", []);
    });
    tell_with("info", &words, [restore, discard]);
}

fn is_offline() -> bool {
    navigator("onLine").and_then(|online| online.as_bool()) == Some(false)
}

/// Shows the keys that save, by their names on this device.
fn show_keys() {
    let platform = navigator("platform").and_then(|platform| platform.as_string());
    if platform.is_some_and(|platform| platform.starts_with("Mac") || platform.starts_with("iP")) {
        say("save-key", "⌘");
    }
    dom::hide("save-keys", false);
}

fn navigator(property: &str) -> Option<JsValue> {
    let navigator = Reflect::get(&window(), &"navigator".into()).ok()?;
    Reflect::get(&navigator, &property.into()).ok()
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
