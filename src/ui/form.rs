//! A form as its page shows it: what is kept, or what was typed and what to mend.

use leptos::prelude::*;

use super::components::{ErrorSummary, FieldError, SafeTextArea, ShowPassword, problem_of};
use crate::server::forms::Flash;

/// A form after it was refused, or before it was sent.
#[derive(Clone, Debug, Default)]
pub struct Form {
    flash: Flash,
}

/// One line to type into.
#[derive(Clone, Debug, Default)]
pub struct Line {
    pub id: &'static str,
    pub name: &'static str,
    pub label: &'static str,
    pub hint: Option<String>,
    /// `text` when empty.
    pub kind: &'static str,
    /// What is kept; what was typed goes before it.
    pub value: String,
    pub autocomplete: Option<&'static str>,
    /// Fewest and most, for numbers.
    pub range: Option<(i64, i64)>,
}

/// One of several to choose.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    pub id: &'static str,
    pub name: &'static str,
    pub label: &'static str,
    pub hint: Option<String>,
    pub value: String,
    /// Groups (an empty name is no group) of (value, words).
    pub options: Vec<(String, Vec<(String, String)>)>,
}

impl Form {
    pub fn of(flash: Option<&Flash>) -> Self {
        Self {
            flash: flash.cloned().unwrap_or_default(),
        }
    }

    /// Whether the form comes back refused.
    pub fn refused(&self) -> bool {
        !self.flash.typed.is_empty()
    }

    /// What is wrong with a field.
    pub fn problem(&self, id: &str) -> Option<String> {
        problem_of(&self.flash.problems, id)
    }

    /// What a field holds: what was typed, or what is kept.
    pub fn value(&self, name: &str, kept: &str) -> String {
        self.flash.typed(name).unwrap_or(kept).to_owned()
    }

    /// The list of everything to mend, at the top of the page.
    pub fn summary(&self) -> AnyView {
        view! { <ErrorSummary problems=self.flash.problems.clone()/> }.into_any()
    }

    /// A line to type into, with its label, hint and problem.
    pub fn line(&self, line: Line) -> AnyView {
        let Line { id, name, label, .. } = line;
        let problem = self.problem(id);
        let kind = if line.kind.is_empty() { "text" } else { line.kind };
        // A password is never written back.
        let value = (kind != "password").then(|| self.value(name, &line.value));
        let described = described_by(id, line.hint.is_some(), problem.is_some());
        let (least, most) = line
            .range
            .map_or((None, None), |(a, b)| (Some(a.to_string()), Some(b.to_string())));
        let invalid = problem.is_some().then_some("true");
        let input = view! {
            <input id=id name=name r#type=kind value=value autocomplete=line.autocomplete min=least max=most
                aria-describedby=described aria-invalid=invalid/>
        };
        let input = match kind {
            "password" => view! { <div class="with-peek">{input}<ShowPassword field=id/></div> }.into_any(),
            _ => input.into_any(),
        };
        view! {
            <div class="field">
                <label for=id>{label}</label>
                {hint(id, line.hint)}
                <FieldError field=id words=problem/>
                {input}
            </div>
        }
        .into_any()
    }

    /// Several lines to type into.
    pub fn area(&self, line: Line, rows: u32) -> AnyView {
        let Line { id, name, label, .. } = line;
        let problem = self.problem(id);
        let value = self.value(name, &line.value);
        let described = described_by(id, line.hint.is_some(), problem.is_some()).unwrap_or_default();
        view! {
            <div class="field">
                <label for=id>{label}</label>
                {hint(id, line.hint)}
                <FieldError field=id words=problem.clone()/>
                <SafeTextArea id=id name=name value=value rows=rows described_by=described invalid=problem.is_some()/>
            </div>
        }
        .into_any()
    }

    /// A list to choose from.
    pub fn choice(&self, choice: Choice) -> AnyView {
        let Choice { id, name, label, .. } = choice;
        let problem = self.problem(id);
        let value = self.value(name, &choice.value);
        let described = described_by(id, choice.hint.is_some(), problem.is_some());
        let groups: Vec<AnyView> = choice
            .options
            .into_iter()
            .map(|(group, options)| {
                let options: Vec<_> = options
                    .into_iter()
                    .map(|(key, words)| {
                        let selected = key == value;
                        view! { <option value=key selected=selected>{words}</option> }
                    })
                    .collect();
                match group.is_empty() {
                    true => options.into_any(),
                    false => view! { <optgroup label=group>{options}</optgroup> }.into_any(),
                }
            })
            .collect();
        view! {
            <div class="field">
                <label for=id>{label}</label>
                {hint(id, choice.hint)}
                <FieldError field=id words=problem.clone()/>
                <select id=id name=name aria-describedby=described aria-invalid=problem.is_some().then_some("true")>
                    {groups}
                </select>
            </div>
        }
        .into_any()
    }

    /// A box to tick. `beside` is the name of a field of the same form that is always sent: a box
    /// that was left empty isn't, and only that field tells it from the box of another form.
    pub fn tick(&self, id: &'static str, name: &'static str, beside: &str, label: &'static str, kept: bool) -> AnyView {
        let ticked = match self.flash.typed(beside) {
            Some(_) => self.flash.typed(name) == Some("true"),
            None => kept,
        };
        let problem = self.problem(id);
        view! {
            <div class="field">
                <FieldError field=id words=problem.clone()/>
                <label class="tick">
                    <input id=id name=name r#type="checkbox" value="true" checked=ticked
                        aria-invalid=problem.is_some().then_some("true")/>
                    {label}
                </label>
            </div>
        }
        .into_any()
    }
}

fn hint(id: &str, words: Option<String>) -> Option<impl IntoView + use<>> {
    words.map(|words| view! { <p class="hint" id=format!("{id}-hint")>{words}</p> })
}

fn described_by(id: &str, hint: bool, problem: bool) -> Option<String> {
    let parts: Vec<String> = [(hint, "hint"), (problem, "error")]
        .into_iter()
        .filter(|(there, _)| *there)
        .map(|(_, what)| format!("{id}-{what}"))
        .collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}
