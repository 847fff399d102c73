//! The planned time said back in the store's time, times people often choose, and which of two
//! equal ones is meant.

use std::{rc::Rc, time::Duration};

use leptos::task::spawn_local;
use web_sys::{Element, HtmlElement};

use super::{
    dom::{self, fill, make, put, say},
    pause::Pause,
};
use crate::campaigns::{api::when_it_goes, model::WhenWords};

/// After the last change, before asking.
const PAUSE: Duration = Duration::from_millis(250);

/// As a browser counts them.
const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// Wakes the fields of the schedule, if the form has them.
pub fn wake(untouched: bool) {
    let echo = Rc::new(Pause::default());
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
    let planned = dom::by_id::<Element>("your-time").and_then(|place| place.get_attribute("data-at"));
    say_your_time(planned.as_deref().unwrap_or_default());
    if !untouched {
        changed(&echo);
    }
}

fn listen_to_which(echo: &Rc<Pause>) {
    for radio in dom::all("#which input") {
        let echo = echo.clone();
        dom::listen(&radio, "change", move |_| changed(&echo));
    }
}

fn changed(echo: &Rc<Pause>) {
    let asking = echo.clone();
    echo.then(PAUSE, move || ask(&asking));
}

fn ask(echo: &Rc<Pause>) {
    let turn = echo.turn();
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
            && echo.turn() == turn
        {
            show(&echo, &words);
        }
    });
}

fn show(echo: &Rc<Pause>, when: &WhenWords) {
    say("when-words", &when.words);
    say_your_time(when.at.as_deref().unwrap_or_default());
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

/// The same moment on the clock of this device, where that is another one.
fn say_your_time(at: &str) {
    let here = js_sys::Date::new(&at.into());
    let clock = format!(
        "{}-{:02}-{:02} {:02}:{:02}",
        here.get_full_year(),
        here.get_month() + 1,
        here.get_date(),
        here.get_hours(),
        here.get_minutes()
    );
    let same = at.is_empty() || clock == format!("{} {}", dom::value("date"), dom::value("time"));
    let day = usize::try_from(here.get_day()).ok().and_then(|day| DAYS.get(day));
    let words = match day.filter(|_| !same) {
        Some(day) => format!("(your time: {day} {})", dom::clock(&here)),
        None => String::new(),
    };
    say("your-time", &words);
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
