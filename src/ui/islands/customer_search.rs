//! "Add customers": a search box and ticks without scripts; with them an editable combobox with a
//! list (the ARIA pattern with manual selection) and a chip for each customer chosen.

use leptos::{either::Either, html, prelude::*};

use super::combobox::Combobox;
use crate::{recipients::model::Candidate, ui::components::FieldError};

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
            <p class="hint" class:vh=move || combobox.said.with(String::is_empty) || (awake() && !combobox.nobody.get()) role="status">{combobox.said}</p>
            {move || combobox.nobody.get().then(|| view! { <p class="hint"><a href="/customers/new">"Add a customer"</a></p> })}
            {move || (!awake()).then(|| view! { <Ticks people=fresh.clone() ticked=false label="Customers found"/> })}
        </div>
        {move || match combobox.chips() {
            Some(people) => Either::Left(view! { <Chips combobox people/> }),
            None => Either::Right(view! { <Ticks people=chosen.clone() ticked=true label="Chosen customers"/> }),
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
