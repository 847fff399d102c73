//! "Who will get this": counted again when the choice changes.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use leptos::{prelude::*, task::spawn_local};
use web_sys::{Element, HtmlFormElement};

use super::{
    dom::{self, fill, make, put, say},
    pause::Pause,
};
use crate::{
    campaigns::model::{audience_key, missing},
    recipients::{
        api::{count_recipients, skipped_names},
        model::{Audience, Count, Earlier, Named, RecipientFilter, SkipReason, grouped},
    },
};

/// After the last change, before asking.
const PAUSE: Duration = Duration::from_millis(250);
/// Before "Counting…" is worth saying.
const SLOW: Duration = Duration::from_secs(1);
/// After which a number is no longer "just now".
const OLD: Duration = Duration::from_secs(60);

/// The panel the server has drawn.
struct Panel {
    /// Whose recipients may be left out.
    earlier: Option<Earlier>,
    /// What was asked last, so that a change elsewhere in the form asks nothing.
    asked: RefCell<String>,
    pause: Pause,
    answered: Cell<bool>,
}

/// Wakes it.
pub fn wake(form: &HtmlFormElement) {
    let Some(section) = dom::by_id::<Element>("audience") else {
        return;
    };
    let data = |name: &str| section.get_attribute(name).unwrap_or_default();
    let panel = Rc::new(Panel {
        earlier: match (data("data-campaign").parse(), data("data-of-send").parse()) {
            (Ok(campaign), _) => Some(Earlier::Campaign(campaign)),
            (_, Ok(send)) => Some(Earlier::Send(send)),
            _ => None,
        },
        asked: RefCell::new(data("data-asked")),
        pause: Pause::default(),
        answered: Cell::new(true),
    });
    if let Some(button) = dom::by_id::<Element>("count-again") {
        let _ = button.set_attribute("type", "button");
        button.set_text_content(Some("Count again"));
        let number = dom::by_id::<Element>("will-send").and_then(|number| number.text_content());
        dom::hide("count-again", number.unwrap_or_default().is_empty());
        let panel = panel.clone();
        dom::listen(&button, "click", move |_| ask_after(&panel, Duration::ZERO));
    }
    for event in ["change", "input"] {
        let panel = panel.clone();
        dom::listen(form, event, move |_| changed(&panel));
    }
    grow_old(&panel, data("data-counted"));
    // Somebody may have chosen before this ran.
    changed(&panel);
}

fn not_again(panel: &Panel) -> Option<Earlier> {
    panel.earlier.filter(|_| dom::is_ticked("skip-already"))
}

fn changed(panel: &Rc<Panel>) {
    let now = audience_key(dom::recipients().as_ref(), not_again(panel).is_some());
    if *panel.asked.borrow() != now {
        panel.asked.replace(now);
        ask_after(panel, PAUSE);
    }
}

fn ask_after(panel: &Rc<Panel>, pause: Duration) {
    let asking = panel.clone();
    panel.pause.then(pause, move || ask(&asking));
}

fn ask(panel: &Rc<Panel>) {
    let filter = dom::recipients();
    let Some(filter) = filter.filter(|f| missing(Some(f)).is_none()) else {
        let words = missing(dom::recipients().as_ref()).unwrap_or_default();
        show_words(words);
        // There is nothing to count.
        return dom::hide("count-again", true);
    };
    let turn = panel.pause.turn();
    panel.answered.set(false);
    let slow = panel.clone();
    set_timeout(
        move || {
            if slow.pause.turn() == turn && !slow.answered.get() {
                show_words("Counting…");
            }
        },
        SLOW,
    );
    let panel = panel.clone();
    spawn_local(async move {
        let not_again = not_again(&panel);
        let answer = count_recipients(filter.clone(), not_again).await;
        if panel.pause.turn() != turn {
            return;
        }
        panel.answered.set(true);
        match answer {
            Ok(count) => {
                show(&count, &filter, not_again);
                grow_old(&panel, count.counted_at);
            }
            Err(_) => show_words("Couldn't count customers. You can still save a draft."),
        }
    });
}

fn show_words(words: &str) {
    dom::hide("count-again", false);
    say("will-send", "");
    say("estimate", words);
    say("estimate-more", "");
    say("counted", "");
    fill("audience-parts", []);
    dom::hide("bar", true);
    dom::set_value("shown-count", "");
}

