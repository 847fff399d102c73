//! What the form for writing holds, as one signal that everything beside it follows.
//!
//! Its fields are never bound: they are the server's, work without scripts, and keep what was
//! typed before this code arrived. Whenever one of them changes the whole form is read, into the
//! type that the server functions take.

use std::time::Duration;

use leptos::{form::FromFormData, html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{Element, FormData, HtmlFormElement, HtmlInputElement, HtmlTextAreaElement};

use crate::{
    campaigns::model::{CampaignForm, Kind},
    recipients::model::{Candidate, Selection},
};

/// The form in the page, shared by the islands inside it.
#[derive(Clone, Copy, Debug)]
pub struct Editing {
    pub kind: Kind,
    pub form: NodeRef<html::Form>,
    /// As it was read last; nothing until then.
    typed: RwSignal<Option<CampaignForm>>,
    /// Customers chosen one by one, by name: the form has only their numbers.
    pub chosen: RwSignal<Vec<Candidate>>,
}

impl Editing {
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            form: NodeRef::new(),
            typed: RwSignal::new(None),
            chosen: RwSignal::default(),
        }
    }

    /// The form that an island stands in, once it is there.
    pub fn here() -> Option<Self> {
        use_context()
    }

    /// Whether the form has been read: scripts are at work.
    pub fn is_awake(self) -> bool {
        self.typed.with(Option::is_some)
    }

    /// What a part of the page shows that follows the form; `start` until it has been read.
    pub fn follow<T>(this: Option<Self>, start: T, part: fn(&CampaignForm) -> T) -> Memo<T>
    where
        T: Clone + PartialEq + Send + Sync + 'static,
    {
        Memo::new(move |_| match this {
            Some(editing) => editing
                .typed
                .with(|typed| typed.as_ref().map_or_else(|| start.clone(), part)),
            None => start.clone(),
        })
    }

    /// Whom it is for.
    pub fn selection(this: Option<Self>, start: Selection) -> Memo<Selection> {
        Self::follow(this, start, CampaignForm::selection)
    }

    /// Reads the form as it stands.
    pub fn read(self) -> Option<CampaignForm> {
        let form = read(&self.element()?)?;
        if self.typed.with_untracked(|typed| typed.as_ref() != Some(&form)) {
            self.typed.set(Some(form.clone()));
        }
        Some(form)
    }

    /// Reads it once what is on its way into the page has arrived there.
    pub fn read_soon(self) {
        set_timeout(
            move || {
                self.read();
            },
            Duration::ZERO,
        );
    }

    pub fn element(self) -> Option<HtmlFormElement> {
        self.form.get_untracked()
    }

    /// A field by its name or id.
    pub fn field<T: JsCast>(self, name: &str) -> Option<T> {
        self.element()?.elements().named_item(name)?.dyn_into().ok()
    }

    /// Puts a text into a field.
    pub fn put(self, name: &str, text: &str) {
        let Some(field) = self.field::<Element>(name) else {
            return;
        };
        if let Some(input) = field.dyn_ref::<HtmlInputElement>() {
            input.set_value(text);
        } else if let Some(area) = field.dyn_ref::<HtmlTextAreaElement>() {
            area.set_value(text);
        }
    }
}

/// What a form holds, in the type that the server functions take.
pub fn read(form: &HtmlFormElement) -> Option<CampaignForm> {
    CampaignForm::from_form_data(&FormData::new_with_form(form).ok()?).ok()
}
