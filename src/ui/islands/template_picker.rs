//! Wording to start from: a chosen template fills in subject and body, with a question first when
//! something would be lost, and a way back.

use leptos::{either::EitherOf3, prelude::*};

use super::editing::Editing;
use crate::campaigns::{api::template_text, model::TemplateWording};

/// Subject and body.
type Texts = (String, String);

/// What stands below the field.
#[derive(Clone)]
enum Note {
    /// Whether the template may replace what is written.
    Asks(TemplateWording),
    /// It has, and this was there before.
    Filled {
        name: String,
        before: Texts,
    },
    Failed,
}

/// The templates, and a button for those who have no scripts.
#[island]
pub fn TemplatePicker(templates: Vec<(i64, String)>, chosen: String) -> impl IntoView {
    let editing = Editing::here();
    let awake = move || editing.is_some_and(Editing::is_awake);
    let note = RwSignal::new(None::<Note>);
    // What the last template put there: that may be replaced without asking.
    let ours = StoredValue::new(Texts::default());
    let now = move || {
        editing
            .and_then(Editing::read)
            .map(|form| (form.subject, form.body))
            .unwrap_or_default()
    };
    let put = move |(subject, body): &Texts| {
        if let Some(editing) = editing {
            editing.put("subject", subject);
            editing.put("body", body);
        }
        now()
    };
    let fill = move |wording: TemplateWording| {
        let before = now();
        // As the browser keeps it, which may differ in line breaks.
        ours.set_value(put(&(wording.subject, wording.body)));
        note.set(Some(Note::Filled {
            name: wording.name,
            before,
        }));
    };
    let load = Action::new(|id: &i64| template_text(*id));
    Effect::new(move |_| match load.value().get() {
        Some(Ok(wording)) => {
            let written = now();
            let blank = written.0.trim().is_empty() && written.1.trim().is_empty();
            match blank || ours.with_value(|ours| *ours == written) {
                true => fill(wording),
                false => note.set(Some(Note::Asks(wording))),
            }
        }
        Some(Err(_)) => note.set(Some(Note::Failed)),
        None => {}
    });
    let choose = move |id: &str| {
        note.set(None);
        if let Ok(id) = id.parse() {
            load.dispatch(id);
        }
    };
    // Somebody may have chosen before this ran.
    let given = chosen.clone();
    let found = Editing::follow(editing, None, |form| Some(form.template_id.clone()));
    Effect::new(move |awake: Option<bool>| {
        let before = awake.unwrap_or_default();
        if let Some(id) = found.get().filter(|id| !before && *id != given) {
            choose(&id);
        }
        before || found.with(Option::is_some)
    });
    let words = move || {
        let note_now = note.get()?;
        let button = |class: &'static str, words: &'static str, act: Box<dyn Fn() + Send>| {
            view! { <button type="button" class=class on:click=move |_| act()>{words}</button> }
        };
        let dismiss = move || note.set(None);
        Some(match note_now {
            Note::Asks(wording) => EitherOf3::A(view! {
                <span>"Replace what you've written?"</span>
                {button("btn sm", "Replace", Box::new(move || fill(wording.clone())))}
                {button("btn quiet sm", "Keep mine", Box::new(dismiss))}
            }),
            Note::Filled { name, before } => EitherOf3::B(view! {
                <span>{format!("Subject and body filled from '{name}'.")}</span>
                {button("btn quiet sm", "Undo", Box::new(move || {
                    put(&before);
                    dismiss();
                }))}
            }),
            Note::Failed => EitherOf3::C(view! { <span>"Couldn't load the template. Try again."</span> }),
        })
    };
    let option = |(id, name): (i64, String)| {
        let id = id.to_string();
        let selected = id == chosen;
        view! { <option value=id selected=selected>{name}</option> }
    };
    let options = templates.into_iter().map(option).collect_view();
    view! {
        <div class="inline">
            <select id="template" class="grow" name="template_id" aria-describedby="template-hint"
                on:change=move |event| choose(&event_target_value(&event))>
                <option value="">"No template"</option>
                {options}
            </select>
            <button class="btn" type="submit" name="intent" value="use_template" hidden=awake>"Use template"</button>
        </div>
        <div class="inline filled-note" role="status">{words}</div>
    }
}