fn show(count: &Count, filter: &RecipientFilter, not_again: Option<Earlier>) {
    dom::hide("count-again", false);
    let audience = &count.audience;
    let skipped = audience.skipped_total();
    say("will-send", &grouped(audience.will_send));
    say("estimate", &count.sentence);
    let more = if skipped > 0 {
        format!(". {} will be skipped.", grouped(skipped))
    } else {
        String::new()
    };
    say("estimate-more", &more);
    say("counted", "Counted just now. We count again when it sends. ");
    dom::set_value("shown-count", &audience.will_send.to_string());
    dom::hide("bar", audience.matched == 0);
    if let Some(bar) = dom::by_id::<Element>("bar-send") {
        let _ = bar.set_attribute("width", &audience.percent_sent().to_string());
    }
    if let Some(number) = dom::by_id::<Element>("will-send") {
        number.set_class_name("big");
    }
    if let Some(output) = dom::by_id::<Element>("est") {
        output.set_class_name(if audience.will_send == 0 { "none" } else { "" });
    }
    fill(
        "audience-parts",
        [
            (skipped > 0).then(|| parts(audience, filter, not_again)).flatten(),
            bound(audience, filter),
        ],
    );
}

fn parts(audience: &Audience, filter: &RecipientFilter, not_again: Option<Earlier>) -> Option<Element> {
    let reasons = audience.skipped.iter().flat_map(|(reason, n)| {
        [
            make("dt", &[], &grouped(*n)),
            reason_part(*reason, *n, filter.clone(), not_again),
        ]
    });
    let words = format!("{} will be skipped", grouped(audience.skipped_total()));
    put(
        make("details", &[("open", "")], ""),
        [
            make("summary", &[], &words),
            put(make("dl", &[("class", "why")], ""), reasons),
        ],
    )
}

fn reason_part(reason: SkipReason, n: i64, filter: RecipientFilter, not_again: Option<Earlier>) -> Option<Element> {
    let names = make("ul", &[], "")?;
    let summary = put(
        make("summary", &[], ""),
        [
            make("span", &[], &format!("{} ", reason.label())),
            make("span", &[("class", "see")], "See who"),
        ],
    );
    let see = put(make("details", &[], ""), [summary, Some(names.clone())])?;
    let asked = Cell::new(false);
    dom::listen(&see, "toggle", move |_| {
        if asked.replace(true) {
            return;
        }
        let (names, filter) = (names.clone(), filter.clone());
        spawn_local(async move {
            if let Ok(found) = skipped_names(filter, not_again, reason).await {
                let more = n - i64::try_from(found.len()).unwrap_or(0);
                let more = (more > 0).then(|| make("li", &[("class", "hint")], &format!("and {} more", grouped(more))));
                put(
                    Some(names),
                    found.iter().map(|person| name_part(person, reason)).chain(more),
                );
            }
        });
    });
    put(make("dd", &[], ""), [Some(see)])
}

fn name_part(person: &Named, reason: SkipReason) -> Option<Element> {
    let path = format!("/customers/{}", person.id);
    let fix = reason
        .fix()
        .and_then(|fix| make("span", &[("class", "hint")], &format!(" · {fix}")));
    put(make("li", &[], ""), [make("a", &[("href", &path)], &person.name), fix])
}

/// What a segment could reach at most.
fn bound(audience: &Audience, filter: &RecipientFilter) -> Option<Element> {
    let RecipientFilter::Segment(id) = filter else {
        return None;
    };
    let name = dom::all("#segment option")
        .into_iter()
        .find(|option| option.get_attribute("value").as_deref() == Some(&id.to_string()))
        .and_then(|option| option.get_attribute("data-name"))?;
    make("p", &[("class", "hint")], &audience.segment_bound(&name))
}

fn grow_old(panel: &Rc<Panel>, at: String) {
    let (panel, turn) = (panel.clone(), panel.pause.turn());
    set_timeout(
        move || {
            if panel.pause.turn() == turn && !at.is_empty() {
                say("counted", &format!("Counted {at}. We count again when it sends. "));
                if let Some(number) = dom::by_id::<Element>("will-send") {
                    number.set_class_name("big stale");
                }
            }
        },
        OLD,
    );
}
