//! Schedule for later: a day and a time on the store's clock.

use leptos::prelude::*;

use super::Writing;
use crate::ui::{components::FieldError, islands::schedule::ScheduleEcho};

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
                <ScheduleEcho start=writing.when.clone() fold=form.fold.clone() picks=writing.picks.clone()
                    problem=writing.problem("fold-first")/>
                <p class="hint">
                    "The runner that sends by itself is not running yet: a scheduled campaign waits until someone opens it and clicks Send now."
                </p>
            </div>
        </div>
    }
    .into_any()
}
