//! `/u/:token`, behind the link at the end of every message. Looking changes nothing, because
//! mail programs and scanners follow links; posting does, without signing in, also as one click
//! of the mail program (RFC 8058).

use axum::{
    Form,
    extract::{Path, rejection::FormRejection},
    http::{HeaderName, HeaderValue},
    response::Response,
};
use leptos::prelude::*;

use crate::{
    consent::link,
    error::AppError,
    server::page_request::PageRequest,
    stores,
    ui::{page::Page, shell::Nav},
};

/// What was pressed. Anything but `subscribe` unsubscribes: the mail program sends
/// `List-Unsubscribe=One-Click`.
type Pressed = Vec<(String, String)>;

/// Says which address it is about, with the button.
pub async fn show(visit: PageRequest, Path(token): Path<String>) -> Result<Response, AppError> {
    answer(&visit, &token, false).await
}

/// Unsubscribes, or takes that back.
pub async fn act(
    visit: PageRequest,
    Path(token): Path<String>,
    form: Result<Form<Pressed>, FormRejection>,
) -> Result<Response, AppError> {
    let again = form.is_ok_and(|Form(pairs)| pairs.iter().any(|(n, v)| n == "intent" && v == "subscribe"));
    let db = &visit.state.db;
    if again {
        link::subscribe_again(db, &token, visit.now).await?;
    } else {
        link::unsubscribe(db, &token, visit.now).await?;
    }
    answer(&visit, &token, again).await
}

async fn answer(visit: &PageRequest, token: &str, again: bool) -> Result<Response, AppError> {
    let db = &visit.state.db;
    let subscription = link::subscription(db, token).await?.ok_or(AppError::NotFound)?;
    let store = stores::queries::find(db, subscription.store)
        .await?
        .ok_or(AppError::NotFound)?;
    let (title, words, button, intent) = if subscription.unsubscribed {
        (
            "You are unsubscribed",
            format!(
                "{} won't send marketing email to {} any more.",
                store.name, subscription.address
            ),
            "Subscribe again",
            "subscribe",
        )
    } else {
        let words = if again {
            format!("{} may write to {} again.", store.name, subscription.address)
        } else {
            format!("{} sends marketing email to {}.", store.name, subscription.address)
        };
        let title = if again {
            "You are subscribed again"
        } else {
            "Unsubscribe"
        };
        (title, words, "Unsubscribe", "unsubscribe")
    };
    let action = format!("/u/{token}");
    let primary = !subscription.unsubscribed && !again;
    let class = if primary { "btn primary" } else { "btn" };
    let page = Page::new(title, Nav::Elsewhere, move || {
        view! {
            <p class="brand">{store.name.clone()}</p>
            <h1>{title}</h1>
            <p>{words}</p>
            <form method="post" action=action>
                <div class="acts"><button class=class type="submit" name="intent" value=intent>{button}</button></div>
            </form>
        }
        .into_any()
    })
    .bare();
    let mut response = visit.show(page).await;
    response.headers_mut().insert(
        HeaderName::from_static("x-robots-tag"),
        HeaderValue::from_static("noindex, nofollow"),
    );
    Ok(response)
}
