//! What was said for the address of a customer, at the top of their page.

use chrono_tz::Tz;
use leptos::prelude::*;

use crate::{
    consent::{model::ConsentState, suppressions_queries::Suppression},
    customers::{agreement, queries::Customer},
    stores::model::Store,
    time,
    ui::components::{Banner, Tone},
};

/// That the address said no, where the customer themselves did not: somebody else had it before, or has it
/// too.
pub(super) fn said_no(c: &Customer, said: &Suppression, store: &Store, may_write: bool) -> Option<AnyView> {
    if c.email_consent == ConsentState::Withdrawn || c.email_complained_at.is_some() {
        return None;
    }
    let what = agreement::said_no(said, store)?;
    let words = format!(
        "{} {what}. Nobody with this address is emailed until it agrees again.",
        c.email.as_deref().unwrap_or_default()
    );
    let id = c.id;
    Some(
        view! {
            <Banner tone=Tone::Warning>
                <p>{words}</p>
                {may_write.then(|| view! {
                    <p>"Once they agree, record under Consent how they agreed since."</p>
                    <div class="acts">
                        <a class="btn sm" href="#consent">"Record an agreement"</a>
                        <a class="btn sm" href=format!("/customers/{id}/edit#email")>"Edit email"</a>
                    </div>
                })}
            </Banner>
        }
        .into_any(),
    )
}

/// That the address bounced.
pub(super) fn bounced(c: &Customer, said: &Suppression, may_write: bool, zone: Tz) -> Option<AnyView> {
    let at = c.email_bounced_at.or(said.bounced_at)?;
    let why = c.email_bounce_reason.as_ref().or(said.bounce_reason.as_ref());
    let words = format!("This address bounced on {}", time::day(at, zone));
    let words = match why.filter(|why| !why.is_empty()) {
        Some(why) => format!("{words}: {why}"),
        None => format!("{words}."),
    };
    let id = c.id;
    Some(
        view! {
            <Banner tone=Tone::Warning>
                <p>{words}</p>
                {may_write.then(|| view! {
                    <div class="acts">
                        <a class="btn sm" href=format!("/customers/{id}/edit#email")>"Edit email"</a>
                        <form method="post" action="/api/customers/allow-again">
                            <input type="hidden" name="id" value=id.to_string()/>
                            <button class="btn sm" type="submit">"Allow sending again"</button>
                        </form>
                    </div>
                })}
            </Banner>
        }
        .into_any(),
    )
}
