//! The planned time said back in the store's time, times people often choose, and which of two
//! equal ones is meant.

use std::time::Duration;

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*, task::spawn_local};
use web_sys::HtmlElement;

use super::dom;
use crate::campaigns::{api::when_it_goes, model::WhenWords};

/// After the last change, before asking.
const PAUSE: Duration = Duration::from_millis(250);

/// Stands under the day and the time.
#[island]
pub fn ScheduleEcho(
    start: WhenWords,
    /// Of two equal times: "first" or "second".
    fold: String,
    /// A label, a day and a time each.
    picks: Vec<(String, String, String)>,
    /// Whether the question was left open when the form was sent.
    problem: Option<String>,
) -> impl IntoView {
    let echo = RwSignal::new(start);
    let live = RwSignal::new(false);
    let question = StoredValue::new(0_u64);
    let pause = StoredValue::new(None::<TimeoutHandle>);
    let ask = move || {
        let now = question.get_value();
        let (date, time) = (dom::value("date"), dom::value("time"));
        let fold = ["first", "second"]
            .into_iter()
            .find(|f| dom::is_ticked(&format!("fold-{f}")))
            .unwrap_or_default();
        if date.is_empty() || time.is_empty() {
            echo.set(WhenWords::default());
            return;
        }
        spawn_local(async move {
            if let Ok(words) = when_it_goes(date, time, fold.to_owned()).await
                && question.get_value() == now
            {
                echo.set(words);
            }
        });
    };
    let changed = move || {
        if let Some(waiting) = pause.get_value() {
            waiting.clear();
        }
        question.update_value(|q| *q += 1);
        pause.set_value(set_timeout_with_handle(ask, PAUSE).ok());
    };
    Effect::new(move |_| {
        live.set(true);
        for id in ["date", "time"] {
            if let Some(field) = dom::by_id::<HtmlElement>(id) {
                dom::listen(&field, "input", move |_| changed());
                dom::listen(&field, "change", move |_| changed());
            }
        }
        if dom::form().is_some_and(|form| !dom::is_untouched(&form)) {
            changed();
        }
    });
    let picks = StoredValue::new(picks);
    let pick_buttons = move || {
        let buttons: Vec<_> = picks
            .get_value()
            .into_iter()
            .map(|(label, date, time)| {
                let choose = move |_| {
                    dom::set_value("date", &date);
                    dom::set_value("time", &time);
                    dom::announce_change();
                    changed();
                };
                view! { <button class="btn quiet sm" type="button" on:click=choose>{label}</button> }
            })
            .collect();
        view! { <div class="inline">{buttons}</div> }
    };
    let which = Memo::new(move |_| echo.with(|e| e.which.clone()));
    let fold = StoredValue::new(fold);
    let problem = StoredValue::new(problem);
    let radios = move |(question, first, second): (String, String, String)| {
        let error = problem.get_value().map(|words| {
            view! { <p class="error" id="fold-first-error"><span class="vh">"Error: "</span>{words}</p> }
        });
        let radio = |key: &'static str, label: String| {
            view! {
                <label class="tick">
                    <input type="radio" id=format!("fold-{key}") name="fold" value=key checked=fold.get_value() == key
                        on:change=move |_| changed()/>
                    {label}
                </label>
            }
        };
        view! {
            <fieldset class="field">
                <legend>{question}</legend>
                {error}
                {radio("first", first)}
                {radio("second", second)}
            </fieldset>
        }
    };
    view! {
        {move || live.get().then(pick_buttons)}
        {move || which.get().map(radios)}
        <p class="hint" id="when-words">{move || echo.with(|e| e.words.clone())}</p>
    }
}
