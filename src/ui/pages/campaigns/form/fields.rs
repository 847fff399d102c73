//! Name, template, subject, body, and what a blank field reads instead.

use leptos::prelude::*;

use super::{Writing, toolbar};
use crate::{
    rendering::Field,
    ui::{
        components::{FieldError, SafeTextArea},
        islands::{
            following::{Fallback, Fallbacks, SubjectLength, mentions},
            template_picker::TemplatePicker,
        },
    },
};

/// One line of text.
fn line(id: &'static str, label: &'static str, hint: AnyView, value: String, problem: Option<String>) -> AnyView {
    let described = match problem {
        Some(_) => format!("{id}-hint {id}-error"),
        None => format!("{id}-hint"),
    };
    let invalid = problem.is_some().then_some("true");
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <p class="hint" id=format!("{id}-hint")>{hint}</p>
            <FieldError field=id words=problem/>
            <input id=id name=id type="text" autocomplete="off" value=value aria-describedby=described aria-invalid=invalid/>
        </div>
    }
    .into_any()
}

/// What the team calls it.
pub fn name(writing: &Writing) -> AnyView {
    let hint = "Only your team sees this".into_any();
    line("name", "Name", hint, writing.form.name.clone(), writing.problem("name"))
}

/// Wording to start from.
pub fn template(writing: &Writing) -> AnyView {
    let (templates, chosen) = (writing.templates.clone(), writing.form.template_id.clone());
    view! {
        <div class="field">
            <label for="template">"Template"</label>
            <p class="hint" id="template-hint">"Fills in the subject and body. You can change both."</p>
            <TemplatePicker templates chosen/>
        </div>
    }
    .into_any()
}

/// The subject, with its length.
pub fn subject(writing: &Writing) -> AnyView {
    let start = writing.form.subject.trim().chars().count();
    let hint = view! { "About 50 characters shows on most phones. "<SubjectLength start/> }.into_any();
    line(
        "subject",
        "Subject",
        hint,
        writing.form.subject.clone(),
        writing.problem("subject"),
    )
}

/// The message, how to write it, and the fallbacks of the fields it uses.
pub fn body(writing: &Writing) -> AnyView {
    let problem = writing.problem("body");
    let described = if problem.is_some() {
        "body-hint body-error"
    } else {
        "body-hint"
    };
    let invalid = problem.is_some();
    view! {
        <div class="field">
            <label for="body">"Body"</label>
            <p class="hint" id="body-hint">"Write as you'd speak. Personal fields stand in double braces."</p>
            <FieldError field="body" words=problem/>
            <div class="editor">
                {toolbar::view()}
                <SafeTextArea id="body" name="body" value=writing.form.body.clone() rows=14 described_by=described invalid/>
            </div>
            {help()}
            {fallbacks(writing)}
        </div>
    }
    .into_any()
}

fn help() -> AnyView {
    let fields: Vec<_> = Field::ALL
        .into_iter()
        .map(|field| view! { <dt><code>{format!("{{{{{}}}}}", field.key())}</code></dt><dd>{field.label()}</dd> })
        .collect();
    view! {
        <details class="more">
            <summary>"Personal fields and formatting"</summary>
            <dl class="facts">{fields}</dl>
            <dl class="facts">
                <dt><code>"**bold**"</code></dt><dd>"Bold"</dd>
                <dt><code>"*italic*"</code></dt><dd>"Italic"</dd>
                <dt><code>"# Heading"</code></dt><dd>"A heading"</dd>
                <dt><code>"- one"</code></dt><dd>"A list"</dd>
                <dt><code>"[words](https://…)"</code></dt><dd>"A link"</dd>
                <dt><code>"[button: Book a time](https://…)"</code></dt><dd>"A button"</dd>
                <dt><code>"![what it shows](https://…)"</code></dt><dd>"A picture"</dd>
            </dl>
        </details>
    }
    .into_any()
}

/// What a customer reads where a field is blank.
fn fallbacks(writing: &Writing) -> AnyView {
    let form = &writing.form;
    let row = |field: Field, label: &str, value: &String| Fallback {
        key: field.key().to_owned(),
        field: field.label().to_owned(),
        label: label.to_owned(),
        value: value.clone(),
        used: mentions(&form.subject, field.key()) || mentions(&form.body, field.key()),
    };
    let start = vec![
        row(Field::FirstName, "Fallback for first", &form.fallback_first_name),
        row(Field::LastName, "Fallback for last", &form.fallback_last_name),
        row(
            Field::NextAnniversary,
            "Fallback for anniversary",
            &form.fallback_next_anniversary,
        ),
    ];
    view! { <Fallbacks start/> }.into_any()
}
