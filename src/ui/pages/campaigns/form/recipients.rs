//! Recipient type and its four qualifiers. Which of them shows is up to the style sheet.

use leptos::prelude::*;

use super::Writing;
use crate::{
    recipients::model::{Candidate, grouped},
    ui::components::FieldError,
};

/// The fieldset.
pub fn view(writing: &Writing) -> AnyView {
    let kind = writing.form.recipient_type.clone();
    let problem = writing.problem("rt-all");
    let described = problem.is_some().then_some("rt-all-error");
    let option = |value: &'static str, label: &'static str, hint: &'static str, count: Option<i64>| {
        let id = format!("rt-{value}");
        let hint_id = format!("{id}-hint");
        let number = count.map(|n| view! { <span class="num" aria-hidden="true">{grouped(n)}</span> });
        view! {
            <div class="optrow">
                <input type="radio" id=id.clone() name="recipient_type" value=value checked=kind == value
                    aria-describedby=hint_id.clone()/>
                <label for=id>{label}</label>
                {number}
                <span class="hint" id=hint_id>{hint}</span>
            </div>
        }
    };
    view! {
        <fieldset aria-describedby=described>
            <legend>"Recipient type"</legend>
            <FieldError field="rt-all" words=problem/>
            <div>
                {option("all", "All", "Every customer with an email address", Some(writing.all_count))}
                {option("segment", "Segment", "One saved group of customers", None)}
                {segment_panel(writing)}
                {option("tags", "Tags", "Customers with any of the tags you tick", None)}
                {tags_panel(writing)}
                {option("manual", "Manual", "Search for customers and add them one by one", None)}
                {manual_panel(writing)}
            </div>
        </fieldset>
    }
    .into_any()
}

fn segment_panel(writing: &Writing) -> AnyView {
    let problem = writing.problem("segment");
    let described = problem.is_some().then_some("segment-error");
    let invalid = problem.is_some().then_some("true");
    let chosen = writing.form.segment_id.clone();
    let options: Vec<_> = writing
        .segments
        .iter()
        .map(|segment| {
            let id = segment.id.to_string();
            let selected = id == chosen;
            let words = format!("{} (up to {})", segment.name, grouped(segment.size));
            view! { <option value=id selected=selected data-name=segment.name.clone()>{words}</option> }
        })
        .collect();
    view! {
        <div class="panel" id="p-segment">
            <label for="segment">"Choose a segment"</label>
            <FieldError field="segment" words=problem/>
            <select id="segment" name="segment_id" aria-describedby=described aria-invalid=invalid>
                <option value="">"Choose one"</option>
                {options}
            </select>
        </div>
    }
    .into_any()
}

fn tags_panel(writing: &Writing) -> AnyView {
    let problem = writing.problem("tag-0");
    let described = problem.is_some().then_some("tag-0-error");
    let ticks: Vec<_> = writing
        .tags
        .iter()
        .enumerate()
        .map(|(i, tag)| {
            let checked = writing.form.tags.contains(tag);
            view! {
                <label class="tick">
                    <input type="checkbox" id=format!("tag-{i}") name="tags[]" value=tag.clone() checked=checked/>
                    {tag.clone()}
                </label>
            }
        })
        .collect();
    let none = ticks
        .is_empty()
        .then(|| view! { <p class="hint" id="tag-0" tabindex="-1">"No customer has a tag yet."</p> });
    view! {
        <div class="panel" id="p-tags">
            <fieldset aria-describedby=described>
                <legend>"Choose tags"</legend>
                <FieldError field="tag-0" words=problem/>
                {none}
                <div class="ticks">{ticks}</div>
            </fieldset>
        </div>
    }
    .into_any()
}

fn manual_panel(writing: &Writing) -> AnyView {
    let problem = writing.problem("cust");
    let described = if problem.is_some() {
        "cust-hint cust-error"
    } else {
        "cust-hint"
    };
    let invalid = problem.is_some().then_some("true");
    let (searched, found) = (writing.searched.clone(), &writing.found);
    let chosen: Vec<_> = writing.chosen.iter().map(|person| tick(person, true)).collect();
    let fresh: Vec<_> = found
        .iter()
        .filter(|person| writing.chosen.iter().all(|c| c.id != person.id))
        .map(|person| tick(person, false))
        .collect();
    let words = (!searched.is_empty()).then(|| match found.len() {
        0 => format!("No customers match '{searched}'"),
        1 => "1 customer found. Tick to add them.".to_owned(),
        n => format!("{n} customers found. Tick those to add."),
    });
    view! {
        <div class="panel" id="p-manual">
            <div class="combo">
                <label for="cust" id="cust-label">"Find a customer"</label>
                <p class="hint" id="cust-hint">"Type a name, email or phone"</p>
                <FieldError field="cust" words=problem/>
                <div class="inline">
                    <input id="cust" class="grow" type="text" name="find_customer" value=searched autocomplete="off"
                        aria-describedby=described aria-invalid=invalid/>
                    <button class="btn" id="cust-search" type="submit" name="intent" value="find_customer">"Search"</button>
                </div>
                <ul id="cust-list" role="listbox" aria-label="Matching customers" hidden></ul>
                <p class="vh" id="cust-said" role="status"></p>
                {words.map(|words| view! { <p class="hint" id="cust-found-words">{words}</p> })}
                <ul id="cust-found" aria-label="Customers found">{fresh}</ul>
            </div>
            <ul id="cust-chosen" aria-label="Chosen customers">{chosen}</ul>
        </div>
    }
    .into_any()
}

fn tick(person: &Candidate, ticked: bool) -> AnyView {
    let skip = person.skip.map(|reason| reason.label()).unwrap_or_default();
    let hint = if skip.is_empty() {
        person.hint.clone()
    } else {
        skip.to_owned()
    };
    let id = person.id.to_string();
    view! {
        <li>
            <label class="tick" data-id=id.clone() data-name=person.name.clone() data-skip=skip>
                <input type="checkbox" name="customer_ids[]" value=id.clone() checked=ticked/>
                <span>{person.name.clone()}" "<span class="hint">{hint}</span></span>
            </label>
        </li>
    }
    .into_any()
}
