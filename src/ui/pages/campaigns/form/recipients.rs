//! Recipient type and its four qualifiers. Which of them shows is up to the style sheet.

use leptos::prelude::*;

use super::Writing;
use crate::{
    text::grouped,
    ui::{components::FieldError, islands::customer_search::CustomerSearch},
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
            view! { <option value=id selected=selected>{words}</option> }
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
    let (chosen, found) = (writing.chosen.clone(), writing.found.clone());
    let (searched, problem) = (writing.searched.clone(), writing.problem("cust"));
    view! {
        <div class="panel" id="p-manual">
            <CustomerSearch chosen found searched problem/>
        </div>
    }
    .into_any()
}
