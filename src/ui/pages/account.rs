//! `/account`: one's own password, and where one is signed in.

use axum::response::Response;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use crate::{
    auth::{
        password,
        queries::{self, SessionSeen},
        session,
    },
    context::actor::Permission,
    error::AppError,
    server::page_request::StaffRequest,
    time,
    ui::{
        components::{Banner, PageHead, Tone},
        form::{Form, Line},
        page::Page,
        shell::Nav,
    },
};

/// Anyone who is signed in.
pub async fn show(staff: StaffRequest) -> Result<Response, AppError> {
    staff.allow(Permission::SignedIn)?;
    let now = staff.now();
    let sessions = queries::sessions_of(staff.db(), staff.actor.user_id, now, now - session::IDLE).await?;
    let form = Form::of(staff.visit.flash.as_ref());
    let done = match staff.param("ok") {
        "password" => Some("Password changed. You are signed out everywhere else."),
        "others-ended" => Some("You are signed out everywhere else."),
        _ => None,
    };
    let who = format!("{} · {}", staff.actor.email, staff.actor.role.label());
    let (zone, here) = (staff.zone(), staff.actor.session_id);
    let page = Page::new("Your account", Nav::Elsewhere, move || {
        view! {
            <PageHead title="Your account" words=who/>
            {form.summary()}
            {done.map(|words| view! { <Banner tone=Tone::Success><p>{words}</p></Banner> })}
            <div class="stack">
                {password_section(&form)}
                {sessions_section(sessions, here, now, zone)}
            </div>
        }
        .into_any()
    });
    Ok(staff.show(page).await)
}

fn password_section(form: &Form) -> AnyView {
    view! {
        <section class="card pad" aria-labelledby="password-heading">
            <h2 id="password-heading">"Password"</h2>
            <form method="post" action="/api/auth/password" class="prose" novalidate>
                {form.line(Line {
                    id: "present-password",
                    name: "present_password",
                    label: "Present password",
                    kind: "password",
                    autocomplete: Some("current-password"),
                    ..Line::default()
                })}
                {form.line(Line {
                    id: "new-password",
                    name: "new_password",
                    label: "New password",
                    kind: "password",
                    hint: Some(format!(
                        "At least {} characters. You will be signed out everywhere else.",
                        password::SHORTEST
                    )),
                    autocomplete: Some("new-password"),
                    ..Line::default()
                })}
                <div class="acts"><button class="btn primary" type="submit">"Change password"</button></div>
            </form>
        </section>
    }
    .into_any()
}

fn sessions_section(sessions: Vec<SessionSeen>, here: i64, now: DateTime<Utc>, zone: Tz) -> AnyView {
    let others = sessions.len() > 1;
    let items: Vec<_> = sessions
        .into_iter()
        .map(|session| {
            let what = match session.id == here {
                true => "This browser".to_owned(),
                false => browser(session.user_agent.as_deref().unwrap_or_default()),
            };
            let from = session.ip.map(|ip| format!(" from {ip}")).unwrap_or_default();
            let words = format!(
                "{what}{from}: signed in {}, last used {}",
                time::absolute(session.created_at, zone),
                time::relative(session.last_seen_at, now)
            );
            view! { <li>{words}</li> }
        })
        .collect();
    view! {
        <section class="card pad" aria-labelledby="sessions-heading">
            <h2 id="sessions-heading">"Where you are signed in"</h2>
            <ul>{items}</ul>
            {others.then(|| view! {
                <form method="post" action="/api/auth/end-others">
                    <div class="acts"><button class="btn" type="submit">"Sign out everywhere else"</button></div>
                </form>
            })}
        </section>
    }
    .into_any()
}

/// A browser by its name, as far as it tells.
fn browser(user_agent: &str) -> String {
    [
        ("Edg", "Edge"),
        ("OPR", "Opera"),
        ("Firefox", "Firefox"),
        ("Chrome", "Chrome"),
        ("Safari", "Safari"),
    ]
    .into_iter()
    .find(|(mark, _)| user_agent.contains(mark))
    .map_or_else(|| "Another browser".to_owned(), |(_, name)| name.to_owned())
}
