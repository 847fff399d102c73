//! What the form for writing holds, as one signal that everything beside it follows.
//!
//! Its fields are never bound: they are the server's, work without scripts, and keep what was
//! typed before this code arrived. Whenever one of them changes the whole form is read, into the
//! type that the server functions take.

use std::time::Duration;

use leptos::{form::FromFormData, html, prelude::*, server_fn::ServerFn};
use wasm_bindgen::JsCast;
use web_sys::{
    Element, FormData, HtmlButtonElement, HtmlElement, HtmlFormElement, HtmlInputElement, HtmlTextAreaElement,
    SubmitEvent,
};

use crate::{
    campaigns::{
        api::{ScheduleCampaign, SendBulkEmail, SendCampaign},
        model::{CampaignForm, ENTER, Intent, Kind},
    },
    recipients::model::{Candidate, Selection},
};

/// A press of one of the form's buttons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    Keep(Intent),
    Send,
    /// Send, after the question that some sends ask first.
    Confirm,
    Schedule,
}

/// The form in the page, shared by the islands inside it.
#[derive(Clone, Copy, Debug)]
pub struct Editing {
    pub kind: Kind,
    pub form: NodeRef<html::Form>,
    /// As it was read last; nothing until then.
    typed: RwSignal<Option<CampaignForm>>,
    /// Customers chosen one by one, by name: the form has only their numbers. Nothing until the
    /// form has been read.
    pub chosen: RwSignal<Option<Vec<Candidate>>>,
    /// What is on its way to the server.
    pub busy: RwSignal<Option<Press>>,
}

impl Editing {
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            form: NodeRef::new(),
            typed: RwSignal::new(None),
            chosen: RwSignal::new(None),
            busy: RwSignal::new(None),
        }
    }

    /// The form that an island stands in.
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
        let data = FormData::new_with_form(&self.element()?).ok()?;
        let form = CampaignForm::from_form_data(&data).ok()?;
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

    /// Puts a text into a field.
    pub fn put(self, name: &str, text: &str) {
        let field = self.element().and_then(|form| form.elements().named_item(name));
        let Some(field) = field else { return };
        if let Some(input) = field.dyn_ref::<HtmlInputElement>() {
            input.set_value(text);
        } else if let Some(area) = field.dyn_ref::<HtmlTextAreaElement>() {
            area.set_value(text);
        }
    }

    /// Moves the focus within the form.
    pub fn focus_on(self, selector: &str) {
        if let Some(element) = self.find::<HtmlElement>(selector) {
            let _ = element.focus();
        }
    }

    /// Presses a button as a person would.
    pub fn click(self, selector: &str) {
        if let (Some(form), Some(button)) = (self.element(), self.find::<HtmlElement>(selector)) {
            let _ = form.request_submit_with_submitter(Some(&button));
        }
    }

    fn find<T: JsCast>(self, selector: &str) -> Option<T> {
        let found: Option<Element> = self.element()?.query_selector(selector).ok()?;
        found?.dyn_into().ok()
    }
}

impl Press {
    /// Which button has submitted the form.
    pub fn of(event: &SubmitEvent, form: &CampaignForm) -> Self {
        let button = event.submitter().and_then(|b| b.dyn_into::<HtmlButtonElement>().ok());
        let Some(button) = button else {
            return Press::Keep(form.intent(ENTER));
        };
        match button.get_attribute("formaction").as_deref() {
            Some(action) if action == ScheduleCampaign::url() => Press::Schedule,
            Some(action) if action == SendCampaign::url() || action == SendBulkEmail::url() => {
                match button.name().as_str() {
                    "confirmed" => Press::Confirm,
                    _ => Press::Send,
                }
            }
            _ => Press::Keep(form.intent(&button.value())),
        }
    }
}
