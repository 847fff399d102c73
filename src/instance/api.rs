//! Confirming that this database is the one that should send.

use leptos::prelude::*;
use leptos::server_fn::codec::PostUrl;

use crate::error::AppError;

/// An owner's word that this is no copy, or the one to go on with.
#[server(prefix = "/api", endpoint = "instance/confirm", input = PostUrl)]
pub async fn confirm_instance() -> Result<(), AppError> {
    let ctx = crate::context::ctx::require(crate::context::actor::Permission::ManageStore)?;
    let response = crate::context::response::response_context()?;
    super::confirm(&ctx).await?;
    response.redirect("/marketing/campaigns?ok=confirmed");
    Ok(())
}
