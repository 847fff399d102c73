//! Nobody to send to: which of the three causes it was, worked out from the count.

use leptos::prelude::*;

use super::Writing;
use crate::{
    recipients::model::{Audience, NO_RECIPIENTS, RecipientFilter},
    text::grouped,
    ui::components::{Banner, Tone},
};

/// The banner, with each cause judged.
pub fn banner(writing: &Writing, shown_before: Option<i64>) -> AnyView {
    let filter = writing.form.recipients();
    let segment = match &filter {
        Some(RecipientFilter::Segment(id)) => writing.segments.iter().find(|s| s.id == *id).map(|s| s.name.clone()),
        _ => None,
    };
    let audience = writing.preflight.audience.clone().unwrap_or_default();
    let lines: Vec<_> = causes(filter.as_ref(), segment.as_deref(), &audience, shown_before)
        .into_iter()
        .map(|(mark, words)| view! { <li><span aria-hidden="true">{mark}" "</span>{words}</li> })
        .collect();
    let links = match filter {
        Some(RecipientFilter::Segment(_)) => view! { <a href="#segment">"Choose another segment"</a> }.into_any(),
        Some(RecipientFilter::Tags(_)) => view! { <a href="#p-tags">"Choose other tags"</a> }.into_any(),
        Some(RecipientFilter::Manual(_)) => view! { <a href="#cust">"Choose other customers"</a> }.into_any(),
        _ => view! { <a href="#rt-all">"Choose who this is for"</a> }.into_any(),
    };
    view! {
        <Banner tone=Tone::Error title=NO_RECIPIENTS>
            <ul>{lines}</ul>
            <p>{links}" · "<a href="#who">"See who was skipped"</a></p>
        </Banner>
    }
    .into_any()
}

/// A mark and a sentence each: ✓ not it, ✗ this is it, – does not apply.
fn causes(
    filter: Option<&RecipientFilter>,
    segment: Option<&str>,
    audience: &Audience,
    shown_before: Option<i64>,
) -> Vec<(&'static str, String)> {
    let matched = audience.matched;
    let customers = |n: i64| format!("{} {}", grouped(n), if n == 1 { "customer" } else { "customers" });
    let mut lines = Vec::new();
    match (filter, segment) {
        (Some(RecipientFilter::Segment(_)), Some(name)) => {
            if let Some(before) = shown_before.filter(|n| *n > 0) {
                lines.push((
                    "✓",
                    format!("Segment “{name}” was going to {} when you chose it.", customers(before)),
                ));
            }
            lines.push(match matched {
                0 => ("✗", format!("Segment “{name}” matches nobody now.")),
                n => ("✓", format!("Segment “{name}” matches {} now.", customers(n))),
            });
        }
        (Some(RecipientFilter::Segment(_)), None) => lines.push(("✗", "The segment is gone.".to_owned())),
        _ => lines.push(("–", "Segment: not used.".to_owned())),
    }
    lines.push(match filter {
        Some(RecipientFilter::Tags(tags)) if matched == 0 => {
            ("✗", format!("No customer has the tag {}.", tags.join(" or ")))
        }
        Some(RecipientFilter::Tags(tags)) => (
            "✓",
            format!("{} with the tag {}.", customers(matched), tags.join(" or ")),
        ),
        _ => ("–", "Tags: not used.".to_owned()),
    });
    lines.push(match matched {
        0 => ("–", "Email addresses: not reached.".to_owned()),
        n => {
            let reasons: Vec<String> = audience
                .skipped
                .iter()
                .map(|(reason, n)| format!("{} {}", grouped(*n), reason.label()))
                .collect();
            (
                "✗",
                format!("None of the {} can be emailed: {}.", customers(n), reasons.join(" · ")),
            )
        }
    });
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipients::model::SkipReason;

    #[test]
    fn the_cause_is_the_line_with_the_cross() {
        let cause = |filter: &RecipientFilter, name, audience: &Audience, before| {
            causes(Some(filter), name, audience, before)
                .into_iter()
                .filter(|(mark, _)| *mark == "✗")
                .map(|(_, words)| words)
                .collect::<Vec<_>>()
        };
        let empty = Audience::default();
        let segment = RecipientFilter::Segment(1);
        let words = cause(&segment, Some("Inactive 90+ days"), &empty, Some(12));
        assert_eq!(words, ["Segment “Inactive 90+ days” matches nobody now."]);
        let tags = RecipientFilter::Tags(vec!["wedding".into(), "vip".into()]);
        assert_eq!(
            cause(&tags, None, &empty, None),
            ["No customer has the tag wedding or vip."]
        );
        let skipped = Audience {
            matched: 1,
            will_send: 0,
            skipped: vec![(SkipReason::NoAddress, 1)],
        };
        let words = cause(&RecipientFilter::Manual(vec![1]), None, &skipped, None);
        assert_eq!(words, ["None of the 1 customer can be emailed: 1 No email address."]);
    }
}
