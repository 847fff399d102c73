//! A chosen template fills in subject and body, with a question first when something would be
//! lost, and a way back.

use std::{cell::RefCell, rc::Rc};

use leptos::task::spawn_local;
use web_sys::HtmlElement;

use super::dom::{self, fill, make};
use crate::campaigns::{api::template_text, model::TemplateWording};

/// Where the question and the answer stand.
const NOTE: &str = "template-note";

/// Subject and body.
type Texts = (String, String);

/// Wakes the template's field.
pub fn wake() {
    dom::hide("use-template", true);
    // What the last template put there: that may be replaced without asking.
    let ours = Rc::new(RefCell::new(Texts::default()));
    let Some(select) = dom::by_id::<HtmlElement>("template") else {
        return;
    };
    // Somebody may have chosen before this ran.
    let given = select.query_selector("option[selected]").ok().flatten();
    let given = given.and_then(|option| option.get_attribute("value"));
    if dom::value("template") != given.unwrap_or_default() {
        chosen(&ours);
    }
    dom::listen(&select, "change", move |_| chosen(&ours));
}

fn now() -> Texts {
    (dom::value("subject"), dom::value("body"))
}

fn chosen(ours: &Rc<RefCell<Texts>>) {
    let Ok(id) = dom::value("template").parse::<i64>() else {
        return fill(NOTE, []);
    };
    let ours = ours.clone();
    spawn_local(async move {
        match template_text(id).await {
            Ok(wording) => {
                let written = now();
                let blank = written.0.trim().is_empty() && written.1.trim().is_empty();
                let untouched = *ours.borrow() == written;
                if blank || untouched {
                    apply(&wording, &ours)
                } else {
                    question(wording, &ours)
                }
            }
            Err(_) => fill(NOTE, [make("span", &[], "Couldn't load the template. Try again.")]),
        }
    });
}

fn question(wording: TemplateWording, ours: &Rc<RefCell<Texts>>) {
    let ours = ours.clone();
    let replace = dom::button("btn sm", "Replace", move || apply(&wording, &ours));
    let keep = dom::button("btn quiet sm", "Keep mine", || fill(NOTE, []));
    fill(NOTE, [make("span", &[], "Replace what you've written?"), replace, keep]);
}

fn apply(wording: &TemplateWording, ours: &Rc<RefCell<Texts>>) {
    let before = now();
    set(&wording.subject, &wording.body);
    // As the browser keeps it, which may differ in line breaks.
    ours.replace(now());
    let words = format!("Subject and body filled from '{}'.", wording.name);
    let undo = dom::button("btn quiet sm", "Undo", move || {
        set(&before.0, &before.1);
        fill(NOTE, []);
    });
    fill(NOTE, [make("span", &[], &words), undo]);
}

fn set(subject: &str, body: &str) {
    dom::set_value("subject", subject);
    dom::set_value("body", body);
    dom::announce_change();
}
