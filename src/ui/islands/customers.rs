//! "Add customers": an editable combobox with a list (the ARIA pattern with manual selection).
//! Without scripts it is a search box and a list of ticks.

use std::time::Duration;

use leptos::{ev::KeyboardEvent, leptos_dom::helpers::TimeoutHandle, prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlInputElement};

use super::dom;
use crate::recipients::{api::find_customers, model::Candidate};

/// After the last key, before asking.
const PAUSE: Duration = Duration::from_millis(250);
/// Fewest characters that are looked for.
const FEWEST: usize = 2;

#[derive(Clone, Copy)]
struct Picker {
    chosen: RwSignal<Vec<Candidate>>,
    options: RwSignal<Vec<Candidate>>,
    open: RwSignal<bool>,
    active: RwSignal<Option<usize>>,
    said: RwSignal<String>,
    question: StoredValue<u64>,
    pause: StoredValue<Option<TimeoutHandle>>,
}

impl Picker {
    fn is_chosen(self, id: i64) -> bool {
        self.chosen.with(|all| all.iter().any(|c| c.id == id))
    }

    fn typed(self) {
        if let Some(waiting) = self.pause.get_value() {
            waiting.clear();
        }
        self.question.update_value(|q| *q += 1);
        self.active.set(None);
        let text = dom::value("cust").trim().to_owned();
        if text.chars().count() < FEWEST {
            self.close();
            return;
        }
        self.pause
            .set_value(set_timeout_with_handle(move || self.ask(text), PAUSE).ok());
    }

    fn ask(self, text: String) {
        let question = self.question.get_value();
        spawn_local(async move {
            let answer = find_customers(text.clone()).await;
            if self.question.get_value() != question {
                return;
            }
            match answer {
                Ok(found) => {
                    self.said.set(match found.len() {
                        0 => format!("No customers match '{text}'"),
                        1 => "1 customer found".to_owned(),
                        n => format!("{n} customers found"),
                    });
                    self.open.set(!found.is_empty());
                    self.options.set(found);
                }
                Err(_) => {
                    self.close();
                    self.said.set("Couldn't search for customers. Try again.".to_owned());
                }
            }
        });
    }

    fn close(self) {
        self.open.set(false);
        self.active.set(None);
    }

    /// Adds one, keeps the focus and clears the text.
    fn add(self, person: Candidate) {
        if self.is_chosen(person.id) {
            return;
        }
        let name = person.name.clone();
        self.chosen.update(|all| all.push(person));
        self.said
            .set(format!("{name} added. {} chosen.", self.chosen.with(Vec::len)));
        dom::set_value("cust", "");
        self.close();
        focus("cust");
        dom::announce_change();
    }

    fn remove(self, id: i64) {
        let at = self.chosen.with(|all| all.iter().position(|c| c.id == id));
        let Some(at) = at else { return };
        let mut name = String::new();
        self.chosen.update(|all| name = all.remove(at).name);
        self.said
            .set(format!("{name} removed. {} chosen.", self.chosen.with(Vec::len)));
        let next = self.chosen.with(|all| all.get(at).map(|c| c.id));
        set_timeout(
            move || match next {
                Some(id) => focus(&format!("remove-{id}")),
                None => focus("cust"),
            },
            Duration::ZERO,
        );
        dom::announce_change();
    }

    fn key(self, event: KeyboardEvent) {
        let n = self.options.with(Vec::len);
        let open = self.open.get();
        match event.key().as_str() {
            "ArrowDown" | "ArrowUp" if open && n > 0 => {
                event.prevent_default();
                let down = event.key() == "ArrowDown";
                // Past either end is the text itself.
                self.active.set(match (self.active.get(), down) {
                    (None, true) => Some(0),
                    (None, false) => Some(n - 1),
                    (Some(i), true) => Some(i + 1).filter(|i| *i < n),
                    (Some(i), false) => i.checked_sub(1),
                });
            }
            "Enter" => {
                // Enter never sends the form from here.
                event.prevent_default();
                let pick = self.active.get().filter(|_| open);
                if let Some(person) = pick.and_then(|i| self.options.with(|all| all.get(i).cloned())) {
                    self.add(person);
                }
            }
            "Escape" if open => {
                event.prevent_default();
                self.close();
            }
            "Escape" => dom::set_value("cust", ""),
            _ => {}
        }
    }
}

fn focus(id: &str) {
    if let Some(element) = dom::by_id::<HtmlElement>(id) {
        let _ = element.focus();
    }
}

/// Picking customers one by one.
#[island]
pub fn CustomerPicker(
    chosen: Vec<Candidate>,
    /// What a search without scripts found, and what was looked for.
    found: Vec<Candidate>,
    searched: String,
    described_by: String,
) -> impl IntoView {
    let picker = Picker {
        chosen: RwSignal::new(chosen.clone()),
        options: RwSignal::new(Vec::new()),
        open: RwSignal::new(false),
        active: RwSignal::new(None),
        said: RwSignal::new(String::new()),
        question: StoredValue::new(0),
        pause: StoredValue::new(None),
    };
    let live = RwSignal::new(false);
    let plain = StoredValue::new((chosen, found, searched, described_by));
    Effect::new(move |_| {
        // What was ticked and typed before this ran stays.
        let ticked = ticked_ids();
        let known = plain.with_value(|(chosen, found, ..)| [chosen.as_slice(), found.as_slice()].concat());
        let mut chosen: Vec<Candidate> = Vec::new();
        for person in known {
            if ticked.contains(&person.id) && chosen.iter().all(|c| c.id != person.id) {
                chosen.push(person);
            }
        }
        let typed = dom::value("cust");
        let focused = document().active_element().is_some_and(|e| e.id() == "cust");
        picker.chosen.set(chosen);
        live.set(true);
        let searched = plain.with_value(|(_, _, searched, _)| searched.clone());
        set_timeout(
            move || {
                if focused {
                    focus("cust");
                }
                if typed != searched {
                    dom::set_value("cust", &typed);
                    picker.typed();
                }
            },
            Duration::ZERO,
        );
    });
    move || {
        if live.get() {
            combobox(picker, plain.with_value(|(.., described_by)| described_by.clone()))
        } else {
            plain.with_value(|(chosen, found, searched, described_by)| ticks(chosen, found, searched, described_by))
        }
    }
}

