//! What happened, at the top of the form: a live region.

use leptos::{either::Either, prelude::*};

/// What can be done about it.
#[derive(Clone)]
pub enum Act {
    Link(&'static str, String, Callback<()>),
    Button(&'static str, &'static str, Callback<()>),
}

/// A sentence, and what can be done about it.
#[derive(Clone)]
pub struct Note {
    tone: &'static str,
    words: String,
    acts: Vec<Act>,
}

impl Note {
    pub fn new(tone: &'static str, words: impl Into<String>) -> Self {
        Self {
            tone,
            words: words.into(),
            acts: Vec::new(),
        }
    }

    pub fn with(mut self, act: Act) -> Self {
        self.acts.push(act);
        self
    }
}

/// The place where it is said.
#[component]
pub fn Notes(note: RwSignal<Option<Note>>) -> impl IntoView {
    let act = |act: Act| match act {
        Act::Link(words, path, leave) => {
            Either::Left(view! { <a class="btn sm" href=path on:click=move |_| leave.run(())>{words}</a> })
        }
        Act::Button(class, words, act) => {
            Either::Right(view! { <button type="button" class=class on:click=move |_| act.run(())>{words}</button> })
        }
    };
    let shown = move || {
        note.get().map(|note| {
            let acts = (!note.acts.is_empty())
                .then(|| view! { <div class="acts">{note.acts.into_iter().map(act).collect_view()}</div> });
            view! { <div class=format!("banner {}", note.tone)><div><p>{note.words}</p>{acts}</div></div> }
        })
    };
    view! { <div id="autosave" role="status">{shown}</div> }
}
