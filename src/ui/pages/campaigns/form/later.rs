//! Schedule for later: a day and a time on the store's clock.

use leptos::prelude::*;

use super::Writing;
use crate::ui::{
    components::FieldError,
    islands::schedule::{ScheduleFields, Typed},
};

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
    let typed = Typed {
        date: form.date.clone(),
        time: form.time.clone(),
        fold: form.fold.clone(),
    };
    let fields = view! {
        <div class="row">
            {field("date", "Date", "date", &form.date)}
            {field("time", "Time", "time", &form.time)}
        </div>
    }
    .into_any();
    let (when, picks, problem) = (
        writing.when.clone(),
        writing.picks.clone(),
        writing.problem("fold-first"),
    );
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
                <ScheduleFields typed when picks problem>{fields}</ScheduleFields>
                <p class="hint">{by_itself}</p>
            </div>
        </div>
    }
    .into_any()
}