fn ticked_ids() -> Vec<i64> {
    let Ok(boxes) = document().query_selector_all("#p-manual input[name='customer_ids[]']:checked") else {
        return Vec::new();
    };
    (0..boxes.length())
        .filter_map(|i| boxes.item(i))
        .filter_map(|node| node.dyn_into::<HtmlInputElement>().ok())
        .filter_map(|input| input.value().parse().ok())
        .collect()
}

fn combobox(picker: Picker, described_by: String) -> AnyView {
    let describes = format!("cust-hint {described_by}");
    let pointed = move || picker.active.get().map(|i| format!("cust-o{i}"));
    let option = move |(i, person): (usize, Candidate)| {
        let added = picker.is_chosen(person.id);
        let hint = match person.skip {
            _ if added => "Added".to_owned(),
            Some(reason) => reason.label().to_owned(),
            None => person.hint.clone(),
        };
        let pick = person.clone();
        view! {
            <li role="option" id=format!("cust-o{i}") aria-disabled=added.then_some("true")
                aria-selected=move || if picker.active.get() == Some(i) { "true" } else { "false" }
                on:mousedown=|event| event.prevent_default() on:click=move |_| picker.add(pick.clone())>
                {person.name}<span>{hint}</span>
            </li>
        }
    };
    let chip = move |person: Candidate| {
        let id = person.id;
        let remove = format!("Remove {}", person.name);
        let skip = person
            .skip
            .map(|reason| view! { <span class="hint">{reason.label()}</span> });
        view! {
            <li class="chip">
                {person.name}{skip}
                <button type="button" id=format!("remove-{id}") aria-label=remove on:click=move |_| picker.remove(id)>"×"</button>
                <input type="hidden" name="customer_ids[]" value=id.to_string()/>
            </li>
        }
    };
    view! {
        <div class="combo">
            <label for="cust">"Add customers"</label>
            <p class="hint" id="cust-hint">"Type a name, email or phone"</p>
            <input id="cust" type="text" role="combobox" aria-autocomplete="list" autocomplete="off" aria-controls="cust-list"
                aria-expanded=move || if picker.open.get() { "true" } else { "false" } aria-activedescendant=pointed
                aria-describedby=describes on:input=move |_| picker.typed() on:keydown=move |event| picker.key(event)
                on:blur=move |_| picker.close()/>
            <ul id="cust-list" role="listbox" aria-label="Matching customers" hidden=move || !picker.open.get()>
                {move || picker.options.get().into_iter().enumerate().map(option).collect::<Vec<_>>()}
            </ul>
            <p class="vh" role="status">{move || picker.said.get()}</p>
        </div>
        <ul class="chips" aria-label="Chosen customers">
            <For each=move || picker.chosen.get() key=|person| person.id children=chip/>
        </ul>
    }
    .into_any()
}

fn ticks(chosen: &[Candidate], found: &[Candidate], searched: &str, described_by: &str) -> AnyView {
    let tick = |person: &Candidate, ticked: bool| {
        let hint = person
            .skip
            .map_or_else(|| person.hint.clone(), |reason| reason.label().to_owned());
        view! {
            <li>
                <label class="tick">
                    <input type="checkbox" name="customer_ids[]" value=person.id.to_string() checked=ticked/>
                    <span>{person.name.clone()}" "<span class="hint">{hint}</span></span>
                </label>
            </li>
        }
    };
    let picked: Vec<_> = chosen.iter().map(|person| tick(person, true)).collect();
    let fresh: Vec<_> = found
        .iter()
        .filter(|person| chosen.iter().all(|c| c.id != person.id))
        .map(|person| tick(person, false))
        .collect();
    let words = (!searched.is_empty()).then(|| match found.len() {
        0 => format!("No customers match '{searched}'"),
        1 => "1 customer found. Tick to add them.".to_owned(),
        n => format!("{n} customers found. Tick those to add."),
    });
    view! {
        <div class="combo">
            <label for="cust">"Find a customer"</label>
            <p class="hint" id="cust-hint">"Type a name, email or phone"</p>
            <div class="inline">
                <input id="cust" class="grow" type="text" name="find_customer" value=searched.to_owned() autocomplete="off"
                    aria-describedby=format!("cust-hint {described_by}")/>
                <button class="btn" type="submit" name="intent" value="find_customer">"Search"</button>
            </div>
            {words.map(|words| view! { <p class="hint" role="status">{words}</p> })}
            <ul aria-label="Customers found">{fresh}</ul>
        </div>
        <ul aria-label="Chosen customers">{picked}</ul>
    }
    .into_any()
}
