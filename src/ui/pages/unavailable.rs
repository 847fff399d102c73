//! The page for a database that can't be used. Nothing is lost by it: what was typed stays on the
//! page and is sent once more from there. It asks no database itself.

use axum::{http::StatusCode, response::Response};
use leptos::prelude::*;

use crate::{
    error::Outage,
    server::page_request::PageRequest,
    ui::{components::PageHead, page::Page, shell::Nav},
};

/// Says why, and offers to try again: with the fields of the form that was sent, or by loading the
/// page.
pub async fn show(visit: &PageRequest, why: Outage, typed: Option<Vec<(String, String)>>) -> Response {
    let title = match why {
        Outage::Away => "Loupe can't reach its database",
        Outage::Locked => "Loupe's database is held by another program",
        Outage::ReadOnly => "Loupe's database can only be read",
        Outage::Full => "The disk is full",
    };
    let here = visit
        .parts
        .uri
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    let page = Page::new(title, Nav::Elsewhere, move || {
        let again = match typed {
            Some(typed) => form(here, typed),
            None => view! { <div class="acts"><a class="btn primary" href=here>"Try again"</a></div> }.into_any(),
        };
        view! {
            <p class="brand">"Loupe"</p>
            <PageHead title words=why.to_string()/>
            {again}
        }
        .into_any()
    })
    .bare()
    .with_status(StatusCode::SERVICE_UNAVAILABLE);
    visit.show(page).await
}

/// The same form again. A password is typed again: it is never written into a page.
fn form(action: String, typed: Vec<(String, String)>) -> AnyView {
    let kept = (!typed.is_empty()).then(|| {
        view! { <p>"What you typed is kept on this page: leave it open and try again."</p> }
    });
    let fields: Vec<_> = typed
        .into_iter()
        .enumerate()
        .map(|(at, (name, value))| {
            if !name.contains("password") {
                return view! { <input type="hidden" name=name value=value/> }.into_any();
            }
            let id = format!("again-{at}");
            view! {
                <div class="field">
                    <label for=id.clone()>"Password"</label>
                    <input id=id name=name type="password" autocomplete="off"/>
                </div>
            }
            .into_any()
        })
        .collect();
    view! {
        {kept}
        <form method="post" action=action novalidate>
            {fields}
            <div class="acts"><button class="btn primary" type="submit">"Try again"</button></div>
        </form>
    }
    .into_any()
}
