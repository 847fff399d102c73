//! The copy of what is typed that stays on this device until it has been saved.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsCast;
use web_sys::{HtmlFormElement, HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement, Storage, UrlSearchParams};

use super::dom;
use crate::recipients::model::Candidate;

/// A copy older than this is forgotten, in milliseconds.
const FORGET: f64 = 24.0 * 3600.0 * 1000.0;
/// What the names of the copies begin with. The page after signing out forgets all of them.
const PREFIX: &str = "loupe:";

/// What is kept on this device.
#[derive(Serialize, Deserialize)]
pub struct Backup {
    /// Milliseconds since 1970.
    pub at: f64,
    /// The form, as an address carries it.
    pub typed: String,
    /// Customers chosen one by one: the form has only their numbers.
    pub chosen: Vec<Candidate>,
}

/// Keeps the form under a name.
pub fn keep(key: &str, form: &HtmlFormElement, chosen: Vec<Candidate>) {
    let copy = Backup {
        at: js_sys::Date::now(),
        typed: dom::typed(form),
        chosen,
    };
    if let (Some(storage), Ok(json)) = (storage(), serde_json::to_string(&copy)) {
        let _ = storage.set_item(&format!("{PREFIX}{key}"), &json);
    }
}

/// The copy under a name, unless it is too old.
pub fn find(key: &str) -> Option<Backup> {
    let json = storage()?.get_item(&format!("{PREFIX}{key}")).ok().flatten()?;
    let copy: Backup = serde_json::from_str(&json).ok()?;
    (js_sys::Date::now() - copy.at <= FORGET).then_some(copy)
}

/// Nothing is kept under this name any more.
pub fn forget(key: &str) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(&format!("{PREFIX}{key}"));
    }
}

fn storage() -> Option<Storage> {
    window().session_storage().ok().flatten()
}

impl Backup {
    /// Puts it back into the fields that take text, ticks and choices.
    pub fn put_back(&self, form: &HtmlFormElement) {
        let Ok(pairs) = UrlSearchParams::new_with_str(&self.typed) else {
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
    }
}
