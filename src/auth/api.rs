//! Setting up, signing in and out, one's own password, and the team: all from plain forms, so none
//! of this is part of the browser's code.

use leptos::prelude::*;
use leptos::server_fn::codec::PostUrl;

use super::{
    rules::{self, SignInTry, SignedIn},
    session,
    setup::{self, NewShop},
    team::{self, Desk, NewMember},
    trusted_browsers,
};
use crate::{
    context::{
        AppState,
        actor::{Permission, Role},
        ctx,
        response::{self, Respond},
    },
    error::AppError,
};

/// Signs in and goes where the person was headed.
#[server(prefix = "/api", endpoint = "auth/sign-in", input = PostUrl)]
pub async fn sign_in(
    #[server(default)] email: String,
    #[server(default)] password: String,
    #[server(default)] next: String,
) -> Result<(), AppError> {
    let (state, _) = ctx::visitor()?;
    let response = response::response_context()?;
    let typed = SignInTry {
        email,
        password,
        known: response.cookie(trusted_browsers::cookie_name(state.settings.https())),
    };
    let key = &state.settings.secret_key;
    let signed_in = rules::sign_in(&state.db, key, typed, &response.device(&state), state.clock.now()).await?;
    admit(&state, &response, &signed_in);
    response.redirect(response::own_path(&next).unwrap_or("/marketing/campaigns"));
    Ok(())
}

/// Signs out, here only.
#[server(prefix = "/api", endpoint = "auth/sign-out", input = PostUrl)]
pub async fn sign_out() -> Result<(), AppError> {
    let ctx = ctx::require(Permission::SignedIn)?;
    let response = response::response_context()?;
    rules::sign_out(ctx.db(), ctx.actor.session_id).await?;
    response.set_cookie(&session::cleared_cookie(ctx.state.settings.https()));
    response.redirect("/login?out=1");
    Ok(())
}

/// Signs out everywhere else.
#[server(prefix = "/api", endpoint = "auth/end-others", input = PostUrl)]
pub async fn end_others() -> Result<(), AppError> {
    let ctx = ctx::require(Permission::SignedIn)?;
    let response = response::response_context()?;
    rules::end_other_sessions(ctx.db(), &ctx.actor, ctx.now).await?;
    response.redirect("/account?ok=others-ended");
    Ok(())
}

/// Sets one's own password; signed out everywhere else by it.
#[server(prefix = "/api", endpoint = "auth/password", input = PostUrl)]
pub async fn change_password(
    #[server(default)] present_password: String,
    #[server(default)] new_password: String,
) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::SignedIn)?;
    let response = response::response_context()?;
    let (key, device) = (&ctx.state.settings.secret_key, response.device(&ctx.state));
    let token = rules::change_own_password(
        ctx.db(),
        key,
        &ctx.actor,
        present_password,
        new_password,
        &device,
        ctx.now,
    )
    .await?;
    response.set_cookie(&session::cookie(ctx.state.settings.https(), &token));
    response.redirect("/account?ok=password");
    Ok(())
}

/// Sets up an empty installation: the store and its owner, who is signed in.
#[server(prefix = "/api", endpoint = "auth/set-up", input = PostUrl)]
pub async fn set_up(#[server(default)] shop: NewShop) -> Result<(), AppError> {
    let (state, _) = ctx::visitor()?;
    let response = response::response_context()?;
    let key = &state.settings.secret_key;
    let signed_in = setup::set_up(&state.db, key, shop, &response.device(&state), state.clock.now()).await?;
    admit(&state, &response, &signed_in);
    response.redirect("/marketing/campaigns?ok=set-up");
    Ok(())
}

/// Adds a member of staff.
#[server(prefix = "/api", endpoint = "team/add", input = PostUrl)]
pub async fn add_member(
    #[server(default)] name: String,
    #[server(default)] email: String,
    #[server(default)] role: String,
    #[server(default)] password: String,
) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::ManageStore)?;
    let response = response::response_context()?;
    let role = chosen(&role)?;
    let new = NewMember {
        name,
        email,
        role,
        password,
    };
    team::add(Desk::of(&ctx), new).await?;
    response.redirect("/settings/team?ok=added");
    Ok(())
}

/// Gives a member of staff another role.
#[server(prefix = "/api", endpoint = "team/role", input = PostUrl)]
pub async fn change_role(id: i64, #[server(default)] role: String) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::ManageStore)?;
    let response = response::response_context()?;
    team::change_role(Desk::of(&ctx), id, chosen(&role)?).await?;
    response.redirect(&format!("/settings/team/{id}?ok=role"));
    Ok(())
}

/// Keeps a member of staff out.
#[server(prefix = "/api", endpoint = "team/disable", input = PostUrl)]
pub async fn disable_member(id: i64) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::ManageStore)?;
    let response = response::response_context()?;
    team::disable(Desk::of(&ctx), id).await?;
    response.redirect(&format!("/settings/team/{id}?ok=disabled"));
    Ok(())
}

/// Lets a member of staff in again.
#[server(prefix = "/api", endpoint = "team/enable", input = PostUrl)]
pub async fn enable_member(id: i64) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::ManageStore)?;
    let response = response::response_context()?;
    team::enable(Desk::of(&ctx), id).await?;
    response.redirect(&format!("/settings/team/{id}?ok=enabled"));
    Ok(())
}

/// Gives a member of staff a new password.
#[server(prefix = "/api", endpoint = "team/password", input = PostUrl)]
pub async fn reset_password(id: i64, #[server(default)] password: String) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::ManageStore)?;
    let response = response::response_context()?;
    team::reset_password(Desk::of(&ctx), id, password).await?;
    response.redirect(&format!("/settings/team/{id}?ok=password"));
    Ok(())
}

fn chosen(role: &str) -> Result<Role, AppError> {
    Role::from_key(role).ok_or_else(|| AppError::invalid("role", "Choose a role"))
}

fn admit(state: &AppState, response: &Respond, signed_in: &SignedIn) {
    let https = state.settings.https();
    response.set_cookie(&session::cookie(https, &signed_in.token));
    if let Some(mark) = &signed_in.known {
        response.set_cookie(&trusted_browsers::cookie(https, mark));
    }
}
