//! Beside the form: who will get this, what is worth a look, and the message as three real people
//! will read it.

use leptos::prelude::*;

use super::Writing;
use crate::{
    recipients::model::{Earlier, Person},
    text::grouped,
    ui::islands::{
        audience_panel::{AudiencePanel, Start},
        preflight::Checks,
    },
};

/// The rail; after the recipients in the order of the page.
pub fn view(writing: &Writing) -> AnyView {
    view! {
        <div class="rail">
            {audience(writing)}
            {again(writing)}
            {checks(writing)}
            {preview(writing)}
        </div>
    }
    .into_any()
}

/// The count and its parts.
fn audience(writing: &Writing) -> AnyView {
    let start = Start {
        selection: writing.form.selection(),
        count: writing.count.clone(),
        names: writing.names.clone(),
    };
    view! { <AudiencePanel start/> }.into_any()
}

/// After a send that reached some: whether those are left out.
fn again(writing: &Writing) -> Option<AnyView> {
    let n = writing.preflight.already;
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

fn checks(writing: &Writing) -> AnyView {
    let (start, tried) = (writing.preflight.checks.clone(), !writing.problems.is_empty());
    view! { <Checks start saved=writing.saved tried/> }.into_any()
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
