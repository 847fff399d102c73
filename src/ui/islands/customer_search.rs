//! "Add customers": a search box and ticks without scripts; with them an editable combobox with a
//! list (the ARIA pattern with manual selection) and a chip for each customer chosen.

use std::time::Duration;

use leptos::{html, prelude::*};
use web_sys::KeyboardEvent;

use super::{debounce::debounced, editing::Editing};
use crate::{
    recipients::{api::find_customers, model::Candidate},
    ui::components::FieldError,
};

/// After the last key, before asking.
const PAUSE: Duration = Duration::from_millis(150);
/// Fewest characters that are looked for.
const FEWEST: usize = 2;

/// The combobox, shared by its parts.
#[derive(Clone, Copy)]
struct Combobox {
    editing: Option<Editing>,
    input: NodeRef<html::Input>,
    /// What is being looked for.
    text: RwSignal<String>,
    found: RwSignal<Vec<Candidate>>,
    open: RwSignal<bool>,
    active: RwSignal<Option<usize>>,
    /// What a screen reader hears; on the page when nobody was found.
    said: RwSignal<String>,
    nobody: RwSignal<bool>,
}

/// The search, who was found, and who is chosen.
#[island]
pub fn CustomerSearch(
    chosen: Vec<Candidate>,
    found: Vec<Candidate>,
    searched: String,
    problem: Option<String>,
) -> impl IntoView {
    let combobox = Combobox::new(searched.clone(), &found);
    let known: Vec<Candidate> = chosen.iter().chain(&found).cloned().collect();
    combobox.awaken(known);
    combobox.follow_text();
    let awake = move || combobox.chips().is_some();
    let described = match problem {
        Some(_) => "cust-hint cust-error",
        None => "cust-hint",
    };
    let invalid = problem.is_some().then_some("true");
    let when_awake = move |value: &'static str| move || awake().then_some(value);
    let active = move || combobox.active.get().map(|i| format!("cust-o{i}"));
    let plain = move || (!awake()).then_some("find_customer");
    let fresh: Vec<Candidate> = found
        .into_iter()
        .filter(|person| chosen.iter().all(|c| c.id != person.id))
        .collect();
    view! {
        <div class="combo">
            <label for="cust">{move || if awake() { "Add customers" } else { "Find a customer" }}</label>
            <p class="hint" id="cust-hint">"Type a name, email or phone"</p>
            <FieldError field="cust" words=problem/>
            <div class="inline">
                <input id="cust" class="grow" type="text" node_ref=combobox.input name=plain value=searched autocomplete="off"
                    aria-describedby=described aria-invalid=invalid role=when_awake("combobox")
                    aria-autocomplete=when_awake("list") aria-controls=when_awake("cust-list")
                    aria-expanded=move || awake().then(|| combobox.open.get().to_string()) aria-activedescendant=active
                    on:input=move |event| combobox.text.set(event_target_value(&event))
                    on:keydown=move |event| combobox.key(&event) on:blur=move |_| combobox.close()/>
                <button class="btn" type="submit" name="intent" value="find_customer" hidden=awake>"Search"</button>
            </div>
            <Options combobox/>
            <p class="hint" class:vh=move || awake() && !combobox.nobody.get() role="status">{combobox.said}</p>
            {move || combobox.nobody.get().then(|| view! { <p class="hint"><a href="/customers/new">"Add a customer"</a></p> })}
            {move || (!awake()).then(|| view! { <Ticks people=fresh.clone() ticked=false label="Customers found"/> })}
        </div>
        {move || match combobox.chips() {
            Some(people) => view! { <Chips combobox people/> }.into_any(),
            None => view! { <Ticks people=chosen.clone() ticked=true label="Chosen customers"/> }.into_any(),
        }}
    }
}

