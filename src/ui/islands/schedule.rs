//! The planned time said back in the store's time, times people often choose, and which of two
//! equal ones is meant.

use std::{cell::Cell, rc::Rc, time::Duration};

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*, task::spawn_local};
use web_sys::{Element, HtmlElement};

use super::dom::{self, fill, make, put, say};
use crate::campaigns::{api::when_it_goes, model::WhenWords};

/// After the last change, before asking.
const PAUSE: Duration = Duration::from_millis(250);

#[derive(Default)]
struct Echo {
    question: Cell<u64>,
    pause: Cell<Option<TimeoutHandle>>,
}

/// Wakes the fields of the schedule, if the form has them.
pub fn wake(untouched: bool) {
    let echo = Rc::new(Echo::default());
    for id in ["date", "time"] {
        let Some(field) = dom::by_id::<HtmlElement>(id) else {
            return;
        };
        for event in ["input", "change"] {
            let echo = echo.clone();
            dom::listen(&field, event, move |_| changed(&echo));
        }
    }
    dom::hide("quick-picks", false);
    for pick in dom::all("#quick-picks button") {
        let data = |name: &str| pick.get_attribute(name).unwrap_or_default();
        let (date, time, echo) = (data("data-date"), data("data-time"), echo.clone());
        dom::listen(&pick, "click", move |_| {
            dom::set_value("date", &date);
            dom::set_value("time", &time);
            dom::announce_change();
            changed(&echo);
        });
    }
    listen_to_which(&echo);
    if !untouched {
        changed(&echo);
    }
}

fn listen_to_which(echo: &Rc<Echo>) {
    for radio in dom::all("#which input") {
        let echo = echo.clone();
        dom::listen(&radio, "change", move |_| changed(&echo));
    }
}

fn changed(echo: &Rc<Echo>) {
    if let Some(waiting) = echo.pause.take() {
        waiting.clear();
    }
    echo.question.set(echo.question.get() + 1);
    let asking = echo.clone();
    echo.pause
        .set(set_timeout_with_handle(move || ask(&asking), PAUSE).ok());
}

fn ask(echo: &Rc<Echo>) {
    let question = echo.question.get();
    let (date, time) = (dom::value("date"), dom::value("time"));
    if date.is_empty() || time.is_empty() {
        return show(echo, &WhenWords::default());
    }
    let fold = ["first", "second"]
        .into_iter()
        .find(|f| dom::is_ticked(&format!("fold-{f}")))
        .unwrap_or_default();
    let echo = echo.clone();
    spawn_local(async move {
        let answer = when_it_goes(date, time, fold.to_owned()).await;
        if let Ok(words) = answer
            && echo.question.get() == question
        {
            show(&echo, &words);
        }
    });
}

fn show(echo: &Rc<Echo>, when: &WhenWords) {
    say("when-words", &when.words);
    // The same question keeps its answer and the focus.
    let asked = dom::by_id::<Element>("which-legend").and_then(|legend| legend.text_content());
    if asked.as_deref() == when.which.as_ref().map(|(question, ..)| question.as_str()) {
        return;
    }
    fill(
        "which",
        [when.which.as_ref().and_then(|(question, first, second)| {
            put(
                make("fieldset", &[("class", "field")], ""),
                [
                    make("legend", &[("id", "which-legend")], question),
                    radio("first", first),
                    radio("second", second),
                ],
            )
        })],
    );
    listen_to_which(echo);
}

fn radio(key: &str, label: &str) -> Option<Element> {
    let input = make(
        "input",
        &[
            ("type", "radio"),
            ("id", &format!("fold-{key}")),
            ("name", "fold"),
            ("value", key),
        ],
        "",
    );
    put(
        make("label", &[("class", "tick")], ""),
        [input, make("span", &[], label)],
    )
}
