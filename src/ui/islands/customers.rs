//! "Add customers": an editable combobox with a list (the ARIA pattern with manual selection),
//! made of the search box and the ticks that work without scripts.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use leptos::task::spawn_local;
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlInputElement, KeyboardEvent};

use super::{
    dom::{self, fill, make, put, say},
    pause::Pause,
};
use crate::recipients::{api::find_customers, model::Candidate};

/// After the last key, before asking.
const PAUSE: Duration = Duration::from_millis(250);
/// Fewest characters that are looked for.
const FEWEST: usize = 2;

#[derive(Default)]
struct Picker {
    options: RefCell<Vec<Candidate>>,
    open: Cell<bool>,
    active: Cell<Option<usize>>,
    pause: Pause,
}

/// Turns the plain search into the combobox. The box itself stays, with what is typed in it.
pub fn wake() {
    let Some(input) = dom::by_id::<HtmlInputElement>("cust") else {
        return;
    };
    say("cust-label", "Add customers");
    dom::hide("cust-search", true);
    dom::hide("cust-found-words", true);
    let _ = input.remove_attribute("name");
    for (name, value) in [
        ("role", "combobox"),
        ("aria-autocomplete", "list"),
        ("aria-expanded", "false"),
        ("aria-controls", "cust-list"),
    ] {
        let _ = input.set_attribute(name, value);
    }
    let ticked: Vec<Element> = dom::all("#p-manual label.tick")
        .into_iter()
        .filter(|label| {
            let tick = label.query_selector("input").ok().flatten();
            tick.and_then(|tick| tick.dyn_into::<HtmlInputElement>().ok())
                .is_some_and(|tick| tick.checked())
        })
        .collect();
    let ticked: Vec<Chosen> = ticked.iter().map(Chosen::read).collect();
    fill("cust-found", []);
    let picker = Rc::new(Picker::default());
    choose(&ticked);
    if let Some(chosen) = dom::by_id::<Element>("cust-chosen") {
        chosen.set_class_name("chips");
    }
    let on = |event: &str, act: fn(&Rc<Picker>, Event)| {
        let picker = picker.clone();
        dom::listen(&input, event, move |event| act(&picker, event));
    };
    on("input", |picker, _| typed(picker));
    on("keydown", key);
    on("blur", |picker, _| close(picker));
    // Typed before this ran, and not yet looked for.
    if input.value() != input.default_value() {
        typed(&picker);
    }
}

/// A chosen customer, as the page knows them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Chosen {
    id: String,
    name: String,
    /// Why they would be skipped; empty when they wouldn't.
    skip: String,
}

impl Chosen {
    fn read(element: &Element) -> Self {
        let data = |name: &str| element.get_attribute(name).unwrap_or_default();
        Self {
            id: data("data-id"),
            name: data("data-name"),
            skip: data("data-skip"),
        }
    }
}

/// Everybody chosen so far.
pub fn chosen() -> Vec<Chosen> {
    dom::all("#cust-chosen > .chip").iter().map(Chosen::read).collect()
}

/// Chooses these and nobody else.
pub fn choose(people: &[Chosen]) {
    fill("cust-chosen", people.iter().map(chip));
}

fn chosen_ids() -> Vec<String> {
    chosen().into_iter().map(|person| person.id).collect()
}

fn typed(picker: &Rc<Picker>) {
    let text = dom::value("cust").trim().to_owned();
    if text.chars().count() < FEWEST {
        picker.pause.stop();
        return close(picker);
    }
    let asking = picker.clone();
    picker.pause.then(PAUSE, move || ask(&asking, text));
}

fn ask(picker: &Rc<Picker>, text: String) {
    let turn = picker.pause.turn();
    let picker = picker.clone();
    spawn_local(async move {
        let answer = find_customers(text.clone()).await;
        if picker.pause.turn() != turn {
            return;
        }
        match answer {
            Ok(found) => {
                let words = match found.len() {
                    0 => format!("No customers match '{text}'"),
                    1 => "1 customer found".to_owned(),
                    n => format!("{n} customers found"),
                };
                say("cust-said", &words);
                open(&picker, found);
            }
            Err(_) => {
                close(&picker);
                say("cust-said", "Couldn't search for customers. Try again.");
            }
        }
    });
}

fn open(picker: &Rc<Picker>, found: Vec<Candidate>) {
    let chosen = chosen_ids();
    let options = found.iter().enumerate().map(|(i, person)| {
        let added = chosen.contains(&person.id.to_string());
        let hint = match person.skip {
            _ if added => "Added",
            Some(reason) => reason.label(),
            None => &person.hint,
        };
        let option = put(
            make(
                "li",
                &[
                    ("role", "option"),
                    ("id", &format!("cust-o{i}")),
                    ("aria-selected", "false"),
                ],
                &person.name,
            ),
            [make("span", &[], hint)],
        )?;
        if added {
            let _ = option.set_attribute("aria-disabled", "true");
        }
        // The focus stays in the text.
        dom::listen(&option, "mousedown", |event| event.prevent_default());
        let (picker, person) = (picker.clone(), person.clone());
        dom::listen(&option, "click", move |_| add(&picker, &person));
        Some(option)
    });
    fill("cust-list", options);
    let some = !found.is_empty();
    picker.options.replace(found);
    set_open(picker, some);
}