/// Those who match, in the flow of the page.
#[component]
fn Options(combobox: Combobox) -> impl IntoView {
    let list = NodeRef::<html::Ul>::new();
    Effect::new(move |_| {
        if let (Some(i), Some(list)) = (combobox.active.get(), list.get())
            && let Some(option) = u32::try_from(i).ok().and_then(|i| list.children().item(i))
        {
            option.scroll_into_view_with_bool(false);
        }
    });
    let options = move || {
        let chosen = combobox.chips().unwrap_or_default();
        let option = |(i, person): (usize, Candidate)| {
            let added = chosen.iter().any(|c| c.id == person.id);
            let hint = match person.skip {
                _ if added => "Added".to_owned(),
                Some(reason) => reason.label().to_owned(),
                None => person.hint.clone(),
            };
            let name = person.name.clone();
            view! {
                <li role="option" id=format!("cust-o{i}") aria-disabled=added.then_some("true")
                    aria-selected=move || (combobox.active.get() == Some(i)).to_string()
                    // The focus stays in the text.
                    on:mousedown=|event| event.prevent_default() on:click=move |_| combobox.add(person.clone())>
                    {name}<span>{hint}</span>
                </li>
            }
        };
        combobox.found.get().into_iter().enumerate().map(option).collect_view()
    };
    view! {
        <ul id="cust-list" role="listbox" aria-label="Matching customers" node_ref=list hidden=move || !combobox.open.get()>
            {move || combobox.open.get().then(options)}
        </ul>
    }
}

/// Customers to tick: how somebody is chosen without scripts.
#[component]
fn Ticks(people: Vec<Candidate>, ticked: bool, label: &'static str) -> impl IntoView {
    let tick = |person: Candidate| {
        let hint = match person.skip {
            Some(reason) => reason.label().to_owned(),
            None => person.hint,
        };
        view! {
            <li>
                <label class="tick">
                    <input type="checkbox" name="customer_ids[]" value=person.id.to_string() checked=ticked/>
                    <span>{person.name}" "<span class="hint">{hint}</span></span>
                </label>
            </li>
        }
    };
    view! { <ul aria-label=label>{people.into_iter().map(tick).collect_view()}</ul> }
}

/// Those chosen, each with its button to take them away.
#[component]
fn Chips(combobox: Combobox, people: Vec<Candidate>) -> impl IntoView {
    let chip = |(i, person): (usize, Candidate)| {
        let hint = person
            .skip
            .map(|reason| view! { <span class="hint">{reason.label()}</span> });
        let remove = format!("Remove {}", person.name);
        view! {
            <li class="chip">
                {person.name}{hint}
                <button type="button" aria-label=remove on:click=move |_| combobox.remove(i)>"×"</button>
                <input type="hidden" name="customer_ids[]" value=person.id.to_string()/>
            </li>
        }
    };
    let chips = people.into_iter().enumerate().map(chip).collect_view();
    view! { <ul class="chips" aria-label="Chosen customers">{chips}</ul> }
}

impl Combobox {
    fn new(searched: String, found: &[Candidate]) -> Self {
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
    fn chips(self) -> Option<Vec<Candidate>> {
        self.editing?.chosen.get()
    }

    /// Once the form has been read, those ticked become chips. What is in the box by then and was
    /// not looked for is.
    fn awaken(self, known: Vec<Candidate>) {
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
    fn follow_text(self) {
        let text = Memo::new(move |_| self.text.with(|text| text.trim().to_owned()));
        let settled = debounced(text, PAUSE);
        let first = text.get_untracked();
        let answer = LocalResource::new(move || {
            let text = settled.get();
            let wanted = text != first && text.chars().count() >= FEWEST;
            async move {
                match wanted {
                    true => Some((text.clone(), find_customers(text).await)),
                    false => None,
                }
            }
        });
        Effect::new(move |_| match answer.get().flatten() {
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

    fn close(self) {
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
    fn add(self, person: Candidate) {
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
    fn remove(self, i: usize) {
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

    fn key(self, event: &KeyboardEvent) {
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
