//! "Who will get this": drawn by the server with the page, counted again as the choice changes.

use std::time::Duration;

use leptos::{ev, leptos_dom::helpers::TimeoutHandle, prelude::*};
use serde::{Deserialize, Serialize};

use super::{debounce::debounced, editing::Editing};
use crate::{
    campaigns::model::missing,
    error::AppError,
    recipients::{
        api::{count_recipients, skipped_names},
        model::{Audience, Count, Named, Selection, SkipReason},
    },
    text::grouped,
};

/// After the last change, before asking: long enough for a second tick to be one question.
const DEBOUNCE: Duration = Duration::from_millis(80);
/// After which a number is no longer "just now".
const OLD: Duration = Duration::from_secs(60);

/// What the server knew when it drew the page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Start {
    pub selection: Selection,
    /// Nothing while nobody has been chosen.
    pub count: Option<Count>,
    pub names: Vec<(SkipReason, Vec<Named>)>,
}

/// The answer to one question.
#[derive(Clone, Debug, PartialEq)]
struct Answer {
    selection: Selection,
    /// How often it had been asked again.
    again: u32,
    count: Option<Result<Count, AppError>>,
}

impl Answer {
    fn counted(&self) -> Option<&Count> {
        self.count.as_ref().and_then(|count| count.as_ref().ok())
    }
}

/// Who will get it and who will not.
#[island]
pub fn AudiencePanel(start: Start) -> impl IntoView {
    let editing = Editing::here();
    let selection = Editing::selection(editing, start.selection.clone());
    let words_missing = Memo::new(move |_| selection.with(|s| missing(s.filter.as_ref())));
    let settled = debounced(selection, DEBOUNCE);
    let again = RwSignal::new(0_u32);
    let first = Answer {
        selection: start.selection.clone(),
        again: 0,
        count: start.count.clone().map(Ok),
    };
    let counting = Action::new(|asked: &(Selection, u32)| ask(asked.0.clone(), asked.1));
    let known = first.clone();
    Effect::new(move |_| {
        let asked = (settled.get(), again.get());
        if asked != (known.selection.clone(), 0) {
            counting.dispatch(asked);
        }
    });
    // While the next is on its way the last one stays. One that comes late, to a question nobody
    // asks any more, is dropped.
    let answer = Memo::new(move |before: Option<&Answer>| {
        let is_asked = |answer: &Answer| settled.with(|now| *now == answer.selection) && again.get() == answer.again;
        match counting.value().get() {
            _ if is_asked(&first) => first.clone(),
            Some(answer) if is_asked(&answer) => answer,
            _ => before.unwrap_or(&first).clone(),
        }
    });
    let count = Memo::new(move |_| {
        answer
            .with(|answer| answer.counted().cloned())
            .filter(|_| words_missing.get().is_none())
    });
    let busy = Memo::new(move |_| {
        words_missing.get().is_none()
            && answer.with(|answer| selection.with(|now| *now != answer.selection) || answer.again != again.get())
    });
    let words = Memo::new(move |_| match (words_missing.get(), count.get()) {
        (Some(words), _) => words.to_owned(),
        (None, Some(count)) => count.sentence,
        (None, None) => answer.with(|answer| match &answer.count {
            Some(Err(error)) if !busy.get() => not_counted(error).to_owned(),
            _ => "Counting…".to_owned(),
        }),
    });
    count_when_online(answer, again);
    let old = old_after(answer);
    let awake = move || editing.is_some_and(Editing::is_awake);
    let number = move || count.with(|count| count.as_ref().map(|count| grouped(count.audience.will_send)));
    let more = move || {
        let skipped = count.with(|count| count.as_ref().map_or(0, |count| count.audience.skipped_total()));
        (skipped > 0).then(|| format!(". {} will be skipped.", grouped(skipped)))
    };
    let shown = move || count.with(|count| count.as_ref().map(|count| count.audience.will_send.to_string()));
    let nobody = move || count.with(|count| count.as_ref().is_some_and(|count| count.audience.will_send == 0));
    let when = move || {
        count.get().map(|count| match old.get() {
            true => format!("Counted {}. We count again when it sends. ", count.counted_at),
            false => "Counted just now. We count again when it sends. ".to_owned(),
        })
    };
    let details = move || {
        let of = answer.with(|answer| answer.selection.clone());
        let names = if of == start.selection {
            start.names.clone()
        } else {
            Vec::new()
        };
        count.get().map(|count| view! { <Parts count of names/> })
    };
    view! {
        <section class="card pad" id="audience" aria-labelledby="who">
            <h2 id="who" tabindex="-1">"Who will get this"</h2>
            <div class="counted" class:stale=move || busy.get() || old.get()>
                <p>
                    <output class:none=nobody aria-busy=move || busy.get().then_some("true")>
                        <span class="big" aria-hidden="true">{number}</span>
                        <span>{words}</span>
                        <span class="vh">{more}</span>
                    </output>
                </p>
                {details}
            </div>
            <p class="hint">
                <span>{when}</span>
                <button class="link" type="submit" name="intent" value="refresh_count"
                    hidden=move || awake() && words_missing.get().is_some()
                    on:click=move |event| {
                        event.prevent_default();
                        again.update(|n| *n += 1);
                    }>
                    {move || if awake() { "Count again" } else { "Update count" }}
                </button>
            </p>
            <input type="hidden" name="shown_count" value=shown/>
        </section>
    }
}

