//! Keeps what is typed: asks before leaving, and keeps a copy on this device until the server has
//! it.

use std::time::Duration;

use leptos::prelude::*;

use super::{
    device, dom,
    editing::Editing,
    local_backup::{self as backup, Backup},
    note::{Act, Note},
};

/// Between two looks at whether a copy is due.
const EVERY: Duration = Duration::from_secs(5);

#[derive(Clone, Copy)]
pub struct Autosave {
    editing: Editing,
    note: RwSignal<Option<Note>>,
    /// The name of the copy on this device.
    key: StoredValue<String>,
    /// What the server has.
    kept: StoredValue<String>,
    /// What is on its way there.
    sent: StoredValue<String>,
    leaving: StoredValue<bool>,
}

impl Autosave {
    pub fn new(editing: Editing, key: String, note: RwSignal<Option<Note>>) -> Self {
        Self {
            editing,
            note,
            key: StoredValue::new(key),
            kept: StoredValue::default(),
            sent: StoredValue::default(),
            leaving: StoredValue::new(false),
        }
    }

    /// Begins to keep copies, and offers the one there is.
    pub fn begin(self) {
        let Some(form) = self.editing.element() else { return };
        let typed = self.typed();
        // What was typed before this ran is not kept yet.
        if dom::is_untouched(&form) {
            self.kept.set_value(typed.clone());
        }
        match backup::find(&self.key()).filter(|copy| copy.typed != typed) {
            Some(copy) => self.offer(copy),
            None => backup::forget(&self.key()),
        }
        set_interval(move || self.back_up(), EVERY);
    }

    fn offer(self, copy: Backup) {
        let at = device::clock(&js_sys::Date::new(&copy.at.into()));
        let (note, editing) = (self.note, self.editing);
        let restore = Callback::new(move |()| {
            if let Some(form) = editing.element() {
                copy.put_back(&form);
                editing.chosen.set(Some(copy.chosen.clone()));
                editing.read_soon();
            }
            note.set(None);
        });
        let discard = Callback::new(move |()| {
            backup::forget(&self.key());
            note.set(None);
        });
        let words = format!("We kept what you typed at {at} on this device.");
        let offer = Note::new("info", words)
            .with(Act::Button("btn sm", "Restore", restore))
            .with(Act::Button("btn quiet sm", "Discard", discard));
        note.set(Some(offer));
    }

    fn key(self) -> String {
        self.key.get_value()
    }

    fn typed(self) -> String {
        self.editing.element().map(|form| dom::typed(&form)).unwrap_or_default()
    }

    fn is_dirty(self) -> bool {
        self.kept.get_value() != self.typed()
    }

    /// The form is on its way to the server.
    pub fn sends(self) {
        self.sent.set_value(self.typed());
    }

    /// The server has what was sent; what was typed meanwhile is not kept yet.
    pub fn is_kept(self) {
        backup::forget(&self.key());
        let sent = self.sent.get_value();
        self.kept.set_value(sent);
    }

    /// Keeps a copy of what the server doesn't have.
    pub fn back_up(self) {
        if let Some(form) = self.editing.element()
            && !self.leaving.get_value()
            && self.is_dirty()
        {
            backup::keep(
                &self.key(),
                &form,
                self.editing.chosen.get_untracked().unwrap_or_default(),
            );
        }
    }

    /// Whether leaving now would leave something behind; a copy of it is kept.
    pub fn is_left_behind(self) -> bool {
        let left = !self.leaving.get_value() && self.is_dirty();
        if left {
            self.back_up();
        }
        left
    }

    /// Leaves for another page: the server has everything.
    pub fn go(self, path: &str) {
        backup::forget(&self.key());
        self.leaving.set_value(true);
        let location = window().location();
        let page = |address: &str| address.split('#').next().map(str::to_owned);
        let here = location.pathname().unwrap_or_default() + &location.search().unwrap_or_default();
        let _ = location.set_href(path);
        // To a place in the same page a browser only scrolls.
        if path.contains('#') && page(path) == page(&here) {
            let _ = location.reload();
        }
    }

    /// Leaving is what is wanted now: the copy waits.
    pub fn leaves_with_copy(self) {
        self.leaving.set_value(true);
    }

    /// Back in the form.
    pub fn stay(self) {
        self.leaving.set_value(false);
    }

    pub fn go_offline(self) {
        self.back_up();
        self.say("warning", "You're offline. What you type is kept on this device.");
    }

    pub fn say(self, tone: &'static str, words: &str) {
        self.note.set(Some(Note::new(tone, words)));
    }
}
