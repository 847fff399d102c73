//! Changing customers, from forms.

use leptos::prelude::*;
use leptos::server_fn::codec::PostUrl;

use super::model::CustomerForm;
use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::{
    context::{
        actor::Permission,
        ctx::{self, Ctx},
        response,
    },
    customers::{agreement::Agreement, rules},
    stores::{self, model::Store},
};

#[cfg(feature = "ssr")]
async fn store_of(ctx: &Ctx) -> Result<Store, AppError> {
    stores::queries::find(ctx.db(), ctx.store())
        .await?
        .ok_or(AppError::NotFound)
}

/// Adds a customer and shows them. `agreed_since` is the address of which the form asked how it agreed
/// since it said no.
#[server(prefix = "/api", endpoint = "customers/add", input = PostUrl)]
pub async fn add_customer(
    #[server(default)] form: CustomerForm,
    #[server(default)] agreed: bool,
    #[server(default)] agreed_how: String,
    #[server(default)] agreed_since: String,
) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::WriteCustomers)?;
    let response = response::response_context()?;
    let agreed = agreed.then_some(Agreement {
        how: &agreed_how,
        since: &agreed_since,
    });
    let store = store_of(&ctx).await?;
    let id = rules::add(ctx.db(), &store, &ctx.actor.name, &form, agreed, ctx.now).await?;
    response.redirect(&format!("/customers/{id}?ok=added"));
    Ok(())
}

/// Writes what the form says, unless somebody changed the customer since `read_at`.
#[server(prefix = "/api", endpoint = "customers/edit", input = PostUrl)]
pub async fn edit_customer(id: i64, read_at: i64, #[server(default)] form: CustomerForm) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::WriteCustomers)?;
    let response = response::response_context()?;
    let store = store_of(&ctx).await?;
    rules::edit(ctx.db(), &store, &ctx.actor.name, id, read_at, &form, ctx.now).await?;
    response.redirect(&format!("/customers/{id}?ok=saved"));
    Ok(())
}

/// Archives a customer, or restores one.
#[server(prefix = "/api", endpoint = "customers/archive", input = PostUrl)]
pub async fn archive_customer(id: i64, archived: bool) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::WriteCustomers)?;
    let response = response::response_context()?;
    rules::archive(ctx.db(), ctx.store(), &ctx.actor.name, id, archived, ctx.now).await?;
    let word = if archived { "archived" } else { "restored" };
    response.redirect(&format!("/customers/{id}?ok={word}"));
    Ok(())
}

/// Writes the notes of a customer.
#[server(prefix = "/api", endpoint = "customers/notes", input = PostUrl)]
pub async fn write_notes(id: i64, #[server(default)] notes: String) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::WriteCustomers)?;
    let response = response::response_context()?;
    rules::write_notes(ctx.db(), ctx.store(), &ctx.actor.name, id, &notes, ctx.now).await?;
    response.redirect(&format!("/customers/{id}?ok=notes"));
    Ok(())
}

/// Lets mail go to an address again that bounced.
#[server(prefix = "/api", endpoint = "customers/allow-again", input = PostUrl)]
pub async fn allow_again(id: i64) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::WriteCustomers)?;
    let response = response::response_context()?;
    rules::allow_again(ctx.db(), ctx.store(), &ctx.actor.name, id, ctx.now).await?;
    response.redirect(&format!("/customers/{id}?ok=allowed"));
    Ok(())
}

/// Adds a purchase.
#[server(prefix = "/api", endpoint = "customers/add-purchase", input = PostUrl)]
pub async fn add_purchase(
    id: i64,
    #[server(default)] description: String,
    #[server(default)] amount: String,
    #[server(default)] day: String,
) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::WriteCustomers)?;
    let response = response::response_context()?;
    let store = store_of(&ctx).await?;
    rules::add_purchase(
        ctx.db(),
        &store,
        &ctx.actor.name,
        id,
        &description,
        &amount,
        &day,
        ctx.now,
    )
    .await?;
    response.redirect(&format!("/customers/{id}?ok=purchase#purchases"));
    Ok(())
}

/// Takes in a repair.
#[server(prefix = "/api", endpoint = "customers/add-repair", input = PostUrl)]
pub async fn add_repair(
    id: i64,
    #[server(default)] description: String,
    #[server(default)] day: String,
) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::WriteCustomers)?;
    let response = response::response_context()?;
    let store = store_of(&ctx).await?;
    rules::add_repair(ctx.db(), &store, &ctx.actor.name, id, &description, &day, ctx.now).await?;
    response.redirect(&format!("/customers/{id}?ok=repair#repairs"));
    Ok(())
}

/// Finishes a repair.
#[server(prefix = "/api", endpoint = "customers/finish-repair", input = PostUrl)]
pub async fn finish_repair(id: i64, repair: i64) -> Result<(), AppError> {
    let ctx = ctx::require(Permission::WriteCustomers)?;
    let response = response::response_context()?;
    rules::finish_repair(ctx.db(), ctx.store(), &ctx.actor.name, id, repair, ctx.now).await?;
    response.redirect(&format!("/customers/{id}?ok=finished#repairs"));
    Ok(())
}
