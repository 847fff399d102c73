//! Consent on a customer's page: what they said per channel, how it is known, and its history.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use super::only;
use crate::{
    consent::{
        model::{Channel, ConsentState},
        queries::Event,
        suppressions_queries::Suppression,
    },
    customers::queries::Customer,
    server::forms::Flash,
    time,
    ui::{
        components::Moment,
        form::{Form, Line},
    },
};

/// Each channel with its state, its evidence and what can be recorded; then the ledger.
pub(super) fn view(
    customer: &Customer,
    said: &Suppression,
    events: Vec<Event>,
    flash: Option<&Flash>,
    may_write: bool,
    now: DateTime<Utc>,
    zone: Tz,
) -> AnyView {
    let channels: Vec<_> = Channel::ALL
        .into_iter()
        .map(|channel| {
            let state = match channel {
                Channel::Email => customer.email_consent,
                Channel::WhatsApp => customer.whatsapp_consent,
            };
            let latest = events.iter().find(|e| e.channel == channel && e.address.is_none());
            let said_no = said.said_no_at().filter(|_| channel == Channel::Email);
            let of_address = said_no.map(|at| {
                let words = format!(
                    "The address said no on {}. It is not emailed until it agrees again.",
                    time::day(at, zone)
                );
                view! { <p class="hint">{words}</p> }
            });
            let since = latest.map(|e| {
                view! {
                    <p class="hint">
                        {format!("{}: {}. Recorded by {}, ", e.source.label(), e.evidence, e.actor)}
                        <Moment at=e.happened_at now zone/>
                    </p>
                }
            });
            let complained = channel == Channel::Email && customer.email_complained_at.is_some();
            let act = may_write.then(|| act(customer.id, channel, state, said_no.is_some() || complained, flash));
            view! {
                <div>
                    <h3>{channel.label()}</h3>
                    <p>{state.words(channel)}</p>
                    {since}
                    {of_address}
                    {act}
                </div>
            }
        })
        .collect();
    let lines: Vec<_> = events
        .into_iter()
        .map(|e| {
            view! {
                <tr>
                    <th scope="row">{e.channel.label()}</th>
                    <td>{e.change.words(e.channel)}{e.address.map(|address| view! { <br/><span class="hint">{format!("Only for {address}")}</span> })}</td>
                    <td>{e.source.label()}<br/><span class="hint">{e.evidence}</span></td>
                    <td>{e.actor}</td>
                    <td class="nowrap"><Moment at=e.happened_at now zone/></td>
                </tr>
            }
        })
        .collect();
    let history = (!lines.is_empty()).then(|| {
        view! {
            <details class="more">
                <summary>"Everything said so far"</summary>
                <div class="scroll" role="region" tabindex="0" aria-label="Consent table">
                    <table class="table">
                        <caption class="vh">"Consent, latest first"</caption>
                        <thead>
                            <tr>
                                <th scope="col">"Channel"</th>
                                <th scope="col">"What"</th>
                                <th scope="col">"How"</th>
                                <th scope="col">"Recorded by"</th>
                                <th scope="col">"When"</th>
                            </tr>
                        </thead>
                        <tbody>{lines}</tbody>
                    </table>
                </div>
            </details>
        }
    });
    view! {
        <section class="card pad" id="consent" aria-labelledby="consent-title">
            <h2 id="consent-title">"Consent"</h2>
            <div class="two">{channels}</div>
            {history}
        </section>
    }
    .into_any()
}

/// What can be recorded; of an address that said no, and of who complained, that they agreed since.
fn act(id: i64, channel: Channel, state: ConsentState, said_no: bool, flash: Option<&Flash>) -> AnyView {
    let (field, agree, leave) = match channel {
        Channel::Email => (
            "evidence-email",
            "Record agreement to email",
            "Record email unsubscribe",
        ),
        Channel::WhatsApp => (
            "evidence-whatsapp",
            "Record agreement to WhatsApp",
            "Record WhatsApp opt-out",
        ),
    };
    let hidden = move |wish: &'static str| {
        view! {
            <input type="hidden" name="id" value=id.to_string()/>
            <input type="hidden" name="channel" value=channel.key()/>
            <input type="hidden" name="wish" value=wish/>
        }
    };
    if state == ConsentState::Granted && !said_no {
        return view! {
            <form method="post" action="/api/consent/change">
                {hidden("withdraw")}
                <div class="acts"><button class="btn" type="submit">{leave}</button></div>
            </form>
        }
        .into_any();
    }
    let form = Form::of(only(flash, field).as_ref());
    let how = form.line(Line {
        id: field,
        name: "evidence",
        label: match channel {
            Channel::Email if said_no => "How they agreed to email since",
            Channel::Email => "How they agreed to email",
            Channel::WhatsApp => "How they agreed to WhatsApp",
        },
        hint: Some("For example: in store, signed card. It is kept as evidence.".to_owned()),
        autocomplete: Some("off"),
        ..Line::default()
    });
    let also_leave = (state != ConsentState::Withdrawn).then(|| {
        view! {
            <form method="post" action="/api/consent/change">
                {hidden("withdraw")}
                <div class="acts"><button class="btn quiet" type="submit">{leave}</button></div>
            </form>
        }
    });
    view! {
        <form method="post" action="/api/consent/change" novalidate>
            {hidden("grant")}
            {how}
            <div class="acts"><button class="btn" type="submit">{agree}</button></div>
        </form>
        {also_leave}
    }
    .into_any()
}
