//! Signing in and out, from a form.

use leptos::prelude::*;
use leptos::server_fn::codec::PostUrl;

use crate::error::AppError;

/// Signs in and goes where the person was headed.
#[server(prefix = "/api", endpoint = "auth/sign-in", input = PostUrl)]
pub async fn sign_in(email: String, password: String, #[server(default)] next: String) -> Result<(), AppError> {
    let (state, _) = super::guard::visitor()?;
    let response = crate::server::respond::here()?;
    let token = super::rules::sign_in(&state.db, &email, password, &response.device(&state), state.clock.now()).await?;
    response.set_cookie(&super::session::cookie(state.settings.https(), &token));
    response.redirect(crate::server::respond::own_path(&next).unwrap_or("/marketing/campaigns"));
    Ok(())
}

/// Signs out, here only.
#[server(prefix = "/api", endpoint = "auth/sign-out", input = PostUrl)]
pub async fn sign_out() -> Result<(), AppError> {
    let ctx = super::guard::require(super::model::Permission::SignedIn)?;
    let response = crate::server::respond::here()?;
    super::rules::sign_out(ctx.db(), ctx.actor.session_id).await?;
    response.set_cookie(&super::session::cleared_cookie(ctx.state.settings.https()));
    response.redirect("/login");
    Ok(())
}
