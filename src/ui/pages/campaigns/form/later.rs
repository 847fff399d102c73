//! Schedule for later: a day and a time on the store's clock.

use leptos::prelude::*;

use super::Writing;
use crate::ui::components::FieldError;

/// The tick and what belongs to it.
pub fn view(writing: &Writing) -> AnyView {
    let form = &writing.form;
    let field = |id: &'static str, label: &'static str, kind: &'static str, value: &str| {
        let problem = writing.problem(id);
        let described = if problem.is_some() {
            format!("when-words {id}-error")
        } else {
            "when-words".to_owned()
        };
        let invalid = problem.is_some().then_some("true");
        view! {
            <div class="field">
                <label for=id>{label}</label>
                <FieldError field=id words=problem/>
                <input id=id name=id type=kind value=value.to_owned() aria-describedby=described aria-invalid=invalid/>
            </div>
        }
    };
    let picks: Vec<_> = writing
        .picks
        .iter()
        .map(|(label, date, time)| {
            view! {
                <button class="pick" type="button" data-date=date.clone() data-time=time.clone()>
                    {label.clone()}
                </button>
            }
        })
        .collect();
    let by_itself = if writing.runs {
        "Sends by itself. We count again when it does."
    } else {
        "Scheduled sends are paused. It stays scheduled until someone clicks Send now."
    };
    view! {
        <div>
            <label class="tick">
                <input type="checkbox" id="later" name="schedule_for_later" value="true" checked=form.is_for_later()/>
                "Schedule for later"
            </label>
            <div id="p-later" class="panel">
                <div class="row">
                    {field("date", "Date", "date", &form.date)}
                    {field("time", "Time", "time", &form.time)}
                </div>
                <div class="inline" id="quick-picks" hidden>{picks}</div>
                <div id="which">{which(writing)}</div>
                <p class="hint">
                    <span id="when-words">{writing.when.words.clone()}</span>" "
                    <span id="your-time" data-at=writing.when.at.clone()></span>
                </p>
                <p class="hint">{by_itself}</p>
            </div>
        </div>
    }
    .into_any()
}

/// Which of two equal clock times, where clocks go back.
fn which(writing: &Writing) -> Option<AnyView> {
    let (question, first, second) = writing.when.which.clone()?;
    let fold = writing.form.fold.clone();
    let radio = |key: &'static str, label: String| {
        let checked = fold == key;
        view! {
            <label class="tick">
                <input type="radio" id=format!("fold-{key}") name="fold" value=key checked=checked/>
                <span>{label}</span>
            </label>
        }
    };
    Some(
        view! {
            <fieldset class="field">
                <legend id="which-legend">{question}</legend>
                <FieldError field="fold-first" words=writing.problem("fold-first")/>
                {radio("first", first)}
                {radio("second", second)}
            </fieldset>
        }
        .into_any(),
    )
}
