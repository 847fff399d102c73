//! Beside the form: who will get this, what is worth a look, and the message as three real people
//! will read it.

use leptos::prelude::*;

use super::{Kind, Writing};
use crate::{
    campaigns::checks::{Check, Standing},
    recipients::model::{Person, grouped},
    ui::islands::audience::{AudiencePanel, Shown},
};

/// The rail; after the recipients in the order of the page.
pub fn view(writing: &Writing) -> AnyView {
    let form = &writing.form;
    let filter = form.recipients();
    let start = filter
        .clone()
        .zip(writing.look.audience.clone())
        .map(|(filter, audience)| Shown {
            filter,
            audience,
            names: writing.names.clone(),
            counted_at: writing.counted_at.clone(),
        });
    let segments = writing.segments.iter().map(|s| (s.id, s.name.clone())).collect();
    view! {
        <div class="rail">
            <AudiencePanel start chosen=filter campaign=form.campaign_id().filter(|_| writing.look.already > 0)
                skips_already=form.skips_already() segments/>
            {again(writing)}
            {checks(&writing.look.checks, writing.saved)}
            {preview(writing)}
        </div>
    }
    .into_any()
}

/// After a send that reached some: whether those are left out.
fn again(writing: &Writing) -> Option<AnyView> {
    let n = writing.look.already;
    (writing.kind == Kind::Campaign && n > 0).then(|| {
        let id = writing.form.id.clone();
        view! {
            <section class="card pad" aria-labelledby="again-title">
                <h2 id="again-title">"Sent before"</h2>
                <input type="hidden" name="asks_skip_already" value="true"/>
                <label class="tick">
                    <input type="checkbox" id="skip-already" name="skip_already" value="true"
                        checked=writing.form.skips_already()/>
                    {format!("Skip the {} who already got it", grouped(n))}
                </label>
                <p class="hint"><a href=format!("/marketing/campaigns/{id}")>"See who got it"</a></p>
            </section>
        }
        .into_any()
    })
}

fn icon(standing: Standing) -> AnyView {
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

fn checks(list: &[Check], saved: bool) -> Option<AnyView> {
    saved.then(|| {
        let items: Vec<_> = list
            .iter()
            .map(|check| {
                let words = match &check.field {
                    Some(field) if check.standing != Standing::Done => {
                        view! { <a href=format!("#{field}")>{check.words.clone()}</a> }.into_any()
                    }
                    _ => check.words.clone().into_any(),
                };
                view! { <li>{icon(check.standing)}<span><b>{check.standing.word()}</b>" "{words}</span></li> }
            })
            .collect();
        view! {
            <section class="card pad" aria-labelledby="checks-title">
                <h2 id="checks-title">"Checks"</h2>
                <p class="hint">"Of what was last saved"</p>
                <ul class="checks">{items}</ul>
            </section>
        }
        .into_any()
    })
}

/// Why somebody was chosen to be shown, in the order of the sample.
const WHY: [&str; 3] = ["Typical", "Longest name", "Most gaps"];

fn preview(writing: &Writing) -> AnyView {
    let inside = match (writing.preview_path(), writing.sample.as_slice()) {
        (Some(path), people) => frame(&path, people),
        (None, _) => view! {
            <p class="hint">"Save it once to see it as three of the customers who will get it. "
                <a id="see-preview" href="#preview" hidden>"See the preview"</a></p>
        }
        .into_any(),
    };
    view! {
        <section class="card pad" aria-labelledby="preview">
            <h2 id="preview" tabindex="-1">"Preview"</h2>
            {inside}
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
