//! `/login`

use axum::response::{IntoResponse, Redirect, Response};
use leptos::{nonce::use_nonce, prelude::*};

use crate::{
    auth::{session, setup},
    error::AppError,
    server::page_request::PageRequest,
    ui::{
        components::{Banner, ErrorSummary, FieldError, ShowPassword, Tone, problem_of},
        page::Page,
        shell::Nav,
    },
};

/// The form to sign in with.
pub async fn show(visit: PageRequest) -> Result<Response, AppError> {
    // Nobody can sign in to an installation that was never set up.
    if setup::is_open(&visit.state.db).await? {
        return Ok(Redirect::to("/setup").into_response());
    }
    let next = visit.param("next").to_owned();
    // Somebody whose session has run out still carries its cookie.
    let expired = session::token(&visit.parts.headers, visit.state.settings.https()).is_some();
    let asked = match (next.is_empty(), expired, visit.param("unsaved")) {
        (true, ..) => None,
        (false, false, _) => Some("Sign in to carry on."),
        (false, true, "1") => Some("You were signed out before that was saved. Sign in and do it again."),
        (false, true, _) => Some("You were signed out. Sign in to carry on — your draft is safe."),
    };
    let signed_out = visit.param("out") == "1";
    let flash = visit.flash.clone().unwrap_or_default();
    let email = flash.typed("email").unwrap_or_default().to_owned();
    let wrong = problem_of(&flash.problems, "email");
    let page = Page::new("Sign in", Nav::Elsewhere, move || {
        let (invalid, described) = (
            wrong.is_some().then_some("true"),
            wrong.is_some().then_some("email-error"),
        );
        view! {
            <p class="brand">"Loupe"</p>
            <ErrorSummary problems=flash.problems.clone()/>
            <h1>"Sign in"</h1>
            {signed_out.then(|| view! {
                <Banner tone=Tone::Info><p>"You are signed out."</p></Banner>
                <script nonce=use_nonce()>{include_str!("forget.js")}</script>
            })}
            {asked.filter(|_| flash.problems.is_empty()).map(|words| view! {
                <Banner tone=Tone::Info><p>{words}</p></Banner>
            })}
            <form method="post" action="/api/auth/sign-in" novalidate>
                <input type="hidden" name="next" value=next/>
                <div class="field">
                    <label for="email">"Email"</label>
                    <FieldError field="email" words=wrong/>
                    <input id="email" name="email" type="email" autocomplete="username" inputmode="email" value=email
                        aria-invalid=invalid aria-describedby=described/>
                </div>
                <div class="field">
                    <label for="password">"Password"</label>
                    <div class="with-peek">
                        <input id="password" name="password" type="password" autocomplete="current-password"
                            aria-invalid=invalid aria-describedby=described/>
                        <ShowPassword field="password"/>
                    </div>
                </div>
                <div class="acts"><button class="btn primary" type="submit">"Sign in"</button></div>
            </form>
        }
        .into_any()
    })
    .bare();
    Ok(visit.show(page).await)
}
