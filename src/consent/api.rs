//! Recording what a customer told staff.

use leptos::prelude::*;
use leptos::server_fn::codec::PostUrl;

use super::model::{Channel, Wish};
use crate::error::AppError;

/// Records that a customer agreed or withdrew, with how staff know.
#[server(prefix = "/api", endpoint = "consent/change", input = PostUrl)]
pub async fn change_consent(
    id: i64,
    channel: Channel,
    wish: Wish,
    #[server(default)] evidence: String,
) -> Result<(), AppError> {
    let ctx = crate::context::ctx::require(crate::context::actor::Permission::WriteCustomers)?;
    let response = crate::context::response::response_context()?;
    super::rules::change_by_staff(
        ctx.db(),
        ctx.store(),
        &ctx.actor.name,
        id,
        channel,
        wish,
        &evidence,
        ctx.now,
    )
    .await?;
    response.redirect(&format!("/customers/{id}?ok=consent#consent"));
    Ok(())
}
