//! `/customers/new` and `/customers/{id}/edit`

use axum::{extract::Path, response::Response};
use leptos::prelude::*;

use crate::{
    consent::{model::Channel, suppressions_queries as suppressions},
    context::actor::Permission,
    customers::{
        agreement,
        details::Email,
        model::{CustomerForm, MONTHS, YearlyDate},
        names,
        queries::{self, Customer},
    },
    error::AppError,
    server::page_request::StaffRequest,
    ui::{
        components::{Crumbs, PageHead},
        form::{Choice, Form, Line},
        page::Page,
        shell::Nav,
    },
};

/// The form for somebody new.
pub async fn new(staff: StaffRequest) -> Result<Response, AppError> {
    staff.allow(Permission::WriteCustomers)?;
    let form = Form::of(staff.visit.flash.as_ref());
    let said_no = said_no(&staff, &form.value("form[email]", "")).await?;
    let page = Page::new("Add customer", Nav::Customers, move || {
        let how = form.line(Line {
            id: "agreed-how",
            name: "agreed_how",
            label: match said_no {
                Some(_) => "How they agreed since then",
                None => "How they agreed",
            },
            hint: Some("For example: in store, signed card. It is kept as evidence.".to_owned()),
            ..Line::default()
        });
        // Who answers has been asked.
        let asked = said_no.as_ref().map(|said| {
            view! { <input type="hidden" name="agreed_since" value=said.address.clone()/> }
        });
        view! {
            <Crumbs links=vec![("Customers", "/customers")] here="Add customer"/>
            {form.summary()}
            <PageHead title="Add customer"/>
            <form class="stack" method="post" action="/api/customers/add" novalidate>
                {fields(&form, &CustomerForm::default(), said_no.as_ref())}
                <fieldset>
                    <legend>"Marketing email"</legend>
                    {form.tick("agreed", "agreed", "form[name]", "They agreed to get marketing email", false)}
                    {how}
                    {asked}
                </fieldset>
                <div class="acts">
                    <button class="btn primary" type="submit">"Add customer"</button>
                    <a class="btn quiet" href="/customers">"Cancel"</a>
                </div>
            </form>
        }
        .into_any()
    });
    Ok(staff.show(page).await)
}

/// The form for somebody in the book.
pub async fn show(staff: StaffRequest, Path(id): Path<i64>) -> Result<Response, AppError> {
    staff.allow(Permission::WriteCustomers)?;
    let customer = queries::find(staff.db(), staff.store_id(), id)
        .await?
        .ok_or(AppError::NotFound)?;
    let tags = queries::tags_of(staff.db(), staff.store_id(), id).await?;
    let form = Form::of(staff.visit.flash.as_ref());
    let typed = form.value("form[email]", customer.email.as_deref().unwrap_or_default());
    let said_no = said_no(&staff, &typed).await?;
    let title = format!("Edit {}", customer.name);
    let page = Page::new(title.clone(), Nav::Customers, move || {
        let kept = as_typed(&customer, &tags);
        // What was read, not what is there now, when the form comes back.
        let read_at = form.value("read_at", &customer.updated_at.timestamp_micros().to_string());
        view! {
            <Crumbs links=vec![("Customers", "/customers")] here=title.clone()/>
            {form.summary()}
            <PageHead title=title/>
            <form class="stack" method="post" action="/api/customers/edit" novalidate>
                <input type="hidden" name="id" value=id.to_string()/>
                <input type="hidden" name="read_at" value=read_at/>
                {fields(&form, &kept, said_no.as_ref())}
                {form.tick("do-not-contact", "form[do_not_contact]", "form[name]", "Asked not to be contacted at all", kept.do_not_contact)}
                <div class="acts">
                    <button class="btn primary" type="submit">"Save"</button>
                    <a class="btn quiet" href=format!("/customers/{id}")>"Cancel"</a>
                </div>
            </form>
        }
        .into_any()
    });
    Ok(staff.show(page).await)
}

/// An address that said no.
struct SaidNo {
    /// As it is compared.
    address: String,
    words: String,
}

async fn said_no(staff: &StaffRequest, typed: &str) -> Result<Option<SaidNo>, AppError> {
    let Some(email) = Email::read(typed) else {
        return Ok(None);
    };
    let said = suppressions::find(staff.db(), staff.store_id(), Channel::Email, &email.norm).await?;
    Ok(agreement::said_no(&said, &staff.store).map(|what| SaidNo {
        words: format!(
            "{} {what}. Nobody with this address is emailed until it agrees again.",
            email.typed
        ),
        address: email.norm,
    }))
}

