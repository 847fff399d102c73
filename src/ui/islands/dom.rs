//! The page itself, for the few parts that are no islands: the toolbar, and the copy of what is
//! typed that stays on this device.

use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{
    Element, Event, EventTarget, FormData, HtmlElement, HtmlFormElement, HtmlInputElement, HtmlOptionElement,
    HtmlSelectElement, HtmlTextAreaElement, UrlSearchParams,
};

/// The form.
pub fn form() -> Option<HtmlFormElement> {
    by_id("writing")
}

/// An element of a certain kind by its id.
pub fn by_id<T: JsCast>(id: &str) -> Option<T> {
    document().get_element_by_id(id)?.dyn_into().ok()
}

/// All elements that a selector finds.
pub fn all(selector: &str) -> Vec<Element> {
    let Ok(found) = document().query_selector_all(selector) else {
        return Vec::new();
    };
    (0..found.length())
        .filter_map(|i| found.item(i))
        .filter_map(|node| node.dyn_into().ok())
        .collect()
}

/// Calls back on an event, for as long as the page lives.
pub fn listen(target: &EventTarget, event: &str, act: impl FnMut(Event) + 'static) {
    listen_boxed(target, event, Box::new(act));
}

fn listen_boxed(target: &EventTarget, event: &str, act: Box<dyn FnMut(Event)>) {
    let closure = Closure::<dyn FnMut(Event)>::wrap(act);
    let _ = target.add_event_listener_with_callback(event, closure.as_ref().unchecked_ref());
    closure.forget();
}

/// Replaces the text of an element, if it says something else: what is announced is announced
/// once.
pub fn say(id: &str, words: &str) {
    if let Some(element) = by_id::<Element>(id)
        && element.text_content().as_deref() != Some(words)
    {
        element.set_text_content(Some(words));
    }
}

/// Shows or hides.
pub fn hide(id: &str, hidden: bool) {
    if let Some(element) = by_id::<HtmlElement>(id) {
        element.set_hidden(hidden);
    }
}

/// Moves the focus.
pub fn focus(id: &str) {
    if let Some(element) = by_id::<HtmlElement>(id) {
        let _ = element.focus();
    }
}

/// Tells the form that a script has changed one of its fields.
pub fn announce_change() {
    set_timeout(
        || {
            if let (Some(form), Ok(event)) = (form(), Event::new("change")) {
                let _ = form.dispatch_event(&event);
            }
        },
        Duration::ZERO,
    );
}

/// The form as a browser would send it.
pub fn pairs(form: &HtmlFormElement, without: &[&str]) -> Option<UrlSearchParams> {
    let data = FormData::new_with_form(form).ok()?;
    for name in without {
        data.delete(name);
    }
    UrlSearchParams::new_with_str_sequence_sequence(&data).ok()
}

/// Everything in the form that a person typed or ticked, as one text.
pub fn typed(form: &HtmlFormElement) -> String {
    pairs(form, &["send_token", "shown_count", "id", "version", "find_customer"])
        .map(|pairs| pairs.to_string().into())
        .unwrap_or_default()
}

/// The fields of the form.
pub fn fields(form: &HtmlFormElement) -> Vec<Element> {
    let fields = form.elements();
    (0..fields.length()).filter_map(|i| fields.item(i)).collect()
}

/// Whether every field still holds what the server put there.
pub fn is_untouched(form: &HtmlFormElement) -> bool {
    fields(form).iter().all(|field| {
        if let Some(input) = field.dyn_ref::<HtmlInputElement>() {
            match input.type_().as_str() {
                "checkbox" | "radio" => input.checked() == input.default_checked(),
                "hidden" => true,
                _ => input.value() == input.default_value(),
            }
        } else if let Some(area) = field.dyn_ref::<HtmlTextAreaElement>() {
            area.default_value().is_ok_and(|given| given == area.value())
        } else if let Some(select) = field.dyn_ref::<HtmlSelectElement>() {
            let given = (0..select.length())
                .filter_map(|i| select.item(i)?.dyn_into::<HtmlOptionElement>().ok())
                .position(|option| option.default_selected())
                .unwrap_or(0);
            usize::try_from(select.selected_index()).is_ok_and(|i| i == given)
        } else {
            true
        }
    })
}
