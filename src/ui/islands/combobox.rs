//! The state of the box in which customers are looked for, and what keys and clicks do to it.

use std::time::Duration;

use leptos::{html, prelude::*};
use web_sys::KeyboardEvent;

use super::{debounce::debounced, editing::Editing};
use crate::recipients::{api::find_customers, model::Candidate};

/// After the last key, before asking.
const DEBOUNCE: Duration = Duration::from_millis(150);
/// Fewest characters that are looked for.
const FEWEST: usize = 2;

/// The combobox, shared by its parts.
#[derive(Clone, Copy, Debug)]
pub struct Combobox {
    pub editing: Option<Editing>,
    pub input: NodeRef<html::Input>,
    /// What is being looked for.
    pub text: RwSignal<String>,
    pub found: RwSignal<Vec<Candidate>>,
    pub open: RwSignal<bool>,
    pub active: RwSignal<Option<usize>>,
    /// What a screen reader hears; on the page when nobody was found.
    pub said: RwSignal<String>,
    pub nobody: RwSignal<bool>,
}

impl Combobox {
    pub fn new(searched: String, found: &[Candidate]) -> Self {
        let said = match (searched.is_empty(), found.len()) {
            (true, _) => String::new(),
            (false, 0) => nobody(&searched),
            (false, 1) => "1 customer found. Tick to add them.".to_owned(),
            (false, n) => format!("{n} customers found. Tick those to add."),
        };
        Self {
            editing: Editing::here(),
            input: NodeRef::new(),
            nobody: RwSignal::new(!searched.is_empty() && found.is_empty()),
            text: RwSignal::new(searched),
            found: RwSignal::default(),
            open: RwSignal::new(false),
            active: RwSignal::new(None),
            said: RwSignal::new(said),
        }
    }

    /// Those chosen, once scripts are at work.
    pub fn chips(self) -> Option<Vec<Candidate>> {
        self.editing?.chosen.get()
    }

    /// Once the form has been read, those ticked become chips. What is in the box by then and was
    /// not looked for is.
    pub fn awaken(self, known: Vec<Candidate>) {
        let Some(editing) = self.editing else { return };
        let ids = Editing::follow(Some(editing), None, |form| Some(form.customer_ids.clone()));
        Effect::new(move |_| {
            let Some(ids) = ids.get().filter(|_| editing.chosen.with_untracked(Option::is_none)) else {
                return;
            };
            let is_ticked = |person: &&Candidate| ids.contains(&person.id.to_string());
            editing
                .chosen
                .set(Some(known.iter().filter(is_ticked).cloned().collect()));
            self.say("", false);
            if let Some(input) = self.input.get_untracked()
                && input.value() != input.default_value()
            {
                self.text.set(input.value());
            }
        });
    }

    /// Looks for what is in the box, and shows who was found.
    pub fn follow_text(self) {
        let text = Memo::new(move |_| self.text.with(|text| text.trim().to_owned()));
        let settled = debounced(text, DEBOUNCE);
        let first = text.get_untracked();
        // Every text is asked about at once: a slow answer to the last one keeps no one waiting.
        let finding = Action::new(|text: &String| {
            let text = text.clone();
            async move { (text.clone(), find_customers(text).await) }
        });
        Effect::new(move |_| {
            let text = settled.get();
            if text != first && text.chars().count() >= FEWEST {
                finding.dispatch(text);
            }
        });
        Effect::new(move |_| match finding.value().get() {
            Some((asked, Ok(found))) if text.with_untracked(|text| *text == asked) => {
                let words = match found.len() {
                    0 => nobody(&asked),
                    1 => "1 customer found".to_owned(),
                    n => format!("{n} customers found"),
                };
                self.say(&words, found.is_empty());
                self.open.set(!found.is_empty());
                self.active.set(None);
                self.found.set(found);
            }
            Some((asked, Err(_))) if text.with_untracked(|text| *text == asked) => {
                self.close();
                self.say("Couldn't search for customers. Try again.", true);
            }
            _ => {}
        });
        Effect::new(move |_| {
            if text.with(|text| text.chars().count() < FEWEST) {
                self.close();
            }
        });
    }

    fn say(self, words: &str, nobody: bool) {
        self.said.set(words.to_owned());
        self.nobody.set(nobody);
    }

    pub fn close(self) {
        self.open.set(false);
        self.active.set(None);
    }

    fn clear(self) {
        self.text.set(String::new());
        if let Some(input) = self.input.get_untracked() {
            input.set_value("");
            let _ = input.focus();
        }
    }

    /// Adds one, keeps the focus and clears the text.
    pub fn add(self, person: Candidate) {
        let words = format!("{} added.", person.name);
        if self.change(|chosen| {
            let fresh = chosen.iter().all(|c| c.id != person.id);
            if fresh {
                chosen.push(person);
            }
            fresh
        }) {
            self.close();
            self.clear();
            self.say_chosen(&words);
        }
    }

    /// Takes one away. The focus is on the next one then, or goes to the text.
    pub fn remove(self, i: usize) {
        let mut words = String::new();
        let mut last = false;
        self.change(|chosen| {
            last = i + 1 >= chosen.len();
            if i < chosen.len() {
                words = format!("{} removed.", chosen.remove(i).name);
            }
            true
        });
        self.say_chosen(&words);
        if let Some(input) = self.input.get_untracked().filter(|_| last) {
            let _ = input.focus();
        }
    }

    fn change(self, change: impl FnOnce(&mut Vec<Candidate>) -> bool) -> bool {
        let Some(editing) = self.editing else { return false };
        let mut chosen = editing.chosen.get_untracked().unwrap_or_default();
        let changed = change(&mut chosen);
        if changed {
            editing.chosen.set(Some(chosen));
            editing.read_soon();
        }
        changed
    }

    fn say_chosen(self, words: &str) {
        let n = self
            .editing
            .and_then(|editing| editing.chosen.with_untracked(|chosen| chosen.as_ref().map(Vec::len)));
        self.say(&format!("{words} {} chosen.", n.unwrap_or_default()), false);
    }

    pub fn key(self, event: &KeyboardEvent) {
        if !self
            .editing
            .is_some_and(|editing| editing.chosen.with_untracked(Option::is_some))
        {
            return;
        }
        let (open, active) = (self.open.get_untracked(), self.active.get_untracked());
        let n = self.found.with_untracked(Vec::len);
        match event.key().as_str() {
            pressed @ ("ArrowDown" | "ArrowUp") if open && n > 0 => {
                event.prevent_default();
                // Past either end is the text itself.
                self.active.set(match (active, pressed == "ArrowDown") {
                    (None, true) => Some(0),
                    (None, false) => Some(n - 1),
                    (Some(i), true) => Some(i + 1).filter(|i| *i < n),
                    (Some(i), false) => i.checked_sub(1),
                });
            }
            "Enter" => {
                // Enter never sends the form from here.
                event.prevent_default();
                let pick = active.filter(|_| open);
                if let Some(person) = pick.and_then(|i| self.found.with_untracked(|found| found.get(i).cloned())) {
                    self.add(person);
                }
            }
            "Escape" if open => {
                event.prevent_default();
                self.close();
            }
            "Escape" => self.clear(),
            _ => {}
        }
    }
}

fn nobody(text: &str) -> String {
    format!("No customers match '{text}'")
}