/// A customer as somebody would type them.
fn as_typed(c: &Customer, tags: &[String]) -> CustomerForm {
    let text = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
    let of = |date: Option<YearlyDate>| {
        (
            text(date.map(|d| d.day)),
            text(date.map(|d| d.month)),
            text(date.and_then(|d| d.year)),
        )
    };
    let (birthday_day, birthday_month, birthday_year) = of(c.birthday());
    let (partner_birthday_day, partner_birthday_month, _) = of(c.partner_birthday());
    let (anniversary_day, anniversary_month, anniversary_year) = of(c.anniversary());
    CustomerForm {
        name: c.name.clone(),
        email: c.email.clone().unwrap_or_default(),
        phone: c.phone_typed.clone().unwrap_or_default(),
        tags: names::tag_line(tags),
        is_vip: c.is_vip,
        birthday_day,
        birthday_month,
        birthday_year,
        partner_name: c.partner_name.clone(),
        partner_birthday_day,
        partner_birthday_month,
        anniversary_day,
        anniversary_month,
        anniversary_year,
        do_not_contact: c.do_not_contact,
    }
}

fn fields(form: &Form, kept: &CustomerForm, said_no: Option<&SaidNo>) -> AnyView {
    let of_address = said_no.map_or("", |said| said.words.as_str());
    let line = |id, name, label, kind, hint: &str, value: &str| {
        form.line(Line {
            id,
            name,
            label,
            kind,
            hint: (!hint.is_empty()).then(|| hint.to_owned()),
            value: value.to_owned(),
            autocomplete: Some("off"),
            range: None,
        })
    };
    view! {
        {line("name", "form[name]", "Name", "", "", &kept.name)}
        {line("email", "form[email]", "Email", "email", of_address, &kept.email)}
        {line("phone", "form[phone]", "Phone", "tel", "As they write it; the country is added.", &kept.phone)}
        {line("tags", "form[tags]", "Tags", "", "Separated by commas, such as wedding, collectors.", &kept.tags)}
        {form.tick("is-vip", "form[is_vip]", "form[name]", "VIP", kept.is_vip)}
        {date(form, "Birthday", ["birthday-day", "birthday-month", "birthday-year"],
            ["form[birthday_day]", "form[birthday_month]", "form[birthday_year]"],
            [&kept.birthday_day, &kept.birthday_month, &kept.birthday_year])}
        {line("partner-name", "form[partner_name]", "Partner's name", "", "", &kept.partner_name)}
        {date(form, "Partner's birthday", ["partner-birthday-day", "partner-birthday-month", ""],
            ["form[partner_birthday_day]", "form[partner_birthday_month]", ""],
            [&kept.partner_birthday_day, &kept.partner_birthday_month, ""])}
        {date(form, "Wedding anniversary", ["anniversary-day", "anniversary-month", "anniversary-year"],
            ["form[anniversary_day]", "form[anniversary_month]", "form[anniversary_year]"],
            [&kept.anniversary_day, &kept.anniversary_month, &kept.anniversary_year])}
    }
    .into_any()
}

/// A day and a month, and a year that may stay empty; no third id is no year.
fn date(
    form: &Form,
    legend: &'static str,
    ids: [&'static str; 3],
    names: [&'static str; 3],
    kept: [&str; 3],
) -> AnyView {
    let number = |at: usize, label, range, hint: Option<&str>| {
        form.line(Line {
            id: ids.get(at).copied().unwrap_or_default(),
            name: names.get(at).copied().unwrap_or_default(),
            label,
            kind: "number",
            hint: hint.map(str::to_owned),
            value: kept.get(at).copied().unwrap_or_default().to_owned(),
            autocomplete: Some("off"),
            range: Some(range),
        })
    };
    let mut months = vec![(String::new(), "Month".to_owned())];
    months.extend(
        MONTHS
            .iter()
            .enumerate()
            .map(|(i, m)| ((i + 1).to_string(), (*m).to_owned())),
    );
    let month = form.choice(Choice {
        id: ids[1],
        name: names[1],
        label: "Month",
        value: kept[1].to_owned(),
        options: vec![(String::new(), months)],
        ..Choice::default()
    });
    let year = (!ids[2].is_empty()).then(|| number(2, "Year, if known", (1850, 2200), None));
    view! {
        <fieldset>
            <legend>{legend}</legend>
            <div class="row">{number(0, "Day", (1, 31), None)}{month}{year}</div>
        </fieldset>
    }
    .into_any()
}
