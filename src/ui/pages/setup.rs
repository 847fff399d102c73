//! `/setup`: the first start. Behind a one-time link, and gone once there is a store.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use leptos::prelude::*;

use crate::{
    auth::{password, setup},
    error::AppError,
    server::page_request::PageRequest,
    stores::places,
    ui::{
        form::{Choice, Form, Line},
        page::Page,
        shell::Nav,
    },
};

/// `/`: to the campaigns, or to set up what is still empty.
pub async fn home(visit: PageRequest) -> Result<Response, AppError> {
    let empty = visit.actor().is_none() && setup::is_open(&visit.state.db).await?;
    let to = if empty { "/setup" } else { "/marketing/campaigns" };
    Ok(Redirect::to(to).into_response())
}

/// The form to set up with, or where to find the link.
pub async fn show(visit: PageRequest) -> Result<Response, AppError> {
    let token = visit.param("token").to_owned();
    let db = &visit.state.db;
    if token.is_empty() {
        return match setup::is_open(db).await? {
            true => Ok(without_link(&visit).await),
            false => Err(AppError::NotFound),
        };
    }
    if !setup::token_fits(db, &token, visit.address().as_deref(), visit.now).await? {
        return Ok(without_link(&visit).await);
    }
    let form = Form::of(visit.flash.as_ref());
    let page = Page::new("Set up Loupe", Nav::Elsewhere, move || fields(&form, token)).bare();
    Ok(visit.show(page).await)
}

async fn without_link(visit: &PageRequest) -> Response {
    let form = Form::of(visit.flash.as_ref());
    let begins = format!("{}/setup?token=", visit.state.settings.base_url);
    let page = Page::new("Set up Loupe", Nav::Elsewhere, move || {
        view! {
            <p class="brand">"Loupe"</p>
            <h1>"Set up Loupe"</h1>
            {form.summary()}
            <p>"Open the link that was printed where Loupe was started. It begins with " <code>{begins}</code></p>
            <p>"It works once, and only the newest one does: each start prints another."</p>
        }
        .into_any()
    })
    .bare()
    .with_status(StatusCode::FORBIDDEN);
    visit.show(page).await
}

fn fields(form: &Form, token: String) -> AnyView {
    let line = |id, name, label, hint: &str| {
        form.line(Line {
            id,
            name,
            label,
            hint: (!hint.is_empty()).then(|| hint.to_owned()),
            ..Line::default()
        })
    };
    view! {
        <p class="brand">"Loupe"</p>
        <h1>"Set up Loupe"</h1>
        {form.summary()}
        <form method="post" action="/api/auth/set-up" novalidate>
            <input type="hidden" name="shop[token]" value=token/>
            <fieldset>
                <legend>"The store"</legend>
                {line("name", "shop[name]", "Store name", "")}
                {form.choice(time_zone("shop[time_zone]", "Australia/Sydney"))}
                {form.choice(country("shop[country]", "AU"))}
                {form.choice(currency("shop[currency]", "AUD"))}
            </fieldset>
            <fieldset>
                <legend>"Messages"</legend>
                {line("from-name", "shop[from_name]", "From name", "Who messages come from, as customers see it.")}
                {form.line(Line {
                    id: "from",
                    name: "shop[from_email]",
                    label: "From address",
                    kind: "email",
                    hint: Some("Your mail provider must let you send from it.".to_owned()),
                    ..Line::default()
                })}
                {form.area(Line {
                    id: "footer",
                    name: "shop[footer]",
                    label: "Postal address",
                    hint: Some("Stands at the end of every message: the law asks for it.".to_owned()),
                    ..Line::default()
                }, 3)}
            </fieldset>
            <fieldset>
                <legend>"You, the owner"</legend>
                {line("owner-name", "shop[owner_name]", "Your name", "")}
                {form.line(Line {
                    id: "email",
                    name: "shop[email]",
                    label: "Your email",
                    kind: "email",
                    hint: Some("You sign in with it.".to_owned()),
                    autocomplete: Some("username"),
                    ..Line::default()
                })}
                {form.line(Line {
                    id: "password",
                    name: "shop[password]",
                    label: "Password",
                    kind: "password",
                    hint: Some(format!("At least {} characters.", password::SHORTEST)),
                    autocomplete: Some("new-password"),
                    ..Line::default()
                })}
            </fieldset>
            <div class="acts"><button class="btn primary" type="submit">"Set up"</button></div>
        </form>
    }
    .into_any()
}

/// The time zones to choose from.
pub fn time_zone(name: &'static str, kept: &str) -> Choice {
    let groups = places::time_zones(kept).into_iter().map(|(area, names)| {
        let words = |name: &str| name.split_once('/').map_or(name, |(_, rest)| rest).replace('_', " ");
        let options = names.into_iter().map(|n| (n.to_owned(), words(n)));
        (area.to_owned(), options.collect())
    });
    Choice {
        id: "time-zone",
        name,
        label: "Store time zone",
        hint: Some("Every time you see and choose is in this zone.".to_owned()),
        value: kept.to_owned(),
        options: groups.collect(),
    }
}

/// The countries to choose from.
pub fn country(name: &'static str, kept: &str) -> Choice {
    let options = places::countries()
        .into_iter()
        .map(|(code, words)| (code.to_owned(), words.to_owned()))
        .collect();
    Choice {
        id: "country",
        name,
        label: "Country",
        hint: Some("For phone numbers written without one.".to_owned()),
        value: kept.to_owned(),
        options: vec![(String::new(), options)],
    }
}

/// The currencies to choose from.
pub fn currency(name: &'static str, kept: &str) -> Choice {
    let options = places::currencies()
        .into_iter()
        .map(|code| (code.to_owned(), code.to_owned()))
        .collect();
    Choice {
        id: "currency",
        name,
        label: "Currency",
        hint: None,
        value: kept.to_owned(),
        options: vec![(String::new(), options)],
    }
}
