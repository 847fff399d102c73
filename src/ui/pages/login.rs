//! `/login`

use axum::response::Response;
use leptos::prelude::*;

use crate::{
    error::AppError,
    server::visit::Visit,
    ui::{page::Page, shell::Nav},
};

/// The form to sign in with.
pub async fn show(visit: Visit) -> Result<Response, AppError> {
    let next = visit.param("next").to_owned();
    let signed_out = !next.is_empty();
    let flash = visit.flash.clone().unwrap_or_default();
    let email = flash.typed("email").unwrap_or_default().to_owned();
    let problem = flash.problems.first().map(|p| p.words.clone());
    let page = Page::new("Sign in", Nav::Elsewhere, move || {
        let wrong = problem.clone();
        view! {
            <p class="brand">"Loupe"</p>
            <h1>"Sign in"</h1>
            {wrong.clone().map(|words| view! {
                <div class="banner error" role="alert" tabindex="-1"><h2>"There is a problem"</h2><p><a href="#email">{words}</a></p></div>
            })}
            {(signed_out && wrong.is_none()).then(|| view! { <p class="banner info" role="status">"Sign in to carry on."</p> })}
            <form method="post" action="/api/auth/sign-in" novalidate>
                <input type="hidden" name="next" value=next/>
                <div class="field">
                    <label for="email">"Email"</label>
                    {wrong.clone().map(|words| view! { <p class="error" id="email-error"><span class="vh">"Error: "</span>{words}</p> })}
                    <input id="email" name="email" type="email" autocomplete="username" inputmode="email" value=email
                        aria-invalid=wrong.is_some().then_some("true") aria-describedby=wrong.is_some().then_some("email-error")/>
                </div>
                <div class="field">
                    <label for="password">"Password"</label>
                    <input id="password" name="password" type="password" autocomplete="current-password"/>
                </div>
                <div class="acts"><button class="btn primary" type="submit">"Sign in"</button></div>
            </form>
        }
        .into_any()
    })
    .bare();
    Ok(visit.show(page).await)
}
