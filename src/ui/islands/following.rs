//! What follows the writing: the length of the subject, and what a blank field reads instead.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::editing::Editing;
use crate::campaigns::model::CampaignForm;

/// How long a subject is.
#[island]
pub fn SubjectLength(start: usize) -> impl IntoView {
    let n = Editing::follow(Editing::here(), start, |form| form.subject.trim().chars().count());
    let words = move || {
        let n = n.get();
        format!("{n} {}", if n == 1 { "character" } else { "characters" })
    };
    view! { <span>{words}</span> }
}

/// A personal field that may be blank.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fallback {
    /// As it stands between braces.
    pub key: String,
    pub field: String,
    pub label: String,
    pub value: String,
    /// Whether the message uses it.
    pub used: bool,
}

/// All fallbacks are in the form; those of fields the message doesn't use are hidden.
#[island]
pub fn Fallbacks(start: Vec<Fallback>) -> impl IntoView {
    let editing = Editing::here();
    let text = Editing::follow(editing, None, |form: &CampaignForm| {
        Some(format!("{} {}", form.subject, form.body))
    });
    let uses = move |key: &str, used: bool| text.with(|text| text.as_ref().map_or(used, |text| mentions(text, key)));
    let all: Vec<_> = start.iter().map(|row| (row.key.clone(), row.used)).collect();
    let none = move || !all.iter().any(|(key, used)| uses(key, *used));
    let row = move |row: Fallback| {
        let Fallback {
            key,
            field,
            label,
            value,
            used,
        } = row;
        let (id, name) = (format!("fallback-{key}"), format!("fallback_{key}"));
        view! {
            <tr hidden=move || !uses(&key, used)>
                <th scope="row">{field}</th>
                <td><input id=id name=name type="text" autocomplete="off" aria-label=label value=value/></td>
            </tr>
        }
    };
    view! {
        <table class="table" id="fallbacks" hidden=none>
            <caption>"Where a customer has none"</caption>
            <thead><tr><th scope="col">"Personal field"</th><th scope="col">"They read instead"</th></tr></thead>
            <tbody>{start.into_iter().map(row).collect_view()}</tbody>
        </table>
    }
}

/// Whether a text has the field in braces; also while the rest of it does not compile.
pub fn mentions(text: &str, key: &str) -> bool {
    text.split("{{").skip(1).any(|rest| rest.trim_start().starts_with(key))
}
