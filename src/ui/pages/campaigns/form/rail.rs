//! Beside the form: who will get this, what is worth a look, and the message as three real people
//! will read it.

use leptos::prelude::*;

use super::Writing;
use crate::{
    campaigns::{
        looked::{Check, Standing},
        model::{audience_key, missing},
    },
    recipients::model::{Audience, Earlier, Named, Person, RecipientFilter, SkipReason, grouped},
};

/// The rail; after the recipients in the order of the page.
pub fn view(writing: &Writing) -> AnyView {
    view! {
        <div class="rail">
            {audience(writing)}
            {again(writing)}
            {checks(&writing.look.checks, writing.saved)}
            {preview(writing)}
        </div>
    }
    .into_any()
}

/// The count and its parts. The browser's code counts again in the same places.
fn audience(writing: &Writing) -> AnyView {
    let form = &writing.form;
    let filter = form.recipients();
    let counted = writing.look.audience.clone();
    let (campaign, of_send) = match form.earlier().filter(|_| writing.look.already > 0) {
        Some(earlier) => earlier.ids(),
        None => (None, None),
    };
    let leaves_out = (campaign.is_some() || of_send.is_some()) && form.skips_already();
    let asked = audience_key(filter.as_ref(), leaves_out);
    let words = match &counted {
        Some(audience) => audience.sentence(),
        None => missing(filter.as_ref()).unwrap_or_default().to_owned(),
    };
    let share = counted.as_ref().map_or(0, Audience::percent_sent).to_string();
    let skipped = counted.as_ref().map_or(0, Audience::skipped_total);
    let more = (skipped > 0).then(|| format!(". {} will be skipped.", grouped(skipped)));
    let number = counted.as_ref().map(|a| grouped(a.will_send));
    let shown = counted.as_ref().map(|a| a.will_send.to_string()).unwrap_or_default();
    let class = if counted.as_ref().is_some_and(|a| a.will_send == 0) {
        "none"
    } else {
        ""
    };
    let note = counted
        .as_ref()
        .map(|_| "Counted just now. We count again when it sends. ");
    let bound = match (&filter, &counted) {
        (Some(RecipientFilter::Segment(id)), Some(audience)) => writing
            .segments
            .iter()
            .find(|s| s.id == *id)
            .map(|s| view! { <p class="hint">{audience.segment_bound(&s.name)}</p> }),
        _ => None,
    };
    view! {
        <section class="card pad" id="audience" aria-labelledby="who" data-asked=asked data-counted=writing.counted_at.clone()
            data-campaign=campaign.map(|id| id.to_string()) data-of-send=of_send.map(|id| id.to_string())>
            <h2 id="who" tabindex="-1">"Who will get this"</h2>
            <p>
                <output id="est" class=class>
                    <span class="big" id="will-send" aria-hidden="true">{number}</span>
                    <span id="estimate">{words}</span>
                    <span class="vh" id="estimate-more">{more}</span>
                </output>
            </p>
            <div id="bar" hidden=counted.is_none()>
                <svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                    <rect class="skip" width="100" height="8"></rect>
                    <rect class="send" id="bar-send" width=share height="8"></rect>
                </svg>
            </div>
            <div id="audience-parts">{counted.as_ref().and_then(|a| parts(a, &writing.names))}{bound}</div>
            <p class="hint"><span id="counted">{note}</span>
                <button class="link" id="count-again" type="submit" name="intent" value="refresh_count">"Update count"</button>
            </p>
            <input type="hidden" id="shown-count" name="shown_count" value=shown/>
        </section>
    }
    .into_any()
}

fn parts(audience: &Audience, names: &[(SkipReason, Vec<Named>)]) -> Option<AnyView> {
    let skipped = audience.skipped_total();
    let reasons: Vec<_> = audience
        .skipped
        .iter()
        .map(|(reason, n)| {
            let known = names
                .iter()
                .find(|(r, _)| r == reason)
                .map(|(_, known)| known.as_slice())
                .unwrap_or_default();
            let more = n - i64::try_from(known.len()).unwrap_or(0);
            let fix = reason.fix().map(|fix| format!(" · {fix}"));
            let people: Vec<_> = known
                .iter()
                .map(|person| {
                    let path = format!("/customers/{}", person.id);
                    view! { <li><a href=path>{person.name.clone()}</a><span class="hint">{fix.clone()}</span></li> }
                })
                .collect();
            let more = (more > 0).then(|| view! { <li class="hint">{format!("and {} more", grouped(more))}</li> });
            view! {
                <dt>{grouped(*n)}</dt>
                <dd>
                    <details>
                        <summary><span>{reason.label()}" "</span><span class="see">"See who"</span></summary>
                        <ul>{people}{more}</ul>
                    </details>
                </dd>
            }
        })
        .collect();
    (skipped > 0).then(|| {
        view! {
            <details open>
                <summary>{format!("{} will be skipped", grouped(skipped))}</summary>
                <dl class="why">{reasons}</dl>
            </details>
        }
        .into_any()
    })
}

