//! `/settings/team` and `/settings/team/:id`: who works here and what each may do.

use axum::{extract::Path, response::Response};
use leptos::prelude::*;

use super::settings::tabs;
use crate::{
    auth::{
        password,
        queries::{self, User},
    },
    context::actor::{Permission, Role},
    error::AppError,
    server::page_request::StaffRequest,
    ui::{
        components::{Banner, Crumbs, PageHead, Tone},
        form::{Choice, Form, Line},
        page::Page,
        shell::Nav,
    },
};

/// Everyone, and the form to add somebody.
pub async fn list(staff: StaffRequest) -> Result<Response, AppError> {
    staff.allow(Permission::ManageStore)?;
    let people = queries::staff(staff.db(), staff.store_id()).await?;
    let form = Form::of(staff.visit.flash.as_ref());
    let added = staff.param("ok") == "added";
    let me = staff.actor.user_id;
    let page = Page::new("Team", Nav::Settings, move || {
        view! {
            <PageHead title="Team"/>
            {tabs("/settings/team")}
            {form.summary()}
            {added.then(|| view! { <Banner tone=Tone::Success><p>"Added. Tell them their password in person."</p></Banner> })}
            <div class="stack">
                {table(people, me)}
                {add_section(&form)}
            </div>
        }
        .into_any()
    });
    Ok(staff.show(page).await)
}

fn table(people: Vec<User>, me: i64) -> AnyView {
    let rows: Vec<_> = people
        .into_iter()
        .map(|user| {
            let name = if user.id == me {
                format!("{} (you)", user.name)
            } else {
                user.name
            };
            let access = if user.disabled_at.is_some() {
                "Can't sign in"
            } else {
                "Can sign in"
            };
            view! {
                <tr>
                    <th scope="row"><a href=format!("/settings/team/{}", user.id)>{name}</a></th>
                    <td>{user.email}</td>
                    <td>{user.role.label()}</td>
                    <td>{access}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <section class="card">
            <div class="scroll" tabindex="0" role="region" aria-label="Members of the team">
                <table class="table">
                    <caption class="vh">"Members of the team"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Person"</th><th scope="col">"Email"</th>
                            <th scope="col">"Role"</th><th scope="col">"Access"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

fn add_section(form: &Form) -> AnyView {
    view! {
        <section class="card pad" aria-labelledby="add-heading">
            <h2 id="add-heading">"Add a member"</h2>
            <form method="post" action="/api/team/add" class="prose" novalidate>
                {form.line(Line {
                    id: "name",
                    name: "name",
                    label: "Full name",
                    autocomplete: Some("off"),
                    ..Line::default()
                })}
                {form.line(Line {
                    id: "email",
                    name: "email",
                    label: "Email",
                    kind: "email",
                    hint: Some("They sign in with it.".to_owned()),
                    autocomplete: Some("off"),
                    ..Line::default()
                })}
                {form.choice(roles(Role::Salesperson))}
                {form.line(new_password("First password"))}
                <div class="acts"><button class="btn primary" type="submit">"Add member"</button></div>
            </form>
        </section>
    }
    .into_any()
}

/// One person: role, password, access.
pub async fn member(staff: StaffRequest, Path(id): Path<i64>) -> Result<Response, AppError> {
    staff.allow(Permission::ManageStore)?;
    let user = queries::user(staff.db(), staff.store_id(), id)
        .await?
        .ok_or(AppError::NotFound)?;
    let form = Form::of(staff.visit.flash.as_ref());
    let done = match staff.param("ok") {
        "role" => Some("Role saved. They are signed out everywhere."),
        "password" => Some("New password set. They are signed out everywhere."),
        "disabled" => Some("They are signed out and can't sign in."),
        "enabled" => Some("They can sign in again."),
        _ => None,
    };
    let page = Page::new(user.name.clone(), Nav::Settings, move || {
        view! {
            <Crumbs links=vec![("Team", "/settings/team")] here=user.name.clone()/>
            <PageHead title=user.name.clone() words=user.email.clone()/>
            {form.summary()}
            {done.map(|words| view! { <Banner tone=Tone::Success><p>{words}</p></Banner> })}
            <div class="stack">
                <section class="card pad" aria-labelledby="role-heading">
                    <h2 id="role-heading">"What they may do"</h2>
                    <form method="post" action="/api/team/role" class="prose" novalidate>
                        <input type="hidden" name="id" value=user.id.to_string()/>
                        {form.choice(roles(user.role))}
                        <div class="acts"><button class="btn primary" type="submit">"Save role"</button></div>
                    </form>
                </section>
                <section class="card pad" aria-labelledby="password-heading">
                    <h2 id="password-heading">"Password"</h2>
                    <form method="post" action="/api/team/password" class="prose" novalidate>
                        <input type="hidden" name="id" value=user.id.to_string()/>
                        {form.line(new_password("New password"))}
                        <div class="acts"><button class="btn" type="submit">"Set password"</button></div>
                    </form>
                </section>
                {access_section(&user)}
            </div>
        }
        .into_any()
    });
    Ok(staff.show(page).await)
}

fn access_section(user: &User) -> AnyView {
    let (action, words, label) = match user.disabled_at {
        None => (
            "/api/team/disable",
            "Signs them out everywhere. What they did stays in the audit log.",
            "Stop them from signing in",
        ),
        Some(_) => (
            "/api/team/enable",
            "They can't sign in at present.",
            "Let them sign in again",
        ),
    };
    view! {
        <section class="card pad" aria-labelledby="access-heading">
            <h2 id="access-heading">"Access"</h2>
            <p>{words}</p>
            <form method="post" action=action>
                <input type="hidden" name="id" value=user.id.to_string()/>
                <div class="acts"><button class="btn" type="submit">{label}</button></div>
            </form>
        </section>
    }
    .into_any()
}

fn roles(kept: Role) -> Choice {
    let options = Role::ALL.map(|role| (role.key().to_owned(), role.label().to_owned()));
    Choice {
        id: "role",
        name: "role",
        label: "Role",
        hint: Some(
            "Owners and managers create and send campaigns; only owners change settings and the team. \
             Salespeople edit customers. Workshop and accountants look."
                .to_owned(),
        ),
        value: kept.key().to_owned(),
        options: vec![(String::new(), options.to_vec())],
    }
}

fn new_password(label: &'static str) -> Line {
    Line {
        id: "password",
        name: "password",
        label,
        kind: "password",
        hint: Some(format!("At least {} characters.", password::SHORTEST)),
        autocomplete: Some("new-password"),
        ..Line::default()
    }
}
