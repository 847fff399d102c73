//! The fields of the form, as they are in the page.

use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{
    Event, EventTarget, FormData, HtmlFormElement, HtmlInputElement, HtmlOptionElement, HtmlSelectElement,
    HtmlTextAreaElement, UrlSearchParams,
};

use crate::{campaigns::model::CampaignForm, recipients::model::RecipientFilter};

/// The id of the form all islands of a page belong to.
pub const FORM: &str = "writing";

/// The form.
pub fn form() -> Option<HtmlFormElement> {
    by_id(FORM)
}

/// An element of a certain kind by its id.
pub fn by_id<T: JsCast>(id: &str) -> Option<T> {
    document().get_element_by_id(id)?.dyn_into().ok()
}

/// Calls back on an event, for as long as the page lives.
pub fn listen(target: &EventTarget, event: &str, mut act: impl FnMut(Event) + 'static) {
    let closure = Closure::<dyn FnMut(Event)>::new(move |event| act(event));
    let _ = target.add_event_listener_with_callback(event, closure.as_ref().unchecked_ref());
    closure.forget();
}

/// Tells the form that a script has changed one of its fields.
pub fn announce_change() {
    set_timeout(
        || {
            if let (Some(form), Ok(event)) = (form(), Event::new("change")) {
                let _ = form.dispatch_event(&event);
            }
        },
        std::time::Duration::ZERO,
    );
}

/// What is in a field.
pub fn value(id: &str) -> String {
    let element = document().get_element_by_id(id);
    element
        .and_then(|e| {
            e.dyn_ref::<HtmlInputElement>()
                .map(HtmlInputElement::value)
                .or_else(|| e.dyn_ref::<HtmlTextAreaElement>().map(HtmlTextAreaElement::value))
                .or_else(|| e.dyn_ref::<HtmlSelectElement>().map(HtmlSelectElement::value))
        })
        .unwrap_or_default()
}

/// Puts a text into a field.
pub fn set_value(id: &str, text: &str) {
    if let Some(input) = by_id::<HtmlInputElement>(id) {
        input.set_value(text);
    } else if let Some(area) = by_id::<HtmlTextAreaElement>(id) {
        area.set_value(text);
    }
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
    let form = CampaignForm {
        recipient_type: one("recipient_type"),
        segment_id: one("segment_id"),
        tags: all("tags[]"),
        customer_ids: all("customer_ids[]"),
        ..CampaignForm::default()
    };
    form.recipients()
}

/// Everything in the form that a person typed or ticked, as one text.
pub fn typed(form: &HtmlFormElement) -> String {
    let Ok(data) = FormData::new_with_form(form) else {
        return String::new();
    };
    for plumbing in ["send_token", "shown_count", "id", "version", "find_customer"] {
        data.delete(plumbing);
    }
    let Ok(pairs) = UrlSearchParams::new_with_str_sequence_sequence(&data) else {
        return String::new();
    };
    pairs.to_string().into()
}

/// Whether every field still holds what the server put there.
pub fn is_untouched(form: &HtmlFormElement) -> bool {
    let fields = form.elements();
    (0..fields.length()).filter_map(|i| fields.item(i)).all(|field| {
        if let Some(input) = field.dyn_ref::<HtmlInputElement>() {
            match input.type_().as_str() {
                "checkbox" | "radio" => input.checked() == input.default_checked(),
                "hidden" => true,
                _ => input.value() == input.default_value(),
            }
        } else if let Some(area) = field.dyn_ref::<HtmlTextAreaElement>() {
            area.default_value().is_ok_and(|given| given == area.value())
        } else if let Some(select) = field.dyn_ref::<HtmlSelectElement>() {
            let options: Vec<HtmlOptionElement> = (0..select.length())
                .filter_map(|i| select.item(i))
                .filter_map(|o| o.dyn_into().ok())
                .collect();
            let given = options
                .iter()
                .position(HtmlOptionElement::default_selected)
                .unwrap_or(0);
            usize::try_from(select.selected_index()).is_ok_and(|i| i == given)
        } else {
            true
        }
    })
}
