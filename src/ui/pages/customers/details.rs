//! `/customers/{id}`: what is known of one customer, and what can be done with them.

use axum::{extract::Path, response::Response};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use super::{communications::reason_against, consent, facts, only, suppressed, tabs};
use crate::{
    consent::{model::Channel, queries as ledger, suppressions_queries as suppressions},
    context::actor::Permission,
    customers::{
        money,
        queries::{self, Customer},
    },
    error::AppError,
    server::page_request::StaffRequest,
    time,
    ui::{
        components::{Banner, Crumbs, ErrorSummary, PageHead, Tone},
        form::{Form, Line},
        page::Page,
        shell::Nav,
    },
};

/// Everything about one customer but the messages.
pub async fn show(staff: StaffRequest, Path(id): Path<i64>) -> Result<Response, AppError> {
    staff.allow(Permission::SeeCustomers)?;
    let (db, store_id) = (staff.db(), staff.store_id());
    let customer = queries::find(db, store_id, id).await?.ok_or(AppError::NotFound)?;
    let tags = queries::tags_of(db, store_id, id).await?;
    let events = ledger::ledger(db, store_id, id).await?;
    let address = customer.email_norm.as_deref().unwrap_or_default();
    let said = suppressions::find(db, store_id, Channel::Email, address).await?;
    let facts = facts::Facts {
        customer: id,
        purchases: queries::purchases(db, store_id, id).await?,
        repairs: queries::repairs(db, store_id, id).await?,
        currency: staff.store.currency.clone(),
        zone: staff.zone(),
        today: time::today(staff.now(), staff.zone()).to_string(),
    };
    let may_write = staff.actor.may(Permission::WriteCustomers);
    let (now, zone) = (staff.now(), staff.zone());
    let requires_opt_in = staff.store.email_requires_opt_in;
    let (flash, store) = (staff.visit.flash.clone(), staff.store.clone());
    let done = done(staff.param("ok"));
    let page = Page::new(customer.name.clone(), Nav::Customers, move || {
        let archived = customer.archived_at.is_some();
        let standing = match reason_against(customer.email_standing, requires_opt_in) {
            None => "Yes".to_owned(),
            Some(reason) => format!("No: {}", reason.label().to_lowercase()),
        };
        view! {
            <Crumbs links=vec![("Customers", "/customers")] here=customer.name.clone()/>
            {flash.clone().map(|flash| view! { <ErrorSummary flash/> })}
            {done.map(|words| view! { <Banner tone=Tone::Success><p>{words}</p></Banner> })}
            <PageHead title=customer.name.clone()>
                {may_write.then(|| view! {
                    <a class="btn" href=format!("/customers/{id}/edit")>"Edit"</a>
                    <form method="post" action="/api/customers/archive">
                        <input type="hidden" name="id" value=id.to_string()/>
                        <input type="hidden" name="archived" value=(!archived).to_string()/>
                        <button class="btn" type="submit">{if archived { "Restore" } else { "Archive" }}</button>
                    </form>
                })}
            </PageHead>
            {tabs(id, false)}
            {suppressed::said_no(&customer, &said, &store, may_write)}
            {suppressed::bounced(&customer, &said, may_write, zone)}
            <div class="stack">
                {known(&customer, tags, standing, facts.currency.as_str(), now, zone)}
                {consent::view(&customer, &said, events, flash.as_ref(), may_write, now, zone)}
                {facts::purchases(&facts, only(flash.as_ref(), "purchase-").as_ref(), may_write)}
                {facts::repairs(&facts, only(flash.as_ref(), "repair-").as_ref(), may_write)}
                {notes(&customer, may_write)}
            </div>
        }
        .into_any()
    });
    Ok(staff.show(page).await)
}

/// What has just been done, in words.
fn done(ok: &str) -> Option<&'static str> {
    Some(match ok {
        "added" => "Customer added.",
        "saved" => "Saved.",
        "archived" => "Archived. No message goes to them, and the book no longer lists them.",
        "restored" => "Restored.",
        "notes" => "Notes saved.",
        "allowed" => "Messages can go to this address again.",
        "purchase" => "Purchase added.",
        "repair" => "Repair added.",
        "finished" => "Repair finished.",
        "consent" => "Recorded.",
        _ => return None,
    })
}

