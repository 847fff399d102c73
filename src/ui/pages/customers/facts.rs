//! Purchases and repairs on a customer's page.

use chrono_tz::Tz;
use leptos::prelude::*;

use crate::{
    customers::{
        money,
        queries::{PurchaseRow, RepairRow},
    },
    server::forms::Flash,
    time,
    ui::form::{Form, Line},
};

/// What a customer bought and had repaired.
pub(super) struct Facts {
    pub customer: i64,
    pub purchases: Vec<PurchaseRow>,
    pub repairs: Vec<RepairRow>,
    /// ISO 4217.
    pub currency: String,
    pub zone: Tz,
    /// As a date field wants it.
    pub today: String,
}

/// Purchases, with a form to add one.
pub(super) fn purchases(facts: &Facts, flash: Option<&Flash>, may_write: bool) -> AnyView {
    let lines: Vec<_> = facts
        .purchases
        .iter()
        .map(|p| {
            view! {
                <tr>
                    <th scope="row">{p.description.clone()}</th>
                    <td class="nowrap">{time::day(p.bought_at, facts.zone)}</td>
                    <td class="num nowrap">{money::words(p.amount_cents, &facts.currency)}</td>
                </tr>
            }
            .into_any()
        })
        .collect();
    let add = may_write.then(|| {
        let form = Form::of(flash);
        let amount = form.line(Line {
            id: "purchase-amount",
            name: "amount",
            label: "Amount",
            hint: Some(format!("In {}.", facts.currency)),
            autocomplete: Some("off"),
            ..Line::default()
        });
        view! {
            <details class="more" open=form.refused()>
                <summary>"Add a purchase"</summary>
                <form method="post" action="/api/customers/add-purchase" novalidate>
                    <input type="hidden" name="id" value=facts.customer.to_string()/>
                    {text(&form, "purchase-description", "What they bought")}
                    <div class="row">{amount}{day(&form, "purchase-day", "Day of the purchase", &facts.today)}</div>
                    <div class="acts"><button class="btn" type="submit">"Add purchase"</button></div>
                </form>
            </details>
        }
    });
    section(
        "purchases",
        "Purchases",
        list(
            "Purchases, latest first",
            "Purchases table",
            &["What", "When", "Amount"],
            lines,
        ),
        add.into_any(),
    )
}

/// Repairs, with a form to take one in.
pub(super) fn repairs(facts: &Facts, flash: Option<&Flash>, may_write: bool) -> AnyView {
    let lines: Vec<_> = facts
        .repairs
        .iter()
        .map(|r| {
            let finished = match r.closed_at {
                Some(at) => time::day(at, facts.zone).into_any(),
                None if may_write => view! {
                    <form method="post" action="/api/customers/finish-repair">
                        <input type="hidden" name="id" value=facts.customer.to_string()/>
                        <input type="hidden" name="repair" value=r.id.to_string()/>
                        <button class="btn sm" type="submit" aria-label=format!("Finish: {}", r.description)>"Finish"</button>
                    </form>
                }
                .into_any(),
                None => "In the workshop".into_any(),
            };
            view! {
                <tr>
                    <th scope="row">{r.description.clone()}</th>
                    <td class="nowrap">{time::day(r.opened_at, facts.zone)}</td>
                    <td class="nowrap">{finished}</td>
                </tr>
            }
            .into_any()
        })
        .collect();
    let add = may_write.then(|| {
        let form = Form::of(flash);
        view! {
            <details class="more" open=form.refused()>
                <summary>"Add a repair"</summary>
                <form method="post" action="/api/customers/add-repair" novalidate>
                    <input type="hidden" name="id" value=facts.customer.to_string()/>
                    {text(&form, "repair-description", "What is repaired")}
                    {day(&form, "repair-day", "Day it came in", &facts.today)}
                    <div class="acts"><button class="btn" type="submit">"Add repair"</button></div>
                </form>
            </details>
        }
    });
    section(
        "repairs",
        "Repairs",
        list(
            "Repairs, latest first",
            "Repairs table",
            &["What", "Came in", "Finished"],
            lines,
        ),
        add.into_any(),
    )
}

fn text(form: &Form, id: &'static str, label: &'static str) -> AnyView {
    form.line(Line {
        id,
        name: "description",
        label,
        autocomplete: Some("off"),
        ..Line::default()
    })
}

fn day(form: &Form, id: &'static str, label: &'static str, today: &str) -> AnyView {
    form.line(Line {
        id,
        name: "day",
        label,
        kind: "date",
        value: today.to_owned(),
        ..Line::default()
    })
}

fn section(id: &'static str, title: &'static str, list: AnyView, add: AnyView) -> AnyView {
    let label = format!("{id}-title");
    view! {
        <section class="card pad" id=id aria-labelledby=label.clone()>
            <h2 id=label.clone()>{title}</h2>
            {list}
            {add}
        </section>
    }
    .into_any()
}

fn list(caption: &'static str, region: &'static str, heads: &[&'static str], lines: Vec<AnyView>) -> AnyView {
    if lines.is_empty() {
        return view! { <p class="hint">"None."</p> }.into_any();
    }
    let heads: Vec<_> = heads
        .iter()
        .map(|head| {
            let class = if *head == "Amount" { "num" } else { "" };
            view! { <th scope="col" class=class>{*head}</th> }
        })
        .collect();
    view! {
        <div class="scroll" role="region" tabindex="0" aria-label=region>
            <table class="table">
                <caption class="vh">{caption}</caption>
                <thead><tr>{heads}</tr></thead>
                <tbody>{lines}</tbody>
            </table>
        </div>
    }
    .into_any()
}
