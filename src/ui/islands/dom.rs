//! The form in the page: reading its fields, and making the few elements that scripts add.

use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{
    Element, Event, EventTarget, FormData, HtmlElement, HtmlFormElement, HtmlInputElement, HtmlOptionElement,
    HtmlSelectElement, HtmlTextAreaElement, UrlSearchParams,
};

use crate::{campaigns::model::CampaignForm, recipients::model::RecipientFilter};

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

/// A new element with its attributes and its text.
pub fn make(tag: &str, attributes: &[(&str, &str)], text: &str) -> Option<Element> {
    let element = document().create_element(tag).ok()?;
    for (name, value) in attributes {
        let _ = element.set_attribute(name, value);
    }
    if !text.is_empty() {
        element.set_text_content(Some(text));
    }
    Some(element)
}

/// A new button that does something.
pub fn button(class: &str, words: &str, mut act: impl FnMut() + 'static) -> Option<Element> {
    let button = make("button", &[("type", "button"), ("class", class)], words)?;
    listen(&button, "click", move |_| act());
    Some(button)
}

/// Puts elements into another, after what is there.
pub fn put(parent: Option<Element>, children: impl IntoIterator<Item = Option<Element>>) -> Option<Element> {
    let parent = parent?;
    for child in children.into_iter().flatten() {
        let _ = parent.append_child(&child);
    }
    Some(parent)
}

/// Replaces what is inside an element.
pub fn fill(id: &str, children: impl IntoIterator<Item = Option<Element>>) {
    if let Some(element) = by_id::<Element>(id) {
        element.set_text_content(None);
        put(Some(element), children);
    }
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

/// What is in a field.
pub fn value(id: &str) -> String {
    let Some(element) = document().get_element_by_id(id) else {
        return String::new();
    };
    if let Some(input) = element.dyn_ref::<HtmlInputElement>() {
        input.value()
    } else if let Some(area) = element.dyn_ref::<HtmlTextAreaElement>() {
        area.value()
    } else {
        element.dyn_ref().map(HtmlSelectElement::value).unwrap_or_default()
    }
}

/// Puts a text into a field.
pub fn set_value(id: &str, text: &str) {
    if let Some(input) = by_id::<HtmlInputElement>(id) {
        input.set_value(text);
    } else if let Some(area) = by_id::<HtmlTextAreaElement>(id) {
        area.set_value(text);
    }
}

/// `10:02 am`, on the clock of this device.
pub fn clock(date: &js_sys::Date) -> String {
    let hours = date.get_hours();
    let half = if hours < 12 { "am" } else { "pm" };
    format!("{}:{:02} {half}", (hours + 11) % 12 + 1, date.get_minutes())
}

/// Whether a box is ticked.
pub fn is_ticked(id: &str) -> bool {
    by_id::<HtmlInputElement>(id).is_some_and(|i| i.checked())
}

/// Who the form is for, as it stands.
pub fn recipients() -> Option<RecipientFilter> {
    let data = FormData::new_with_form(&form()?).ok()?;
    let one = |name: &str| data.get(name).as_string().unwrap_or_default();
    let all = |name: &str| data.get_all(name).iter().filter_map(|v| v.as_string()).collect();
    CampaignForm {
        recipient_type: one("recipient_type"),
        segment_id: one("segment_id"),
        tags: all("tags[]"),
        customer_ids: all("customer_ids[]"),
        ..CampaignForm::default()
    }
    .recipients()
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