fn known(c: &Customer, tags: Vec<String>, standing: String, currency: &str, now: DateTime<Utc>, zone: Tz) -> AnyView {
    let fact = |name: &'static str, value: Option<String>| value.map(|value| view! { <dt>{name}</dt><dd>{value}</dd> });
    let email = c.email.clone().map(|email| match (c.email_valid, c.email_shared) {
        (false, _) => format!("{email} (this isn't a complete address)"),
        (true, true) => format!("{email} (shared with another customer)"),
        (true, false) => email,
    });
    let phone = match (&c.phone, &c.phone_typed) {
        (Some(e164), Some(typed)) if e164 == typed => Some(typed.clone()),
        (Some(e164), Some(typed)) => Some(format!("{typed} ({e164})")),
        (None, Some(typed)) => Some(format!("{typed} (this couldn't be read as a phone number)")),
        (e164, None) => e164.clone(),
    };
    let partner = match (c.partner_name.as_str(), c.partner_birthday()) {
        ("", None) => None,
        ("", Some(day)) => Some(format!("Birthday {}", day.words())),
        (name, None) => Some(name.to_owned()),
        (name, Some(day)) => Some(format!("{name}, birthday {}", day.words())),
    };
    let elsewhere = (c.spent_elsewhere_cents > 0).then(|| {
        format!(
            ", of that {} before, from an imported file",
            money::words(c.spent_elsewhere_cents, currency)
        )
    });
    let spent = (c.spent_cents > 0).then(|| {
        format!(
            "{}{}",
            money::words(c.spent_cents, currency),
            elsewhere.unwrap_or_default()
        )
    });
    let chips: Vec<_> = tags
        .into_iter()
        .map(|tag| {
            let list = format!("/customers?tag={}", crate::paths::encode(&tag));
            view! { <a class="chip" href=list>{tag}</a> }
        })
        .collect();
    let ago = |at: Option<DateTime<Utc>>| at.map(|at| time::relative(at, now));
    view! {
        <section class="card pad" aria-labelledby="details-title">
            <h2 id="details-title">"Details"</h2>
            <dl class="facts">
                {fact("Email", Some(email.unwrap_or_else(|| "None".to_owned())))}
                {fact("Can be emailed", Some(standing))}
                {fact("Phone", Some(phone.unwrap_or_else(|| "None".to_owned())))}
                {(!chips.is_empty()).then(|| view! { <dt>"Tags"</dt><dd class="chips">{chips}</dd> })}
                {fact("VIP", c.is_vip.then(|| "Yes".to_owned()))}
                {fact("Birthday", c.birthday().map(|d| d.words()))}
                {fact("Wedding anniversary", c.anniversary().map(|d| d.words()))}
                {fact("Partner", partner)}
                {fact("Spent", spent)}
                {fact("Last purchase", ago(c.last_purchase_at))}
                {fact("Last visit", ago(c.last_visit_at))}
                {fact("Last contacted", Some(ago(c.last_contacted_at).unwrap_or_else(|| "Never".to_owned())))}
                {fact("Not to be contacted", c.do_not_contact.then(|| "They asked for it".to_owned()))}
                {fact("Archived", c.archived_at.map(|at| time::day(at, zone)))}
                {fact("In the book since", Some(time::day(c.created_at, zone)))}
            </dl>
        </section>
    }
    .into_any()
}

fn notes(c: &Customer, may_write: bool) -> AnyView {
    let id = c.id;
    let text = c.notes.clone();
    let inside = if may_write {
        let area = Form::default().area(
            Line {
                id: "notes",
                name: "notes",
                label: "Notes for staff",
                hint: Some("Customers never see them.".to_owned()),
                value: text,
                ..Line::default()
            },
            5,
        );
        view! {
            <form method="post" action="/api/customers/notes">
                <input type="hidden" name="id" value=id.to_string()/>
                {area}
                <div class="acts"><button class="btn" type="submit">"Save notes"</button></div>
            </form>
        }
        .into_any()
    } else if text.is_empty() {
        view! { <p class="hint">"None."</p> }.into_any()
    } else {
        let lines: Vec<_> = text.lines().map(|l| view! { <p>{l.to_owned()}</p> }).collect();
        lines.into_any()
    };
    view! { <section class="card pad" aria-labelledby="notes-title"><h2 id="notes-title">"Notes"</h2>{inside}</section> }
        .into_any()
}
