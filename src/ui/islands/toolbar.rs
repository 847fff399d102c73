//! The buttons above the message: they write the marks into the text, as somebody typing would, so
//! that the browser's own undo takes them back.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlDocument, HtmlElement, HtmlTextAreaElement, KeyboardEvent};

use super::{
    dom::{self, by_id, hide},
    markdown_edit::{self, Edit, Tool},
};

const BAR: &str = "#toolbar > button";
const MENU: &str = "#insert-menu button";

/// Brings the toolbar and its menu to life.
pub fn attach() {
    let (Some(bar), Some(area)) = (by_id::<Element>("toolbar"), area()) else {
        return;
    };
    hide("toolbar", false);
    dom::say("body-hint", "Write as you'd speak. Use Insert for names and dates.");
    point_at(BAR, 0);
    for (button, tool) in dom::all("#toolbar > button[data-tool]").iter().zip(Tool::ALL) {
        dom::listen(button, "click", move |_| {
            change(|text, from, to| markdown_edit::press(tool, text, from, to))
        });
    }
    dom::listen(&bar, "keydown", |event| walk(&event, BAR, ["ArrowLeft", "ArrowRight"]));
    dom::listen(&area, "keydown", shortcut);
    attach_menu();
}

fn attach_menu() {
    let (Some(button), Some(menu)) = (by_id::<Element>("insert"), by_id::<Element>("insert-menu")) else {
        return;
    };
    dom::listen(&button, "click", |_| open_menu(!is_open()));
    dom::listen(&button, "keydown", |event| {
        if key(&event).as_deref() == Some("ArrowDown") {
            event.prevent_default();
            open_menu(true);
        }
    });
    for item in dom::all(MENU) {
        let field = item.get_attribute("data-field").unwrap_or_default();
        dom::listen(&item, "click", move |_| {
            open_menu(false);
            let words = format!("{{{{{field}}}}}");
            change(|text, from, to| markdown_edit::insert(text, from, to, &words));
        });
    }
    dom::listen(&menu, "keydown", |event| {
        // What is pressed in the menu is none of the toolbar's business.
        event.stop_propagation();
        match key(&event).as_deref() {
            Some("Escape") => {
                event.prevent_default();
                open_menu(false);
                dom::focus("insert");
            }
            Some("Tab") => open_menu(false),
            _ => walk(&event, MENU, ["ArrowUp", "ArrowDown"]),
        }
    });
    dom::listen(&document(), "mousedown", move |event| {
        let inside = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok())
            .is_some_and(|target| {
                target
                    .closest("#insert-menu, #insert")
                    .is_ok_and(|found| found.is_some())
            });
        if !inside {
            open_menu(false);
        }
    });
}

fn is_open() -> bool {
    by_id::<HtmlElement>("insert-menu").is_some_and(|menu| !menu.hidden())
}

fn open_menu(open: bool) {
    if open == is_open() {
        return;
    }
    hide("insert-menu", !open);
    if let Some(button) = by_id::<Element>("insert") {
        let _ = button.set_attribute("aria-expanded", if open { "true" } else { "false" });
    }
    if open {
        focus_on(MENU, 0);
    }
}

fn area() -> Option<HtmlTextAreaElement> {
    by_id("body")
}

fn key(event: &Event) -> Option<String> {
    event.dyn_ref().map(KeyboardEvent::key)
}

fn shortcut(event: Event) {
    let Some(pressed) = event.dyn_ref::<KeyboardEvent>() else {
        return;
    };
    if !(pressed.ctrl_key() || pressed.meta_key()) || pressed.alt_key() || pressed.shift_key() {
        return;
    }
    let tool = match pressed.key().as_str() {
        "b" => Tool::Bold,
        "i" => Tool::Italic,
        _ => return,
    };
    event.prevent_default();
    change(|text, from, to| markdown_edit::press(tool, text, from, to));
}

/// Moves among buttons of which only one can be reached by Tab.
fn walk(event: &Event, buttons: &str, [back, on]: [&str; 2]) {
    let all = dom::all(buttons);
    let active = document().active_element();
    let Some(here) = all.iter().position(|button| Some(button) == active.as_ref()) else {
        return;
    };
    let pressed = key(event).unwrap_or_default();
    let next = match pressed.as_str() {
        "Home" => 0,
        "End" => all.len() - 1,
        pressed if pressed == on => (here + 1) % all.len(),
        pressed if pressed == back => (here + all.len() - 1) % all.len(),
        _ => return,
    };
    event.prevent_default();
    focus_on(buttons, next);
}

fn point_at(buttons: &str, at: usize) {
    for (i, button) in dom::all(buttons).into_iter().enumerate() {
        let _ = button.set_attribute("tabindex", if i == at { "0" } else { "-1" });
    }
}

fn focus_on(buttons: &str, at: usize) {
    point_at(buttons, at);
    if let Some(button) = dom::all(buttons).get(at).and_then(|b| b.dyn_ref::<HtmlElement>()) {
        let _ = button.focus();
    }
}

/// Changes the message where the cursor is, and goes on writing there.
fn change(make: impl FnOnce(&str, usize, usize) -> Edit) {
    let Some(area) = area() else { return };
    let at = |position: Result<Option<u32>, _>| position.ok().flatten().and_then(|at| usize::try_from(at).ok());
    let text = area.value();
    let (from, to) = (at(area.selection_start()), at(area.selection_end()));
    let edit = make(&text, from.unwrap_or_default(), to.unwrap_or_default());
    let _ = area.focus();
    select(&area, edit.from, edit.to);
    if !type_in(&edit.text) {
        let _ = area.set_range_text(&edit.text);
        dom::announce_change();
    }
    select(&area, edit.select.0, edit.select.1);
}

fn select(area: &HtmlTextAreaElement, from: usize, to: usize) {
    let at = |position| u32::try_from(position).unwrap_or(u32::MAX);
    let _ = area.set_selection_range(at(from), at(to));
}

/// As somebody typing would: the only way that stays in the browser's history of undoing.
fn type_in(words: &str) -> bool {
    document()
        .dyn_ref::<HtmlDocument>()
        .is_some_and(|page| page.exec_command_with_show_ui_and_value("insertText", false, words) == Ok(true))
}