fn close(picker: &Rc<Picker>) {
    set_open(picker, false);
}

fn set_open(picker: &Rc<Picker>, open: bool) {
    picker.open.set(open);
    dom::hide("cust-list", !open);
    if let Some(input) = dom::by_id::<Element>("cust") {
        let _ = input.set_attribute("aria-expanded", if open { "true" } else { "false" });
    }
    point_at(picker, None);
}

fn point_at(picker: &Rc<Picker>, active: Option<usize>) {
    picker.active.set(active);
    for (i, option) in dom::all("#cust-list [role=option]").into_iter().enumerate() {
        let here = active == Some(i);
        let _ = option.set_attribute("aria-selected", if here { "true" } else { "false" });
        if here {
            option.scroll_into_view_with_bool(false);
        }
    }
    if let Some(input) = dom::by_id::<Element>("cust") {
        let _ = match active {
            Some(i) => input.set_attribute("aria-activedescendant", &format!("cust-o{i}")),
            None => input.remove_attribute("aria-activedescendant"),
        };
    }
}

/// Adds one, keeps the focus and clears the text.
fn add(picker: &Rc<Picker>, person: &Candidate) {
    let id = person.id.to_string();
    if chosen_ids().contains(&id) {
        return;
    }
    let skip = person.skip.map(|reason| reason.label()).unwrap_or_default();
    let chosen = Chosen {
        id,
        name: person.name.clone(),
        skip: skip.to_owned(),
    };
    put(dom::by_id("cust-chosen"), [chip(&chosen)]);
    say(
        "cust-said",
        &format!("{} added. {} chosen.", person.name, chosen_ids().len()),
    );
    dom::set_value("cust", "");
    picker.pause.stop();
    close(picker);
    dom::focus("cust");
    dom::announce_change();
}

fn chip(person: &Chosen) -> Option<Element> {
    let Chosen { id, name, skip } = person;
    let data = [
        ("class", "chip"),
        ("data-id", id.as_str()),
        ("data-name", name.as_str()),
        ("data-skip", skip.as_str()),
    ];
    let chip = make("li", &data, name)?;
    let hint = (!skip.is_empty())
        .then(|| make("span", &[("class", "hint")], skip))
        .flatten();
    let button = dom::button("", "×", {
        let (chip, name) = (chip.clone(), name.clone());
        move || remove(&chip, &name)
    })?;
    let _ = button.set_attribute("aria-label", &format!("Remove {name}"));
    let hidden = make(
        "input",
        &[("type", "hidden"), ("name", "customer_ids[]"), ("value", id)],
        "",
    );
    put(Some(chip), [hint, Some(button), hidden])
}

/// Takes one away; the focus goes to the next, or to the text.
fn remove(chip: &Element, name: &str) {
    let next = chip
        .next_element_sibling()
        .and_then(|next| next.query_selector("button").ok().flatten());
    chip.remove();
    say("cust-said", &format!("{name} removed. {} chosen.", chosen_ids().len()));
    match next.and_then(|next| next.dyn_into::<web_sys::HtmlElement>().ok()) {
        Some(next) => {
            let _ = next.focus();
        }
        None => dom::focus("cust"),
    }
    dom::announce_change();
}

fn key(picker: &Rc<Picker>, event: Event) {
    let Some(event) = event.dyn_ref::<KeyboardEvent>() else {
        return;
    };
    let n = picker.options.borrow().len();
    let open = picker.open.get();
    match event.key().as_str() {
        pressed @ ("ArrowDown" | "ArrowUp") if open && n > 0 => {
            event.prevent_default();
            // Past either end is the text itself.
            let next = match (picker.active.get(), pressed == "ArrowDown") {
                (None, true) => Some(0),
                (None, false) => Some(n - 1),
                (Some(i), true) => Some(i + 1).filter(|i| *i < n),
                (Some(i), false) => i.checked_sub(1),
            };
            point_at(picker, next);
        }
        "Enter" => {
            // Enter never sends the form from here.
            event.prevent_default();
            let pick = picker.active.get().filter(|_| open);
            let person = pick.and_then(|i| picker.options.borrow().get(i).cloned());
            if let Some(person) = person {
                add(picker, &person);
            }
        }
        "Escape" if open => {
            event.prevent_default();
            close(picker);
        }
        "Escape" => dom::set_value("cust", ""),
        _ => {}
    }
}
