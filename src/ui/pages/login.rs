//! `/login`

use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;

use crate::{
    auth::setup,
    error::AppError,
    server::visit::Visit,
    ui::{
        components::{Banner, ErrorSummary, FieldError, Tone, problem_of},
        page::Page,
        shell::Nav,
    },
};

/// The form to sign in with.
pub async fn show(visit: Visit) -> Result<Response, AppError> {
    // Nobody can sign in to an installation that was never set up.
    if setup::is_open(&visit.state.db).await? {
        return Ok(Redirect::to("/setup").into_response());
    }
    let next = visit.param("next").to_owned();
    let signed_out = !next.is_empty();
    let flash = visit.flash.clone().unwrap_or_default();
    let email = flash.typed("email").unwrap_or_default().to_owned();
    let wrong = problem_of(&flash.problems, "email");
    let page = Page::new("Sign in", Nav::Elsewhere, move || {
        view! {
            <p class="brand">"Loupe"</p>
            <ErrorSummary problems=flash.problems.clone()/>
            <h1>"Sign in"</h1>
            {(signed_out && flash.problems.is_empty()).then(|| view! {
                <Banner tone=Tone::Info><p>"Sign in to carry on."</p></Banner>
            })}
            <form method="post" action="/api/auth/sign-in" novalidate>
                <input type="hidden" name="next" value=next/>
                <div class="field">
                    <label for="email">"Email"</label>
                    <FieldError field="email" words=wrong.clone()/>
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
