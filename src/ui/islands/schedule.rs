//! Schedule for later: the planned time said back in the store's time, times people often choose,
//! and which of two equal ones is meant.

use std::time::Duration;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{debounce::debounced, device, editing::Editing};
use crate::{
    campaigns::{api::when_it_goes, model::WhenWords},
    ui::components::FieldError,
};

/// After the last change, before asking.
const DEBOUNCE: Duration = Duration::from_millis(100);

/// The fields of the schedule, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typed {
    pub date: String,
    pub time: String,
    pub fold: String,
}

/// A time that is often chosen: its name, the day, and the clock.
pub type Pick = (String, String, String);

/// What stands around the two fields, which are the server's.
#[island]
pub fn ScheduleFields(
    typed: Typed,
    when: WhenWords,
    picks: Vec<Pick>,
    problem: Option<String>,
    children: Children,
) -> impl IntoView {
    let editing = Editing::here();
    let awake = move || editing.is_some_and(Editing::is_awake);
    let start = typed.clone();
    let now = Editing::follow(editing, typed.clone(), |form| Typed {
        date: form.date.clone(),
        time: form.time.clone(),
        fold: form.fold.clone(),
    });
    let settled = debounced(now, DEBOUNCE);
    let answer = LocalResource::new(move || {
        let (typed, known) = (settled.get(), settled.with(|typed| *typed == start));
        async move {
            match typed {
                _ if known => None,
                Typed { date, time, .. } if date.is_empty() || time.is_empty() => Some(WhenWords::default()),
                Typed { date, time, fold } => when_it_goes(date, time, fold).await.ok(),
            }
        }
    });
    let when = Memo::new(move |_| answer.get().flatten().unwrap_or_else(|| when.clone()));
    // The same question keeps its answer and the focus.
    let which = Memo::new(move |_| when.with(|when| when.which.clone()));
    let words = move || when.with(|when| when.words.clone());
    let yours = move || {
        let at = when.with(|when| when.at.clone()).filter(|_| awake())?;
        now.with(|typed| device::same_moment(&at, &typed.date, &typed.time))
    };
    let pick = move |(label, date, time): Pick| {
        let choose = move |_| {
            if let Some(editing) = editing {
                editing.put("date", &date);
                editing.put("time", &time);
                editing.read();
            }
        };
        view! { <button class="pick" type="button" on:click=choose>{label}</button> }
    };
    let question = move || {
        which
            .get()
            .map(|question| view! { <WhichOfTwo question fold=typed.fold.clone() problem=problem.clone()/> })
    };
    view! {
        <div class="inline" id="quick-picks" hidden=move || !awake()>{picks.into_iter().map(pick).collect_view()}</div>
        {children()}
        <div>{question}</div>
        <p class="hint"><span id="when-words">{words}</span>" "<span>{yours}</span></p>
    }
}

/// Which of two equal clock times, where clocks go back.
#[component]
fn WhichOfTwo(question: (String, String, String), fold: String, problem: Option<String>) -> impl IntoView {
    let (question, first, second) = question;
    let radio = |key: &'static str, label: String| {
        view! {
            <label class="tick">
                <input type="radio" id=format!("fold-{key}") name="fold" value=key checked=fold == key/>
                <span>{label}</span>
            </label>
        }
    };
    view! {
        <fieldset class="field">
            <legend>{question}</legend>
            <FieldError field="fold-first" words=problem/>
            {radio("first", first)}
            {radio("second", second)}
        </fieldset>
    }
}
