//! "Who will get this": the count and its parts, live.

use std::time::Duration;

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*, task::spawn_local};
use serde::{Deserialize, Serialize};

use super::dom;
use crate::{
    campaigns::model::is_complete,
    recipients::{
        api::{count_recipients, skipped_names},
        model::{Audience, Named, RecipientFilter, SkipReason, grouped},
    },
};

/// After the last change, before asking.
const PAUSE: Duration = Duration::from_millis(250);
/// Before "Counting…" is worth saying.
const SLOW: Duration = Duration::from_secs(1);
/// After which a number is no longer "just now".
const OLD: Duration = Duration::from_secs(60);

/// An audience as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    pub filter: RecipientFilter,
    pub audience: Audience,
    /// The first of those skipped, where they are known already.
    pub names: Vec<(SkipReason, Vec<Named>)>,
    /// In the store's time.
    pub counted_at: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Nobody chosen yet: what to do.
    Missing(&'static str),
    Ready,
    Counting,
    Failed,
}

/// What is missing before anybody can be counted.
fn missing(filter: Option<&RecipientFilter>) -> Option<&'static str> {
    match filter {
        None => Some("Choose who this is for"),
        Some(filter) if is_complete(filter) => None,
        Some(RecipientFilter::Segment(_)) => Some("Choose a segment"),
        Some(RecipientFilter::Tags(_)) => Some("Choose at least one tag"),
        Some(_) => Some("Choose at least one customer"),
    }
}

#[derive(Clone, Copy)]
struct Panel {
    campaign: Option<i64>,
    shown: RwSignal<Option<Shown>>,
    state: RwSignal<State>,
    old: RwSignal<bool>,
    /// Which question is the latest: answers to earlier ones are dropped.
    question: StoredValue<u64>,
    /// The last question, so that a change elsewhere in the form asks nothing.
    asked: StoredValue<Option<(Option<RecipientFilter>, bool)>>,
    pause: StoredValue<Option<TimeoutHandle>>,
}

impl Panel {
    fn not_again(self) -> Option<i64> {
        self.campaign.filter(|_| dom::is_ticked("skip-already"))
    }

    /// Something in the form changed.
    fn changed(self) {
        let now = Some((dom::recipients(), self.not_again().is_some()));
        if self.asked.with_value(|asked| *asked == now) {
            return;
        }
        self.asked.set_value(now);
        self.ask_after(PAUSE);
    }

    fn ask_after(self, pause: Duration) {
        if let Some(waiting) = self.pause.get_value() {
            waiting.clear();
        }
        self.question.update_value(|q| *q += 1);
        self.pause
            .set_value(set_timeout_with_handle(move || self.ask(), pause).ok());
    }

    fn ask(self) {
        let filter = dom::recipients();
        if let Some(words) = missing(filter.as_ref()) {
            self.shown.set(None);
            self.state.set(State::Missing(words));
            return;
        }
        let Some(filter) = filter else { return };
        let question = self.question.get_value();
        let is_latest = move || self.question.get_value() == question;
        let waiting = StoredValue::new(true);
        set_timeout(
            move || {
                if is_latest() && waiting.get_value() {
                    self.state.set(State::Counting);
                }
            },
            SLOW,
        );
        spawn_local(async move {
            let answer = count_recipients(filter.clone(), self.not_again()).await;
            waiting.set_value(false);
            if !is_latest() {
                return;
            }
            match answer {
                Ok(count) => {
                    self.shown.set(Some(Shown {
                        filter,
                        audience: count.audience,
                        names: Vec::new(),
                        counted_at: count.counted_at,
                    }));
                    self.state.set(State::Ready);
                    self.grow_old(question);
                }
                Err(_) => {
                    self.shown.set(None);
                    self.state.set(State::Failed);
                }
            }
        });
    }

    fn grow_old(self, question: u64) {
        self.old.set(false);
        set_timeout(
            move || {
                if self.question.get_value() == question {
                    self.old.set(true);
                }
            },
            OLD,
        );
    }

    fn sentence(self) -> String {
        match self.state.get() {
            State::Missing(words) => words.to_owned(),
            State::Counting => "Counting…".to_owned(),
            State::Failed => "Couldn't count customers. You can still save a draft.".to_owned(),
            State::Ready => self
                .shown
                .with(|s| s.as_ref().map(|s| s.audience.sentence()).unwrap_or_default()),
        }
    }
}