/// Asks the book, unless there is nothing to ask yet.
async fn ask(selection: Selection, again: u32) -> Answer {
    let filter = selection
        .filter
        .clone()
        .filter(|filter| missing(Some(filter)).is_none());
    let count = match filter {
        Some(filter) => Some(count_recipients(filter, selection.not_again).await),
        None => None,
    };
    Answer {
        selection,
        again,
        count,
    }
}

fn not_counted(error: &AppError) -> &'static str {
    match error {
        AppError::Offline | AppError::Unavailable { .. } => {
            "Couldn't reach Loupe to count customers. It counts by itself when the connection is back. You can go on writing."
        }
        AppError::SignedOut => "You were signed out, so customers can't be counted. Sign in to carry on.",
        _ => "Couldn't count customers. You can still save a draft.",
    }
}

/// What could not be counted is counted once the connection is back.
fn count_when_online(answer: Memo<Answer>, again: RwSignal<u32>) {
    Effect::new(move |_| {
        let online = window_event_listener(ev::online, move |_| {
            if answer.with_untracked(|answer| matches!(answer.count, Some(Err(_)))) {
                again.update(|n| *n += 1);
            }
        });
        on_cleanup(move || online.remove());
    });
}

/// Whether the last answer is no longer "just now".
fn old_after(answer: Memo<Answer>) -> RwSignal<bool> {
    let old = RwSignal::new(false);
    Effect::new(move |before: Option<Option<TimeoutHandle>>| {
        answer.track();
        if let Some(timer) = before.flatten() {
            timer.clear();
        }
        old.set(false);
        set_timeout_with_handle(move || old.set(true), OLD).ok()
    });
    old
}

/// The bar, who is skipped and why, and what a segment can reach at most.
#[component]
fn Parts(count: Count, of: Selection, names: Vec<(SkipReason, Vec<Named>)>) -> impl IntoView {
    let Audience { matched, .. } = count.audience;
    let share = count.audience.percent_sent().to_string();
    let skipped = count.audience.skipped_total();
    let reasons = move || {
        let reasons = count.audience.skipped.clone().into_iter();
        reasons
            .map(|(reason, n)| {
                let known = names.iter().find(|(r, _)| *r == reason).map(|(_, known)| known.clone());
                view! { <dt>{grouped(n)}</dt><dd><SkippedFor reason n of=of.clone() known/></dd> }
            })
            .collect_view()
    };
    view! {
        {(matched > 0).then(|| view! {
            <svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                <rect class="skip" width="100" height="8"></rect>
                <rect class="send" width=share height="8"></rect>
            </svg>
        })}
        {(skipped > 0).then(|| view! {
            <details open>
                <summary>{format!("{} will be skipped", grouped(skipped))}</summary>
                <dl class="why">{reasons()}</dl>
            </details>
        })}
        {count.bound.map(|words| view! { <p class="hint">{words}</p> })}
    }
}

/// Who is skipped for one reason: loaded when somebody looks, unless the page came with it.
#[component]
fn SkippedFor(reason: SkipReason, n: i64, of: Selection, known: Option<Vec<Named>>) -> impl IntoView {
    let looked = RwSignal::new(false);
    let came_along = known.is_some();
    let loaded = LocalResource::new(move || {
        let (filter, not_again) = (of.filter.clone(), of.not_again);
        let wanted = looked.get() && !came_along;
        async move {
            match filter.filter(|_| wanted) {
                Some(filter) => skipped_names(filter, not_again, reason).await.ok(),
                None => None,
            }
        }
    });
    let people = move || {
        known.clone().or_else(|| loaded.get().flatten()).map(|people| {
            let more = n - i64::try_from(people.len()).unwrap_or(0);
            let more = (more > 0).then(|| view! { <li class="hint">{format!("and {} more", grouped(more))}</li> });
            let people = people.into_iter().map(|person| {
                let path = format!("/customers/{}", person.id);
                let fix = reason
                    .fix()
                    .map(|fix| view! { <span class="hint">{format!(" · {fix}")}</span> });
                view! { <li><a href=path>{person.name}</a>{fix}</li> }
            });
            view! { {people.collect_view()}{more} }
        })
    };
    view! {
        <details on:toggle=move |_| looked.set(true)>
            <summary><span>{reason.label()}" "</span><span class="see">"See who"</span></summary>
            <ul>{people}</ul>
        </details>
    }
}
