//! Looking at the form before it goes: the checks beside it, kept up to date, and the question
//! that some sends ask first.

use std::{cell::RefCell, rc::Rc, time::Duration};

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlDialogElement, HtmlElement, HtmlFormElement};

use super::{
    dom::{self, by_id, fill, hide, make, put, say},
    pause::Pause,
    post::{Answer, post},
};
use crate::campaigns::looked::{Check, Looked, Question};

/// After the last change, before asking.
const PAUSE: Duration = Duration::from_millis(600);

struct Checks {
    form: HtmlFormElement,
    kind: String,
    /// What the form held when it was asked about.
    asked: RefCell<String>,
    pause: Pause,
}

/// Wakes the checks and the dialog.
pub fn wake(form: &HtmlFormElement, kind: &str) {
    hide("checks", false);
    hide("checks-of", true);
    let checks = Rc::new(Checks {
        form: form.clone(),
        kind: kind.to_owned(),
        asked: RefCell::default(),
        pause: Pause::default(),
    });
    for event in ["change", "input"] {
        let checks = checks.clone();
        dom::listen(form, event, move |_| changed(&checks, PAUSE));
    }
    changed(&checks, Duration::ZERO);
    wake_dialog();
}

/// Asks the server to look at the form as it stands; `intent` is what is about to be pressed.
pub fn look(form: &HtmlFormElement, kind: &str, intent: &str, then: impl FnOnce(Answer<Looked>) + 'static) {
    let Some(body) = dom::pairs(form, &[]) else {
        return then(Answer::Lost);
    };
    body.append("kind", kind);
    body.append("intent", intent);
    post("/api/campaigns/look", &body, then);
}

fn changed(checks: &Rc<Checks>, pause: Duration) {
    let now = dom::typed(&checks.form);
    if *checks.asked.borrow() == now {
        return;
    }
    checks.asked.replace(now);
    let asking = checks.clone();
    checks.pause.then(pause, move || {
        let turn = asking.pause.turn();
        let (form, kind) = (asking.form.clone(), asking.kind.clone());
        look(&form, &kind, "", move |answer| match answer {
            Answer::Done(looked) if asking.pause.turn() == turn => {
                fill("checks-list", looked.checks.iter().map(line));
            }
            Answer::Done(_) => {}
            // What is shown is out of date: the next change asks again, whatever it is.
            Answer::Refused(_) | Answer::Lost => asking.asked.borrow_mut().clear(),
        });
    });
}

/// A copy of the mark the server has drawn, with the words.
fn line(check: &Check) -> Option<Element> {
    let mark: Element = by_id(check.standing.key())?;
    let line: Element = mark.clone_node_with_deep(true).ok()?.dyn_into().ok()?;
    let _ = line.remove_attribute("id");
    let words = line.last_element_child()?;
    match check.leads_to() {
        Some(field) => {
            put(
                Some(words),
                [make("a", &[("href", &format!("#{field}"))], &check.words)],
            );
        }
        None => words.set_text_content(Some(&check.words)),
    }
    Some(line)
}

fn dialog() -> Option<HtmlDialogElement> {
    by_id("ask-dialog")
}

fn wake_dialog() {
    let (Some(dialog), Some(cancel)) = (dialog(), by_id::<Element>("ask-cancel")) else {
        return;
    };
    dom::listen(&cancel, "click", |_| close());
    dom::listen(&dialog, "close", |_| {
        let button = dom::all("#writing button[value='send_now']").into_iter().next();
        if let Some(button) = button.and_then(|b| b.dyn_into::<HtmlElement>().ok()) {
            let _ = button.focus();
        }
    });
}

/// Opens the question. Its button sends the form, with the count that stands there.
pub fn open(question: &Question) {
    let Some(dialog) = dialog() else { return };
    for (id, words) in [
        ("ask", &question.title),
        ("ask-subject", &question.subject),
        ("ask-from", &question.from),
        ("ask-goes-to", &question.goes_to),
        ("ask-send", &question.button),
    ] {
        say(id, words);
    }
    hide("ask-warned", question.warnings.is_empty());
    fill(
        "ask-warnings",
        question.warnings.iter().map(|words| make("li", &[], words)),
    );
    dom::set_value("shown-count", &question.count.to_string());
    let _ = dialog.show_modal();
    dom::focus("ask");
}

/// Closes it, if it is open.
pub fn close() {
    if let Some(dialog) = dialog().filter(HtmlDialogElement::open) {
        dialog.close();
    }
}

/// Whether the question is being asked.
pub fn is_asking() -> bool {
    dialog().is_some_and(|dialog| dialog.open())
}