/// The count, exactly divided. It begins with what the server counted and counts again when the
/// choice changes.
#[island]
pub fn AudiencePanel(
    start: Option<Shown>,
    /// What the kept form has chosen.
    chosen: Option<RecipientFilter>,
    /// The campaign whose earlier recipients may be left out.
    campaign: Option<i64>,
    skips_already: bool,
    /// Ids and names of the segments.
    segments: Vec<(i64, String)>,
) -> impl IntoView {
    let state = missing(chosen.as_ref()).map_or(State::Ready, State::Missing);
    let asked = Some((chosen, campaign.is_some() && skips_already));
    let panel = Panel {
        campaign,
        shown: RwSignal::new(start),
        state: RwSignal::new(state),
        old: RwSignal::new(false),
        question: StoredValue::new(0),
        asked: StoredValue::new(asked),
        pause: StoredValue::new(None),
    };
    let live = RwSignal::new(false);
    Effect::new(move |_| {
        live.set(true);
        if let Some(form) = dom::form() {
            dom::listen(&form, "change", move |_| panel.changed());
            dom::listen(&form, "input", move |_| panel.changed());
        }
        // Somebody may have chosen before this ran.
        panel.changed();
        panel.grow_old(0);
    });
    let segments = StoredValue::new(segments);
    let ready = move || panel.state.get() == State::Ready;
    let will_send = move || {
        panel
            .shown
            .with(|s| s.as_ref().map(|s| s.audience.will_send))
            .filter(|_| ready())
    };
    let nobody = move || will_send() == Some(0);
    view! {
        <section class="card pad" aria-labelledby="who">
            <h2 id="who" tabindex="-1">"Who will get this"</h2>
            <p>
                <output id="est" class:none=nobody class:stale=move || panel.old.get()>
                    <span class="big" aria-hidden="true">{move || will_send().map(grouped)}</span>
                    <span class="estimate">{move || panel.sentence()}</span>
                    <span class="vh">{move || skipped_words(panel, ready())}</span>
                </output>
            </p>
            {move || panel.shown.get().filter(|_| ready()).map(|shown| parts(panel, shown, segments))}
            <p class="hint">
                {move || ready().then(|| counted_words(panel))}
                {move || if live.get() {
                    view! {
                        <button class="btn quiet sm" type="button" on:click=move |_| panel.ask_after(Duration::ZERO)>
                            "Count again"
                        </button>
                    }.into_any()
                } else {
                    view! {
                        <button class="btn quiet sm" type="submit" name="intent" value="refresh_count">"Update count"</button>
                    }.into_any()
                }}
            </p>
            <input type="hidden" name="shown_count" value=move || will_send().map(|n| n.to_string()).unwrap_or_default()/>
        </section>
    }
}

fn skipped_words(panel: Panel, ready: bool) -> String {
    let skipped = panel
        .shown
        .with(|s| s.as_ref().map_or(0, |s| s.audience.skipped_total()));
    if ready && skipped > 0 {
        format!(". {} will be skipped.", grouped(skipped))
    } else {
        String::new()
    }
}

fn counted_words(panel: Panel) -> String {
    let at = panel
        .shown
        .with(|s| s.as_ref().map(|s| s.counted_at.clone()).unwrap_or_default());
    if panel.old.get() && !at.is_empty() {
        format!("Counted {at}. We count again when it sends. ")
    } else {
        "Counted just now. We count again when it sends. ".to_owned()
    }
}

fn parts(panel: Panel, shown: Shown, segments: StoredValue<Vec<(i64, String)>>) -> AnyView {
    let audience = shown.audience.clone();
    let skipped = audience.skipped_total();
    let bound = match shown.filter {
        RecipientFilter::Segment(id) => segments.with_value(|all| {
            all.iter().find(|(known, _)| *known == id).map(|(_, name)| {
                format!(
                    "{name} has {}: that's the most this can reach.",
                    customers(audience.matched)
                )
            })
        }),
        _ => None,
    };
    let sending = 100 * audience.will_send / audience.matched.max(1);
    let reasons: Vec<_> = audience
        .skipped
        .iter()
        .map(|(reason, n)| reason_view(panel, &shown, *reason, *n))
        .collect();
    view! {
        {(audience.matched > 0).then(|| view! {
            <svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                <rect class="send" x="0" y="0" height="8" width=sending.to_string()></rect>
                <rect class="skip" x=sending.to_string() y="0" height="8" width=(100 - sending).to_string()></rect>
            </svg>
        })}
        {(skipped > 0).then(|| view! {
            <details open>
                <summary>{format!("{} will be skipped", grouped(skipped))}</summary>
                <dl class="why">{reasons}</dl>
            </details>
        })}
        {bound.map(|words| view! { <p class="hint">{words}</p> })}
    }
    .into_any()
}

fn reason_view(panel: Panel, shown: &Shown, reason: SkipReason, n: i64) -> AnyView {
    let known = shown
        .names
        .iter()
        .find(|(r, _)| *r == reason)
        .map(|(_, names)| names.clone());
    let names = RwSignal::new(known);
    let filter = shown.filter.clone();
    let fetch = move |_| {
        if names.with_untracked(Option::is_some) {
            return;
        }
        let filter = filter.clone();
        spawn_local(async move {
            if let Ok(found) = skipped_names(filter, panel.not_again(), reason).await {
                names.set(Some(found));
            }
        });
    };
    let list = move || {
        names.get().map(|found| {
            let more = n - i64::try_from(found.len()).unwrap_or(0);
            let people: Vec<_> = found.into_iter().map(|person| person_view(person, reason)).collect();
            let more = (more > 0).then(|| view! { <li class="hint">{format!("and {} more", grouped(more))}</li> });
            view! { <ul>{people}{more}</ul> }
        })
    };
    view! {
        <dt>{grouped(n)}</dt>
        <dd>
            {reason.label()}
            <details on:toggle=fetch><summary>"See who"</summary>{list}</details>
        </dd>
    }
    .into_any()
}

fn person_view(person: Named, reason: SkipReason) -> impl IntoView {
    let fix = reason.fix().map(|fix| format!(" · {fix}"));
    view! { <li><a href=format!("/customers/{}", person.id)>{person.name}</a><span class="hint">{fix}</span></li> }
}

fn customers(n: i64) -> String {
    format!("{} {}", grouped(n), if n == 1 { "customer" } else { "customers" })
}