/// After a send that reached some: whether those are left out.
fn again(writing: &Writing) -> Option<AnyView> {
    let n = writing.look.already;
    let page = match writing.form.earlier()? {
        Earlier::Campaign(id) => format!("/marketing/campaigns/{id}"),
        Earlier::Send(id) => format!("/marketing/bulk-email/sent/{id}"),
    };
    (n > 0).then(|| {
        view! {
            <section class="card pad" aria-labelledby="again-title">
                <h2 id="again-title">"Sent before"</h2>
                <input type="hidden" name="asks_skip_already" value="true"/>
                <label class="tick">
                    <input type="checkbox" id="skip-already" name="skip_already" value="true"
                        checked=writing.form.skips_already()/>
                    {format!("Skip the {} who already got it", grouped(n))}
                </label>
                <p class="hint"><a href=page>"See who got it"</a></p>
            </section>
        }
        .into_any()
    })
}

/// The mark of a check.
pub(in crate::ui::pages::campaigns) fn icon(standing: Standing) -> AnyView {
    let (class, line) = match standing {
        Standing::Done => ("ok", "m4 8.4 2.7 2.7 5.3-6"),
        Standing::Look => ("look", "M8 4v4.6M8 11.6v.2"),
        Standing::Fix => ("fix", "m4.6 4.6 6.8 6.8M11.4 4.6l-6.8 6.8"),
    };
    view! {
        <svg class=class viewBox="0 0 16 16" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.6"
            stroke-linecap="round" stroke-linejoin="round"><path d=line></path></svg>
    }
    .into_any()
}

/// What is right, worth a look, or to be mended. Without scripts that is what was last saved, so
/// there is nothing to say before; the browser's code asks again as the form changes, and copies
/// the marks.
fn checks(list: &[Check], saved: bool) -> AnyView {
    let item = |standing: Standing, id: Option<&'static str>, words: AnyView| {
        view! { <li id=id>{icon(standing)}<b>{standing.word()}</b>" "<span>{words}</span></li> }
    };
    let items: Vec<_> = list
        .iter()
        .map(|check| {
            let words = check.words.clone();
            let words = match check.leads_to() {
                Some(field) => view! { <a href=format!("#{field}")>{words}</a> }.into_any(),
                None => words.into_any(),
            };
            item(check.standing, None, words)
        })
        .collect();
    let marks = Standing::ALL.map(|standing| item(standing, Some(standing.key()), ().into_any()));
    view! {
        <section class="card pad" id="checks" aria-labelledby="checks-title" hidden=!saved>
            <h2 id="checks-title">"Checks"</h2>
            <p class="hint" id="checks-of">"Of what was last saved"</p>
            <ul class="checks" id="checks-list">{items}</ul>
            <ul hidden>{marks}</ul>
        </section>
    }
    .into_any()
}

/// Why somebody was chosen to be shown, in the order of the sample.
const WHY: [&str; 3] = ["Typical", "Longest name", "Most gaps"];

fn preview(writing: &Writing) -> AnyView {
    let blank = writing.form.subject.is_empty() && writing.form.body.trim().is_empty();
    let inside = match (writing.preview_path().filter(|_| !blank), writing.sample.as_slice()) {
        (Some(path), people) => frame(&path, people),
        (None, _) => {
            view! { <p class="hint">"The message as three of the customers who will get it read it."</p> }.into_any()
        }
    };
    let words = if writing.saved {
        "Update the preview"
    } else {
        "See the preview"
    };
    view! {
        <section class="card pad" aria-labelledby="preview">
            <h2 id="preview" tabindex="-1">"Preview"</h2>
            {inside}
            <button class="btn sm" type="submit" name="intent" value="see_preview">{words}</button>
        </section>
    }
    .into_any()
}

/// The links open in the frame, so looking loses nothing that is being written.
fn frame(path: &str, people: &[Person]) -> AnyView {
    let first = people.first().map_or(0, |p| p.id);
    let link = |href: String, words: String| view! { <li><a href=href target="preview-frame">{words}</a></li> };
    let mut links: Vec<_> = people
        .iter()
        .zip(WHY)
        .map(|(person, why)| link(format!("{path}?as={}", person.id), format!("{why}: {}", person.name)))
        .collect();
    links.push(link(format!("{path}?as={first}&part=text"), "Text only".to_owned()));
    let note = people
        .is_empty()
        .then(|| view! { <p class="hint">"Nobody is chosen yet: shown as somebody with every field blank."</p> });
    view! {
        <p class="hint">"As it was last saved, as the customer reads it"</p>
        {note}
        <div class="narrow"><ul aria-label="Preview as">{links}</ul></div>
        <iframe class="preview" id="preview-frame" name="preview-frame" title="Message preview" sandbox=""
            referrerpolicy="no-referrer" src=format!("{path}?as={first}")></iframe>
    }
    .into_any()
}
